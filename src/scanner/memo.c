#include "scanner/memo.h"

#include <glib.h>
#include <string.h>

#include "scanner/layers.h"

/* 512 KiB: more than the thousand mails of a worker's life bring (measured: 2 layers a mail). */
#define SETS        4096
#define WAYS        4
#define PENDING_MAX 4096

struct key {
	uint8_t bytes[DIGEST_LEN];
};

struct memo {
	struct key table[SETS][WAYS]; /* all zero: empty */
	uint8_t next[SETS];           /* the way that is overwritten next */
	struct {
		struct key key; /* of it as a container */
		bool known;     /* there is one */
	} chain[LAYERS_MAX];
	GArray *pending; /* of struct key */
	struct digest *digest;
};

struct memo *
memo_new(void)
{
	struct memo *m = g_new0(struct memo, 1);

	m->pending = g_array_new(FALSE, FALSE, sizeof(struct key));
	m->digest = digest_new();
	return m;
}

void
memo_free(struct memo **mp)
{
	struct memo *m = *mp;

	if (!m)
		return;
	g_array_unref(m->pending);
	digest_free(&m->digest);
	g_free(m);
	*mp = NULL;
}

void
memo_begin(struct memo *m)
{
	g_array_set_size(m->pending, 0);
}

/* libclamav takes a text or unknown bytes for something else once it has matched them, and a zip for
 * a document; these it leaves what they are. */
static bool
is_settled(const char *type)
{
	return strcmp(type, "CL_TYPE_MAIL") == 0 || g_str_has_prefix(type, "CL_TYPE_OOXML_");
}

/* The digest of all that makes a layer what it is to a signature; content NULL: its type is enough. */
static void
make_key(struct memo *m, uint32_t level, const char *type, uint32_t attributes,
    const uint8_t *content, uint64_t size, struct key *out)
{
	if (level > 0)
		digest_add(m->digest, m->chain[level - 1].key.bytes, DIGEST_LEN);
	digest_add(m->digest, type, strlen(type) + 1);
	digest_add(m->digest, &attributes, sizeof attributes);
	if (content) {
		digest_add(m->digest, &size, sizeof size);
		digest_add(m->digest, content, DIGEST_LEN);
	}
	digest_end(m->digest, out->bytes);
}

static unsigned
set_of(const struct key *k)
{
	unsigned n;

	memcpy(&n, k->bytes, sizeof n);
	return n % SETS;
}

static bool
contains(const struct memo *m, const struct key *k)
{
	const struct key *set = m->table[set_of(k)];

	for (unsigned i = 0; i < WAYS; i++)
		if (memcmp(&set[i], k, sizeof *k) == 0)
			return true;
	return false;
}

bool
memo_enter(struct memo *m, uint32_t level, bool inside, const char *type, uint32_t attributes,
    const uint8_t *digest, uint64_t size)
{
	const bool settled = is_settled(type);
	struct key key;
	bool placed;

	if (level >= LAYERS_MAX)
		return false;
	placed = level == 0 || (inside && m->chain[level - 1].known);
	m->chain[level].known = placed && (settled || digest);
	if (m->chain[level].known)
		make_key(m, level, type, attributes, settled ? NULL : digest, size,
		    &m->chain[level].key);
	if (level == 0 || !placed || !digest)
		return false;
	make_key(m, level, type, attributes, digest, size, &key);
	if (contains(m, &key))
		return true;
	if (m->pending->len < PENDING_MAX)
		g_array_append_val(m->pending, key);
	return false;
}

static void
keep(struct memo *m, const struct key *k)
{
	unsigned set = set_of(k);

	if (contains(m, k))
		return;
	m->table[set][m->next[set]] = *k;
	m->next[set] = (uint8_t)((m->next[set] + 1) % WAYS);
}

void
memo_end(struct memo *m, bool proven)
{
	for (guint i = 0; proven && i < m->pending->len; i++)
		keep(m, &g_array_index(m->pending, struct key, i));
	g_array_set_size(m->pending, 0);
}
