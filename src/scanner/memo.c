#include "scanner/memo.h"

#include <glib.h>
#include <string.h>

#include "scanner/layers.h"
#include "scanner/logic.h"

/* 512 KiB: more than the thousand mails of a worker's life bring (measured: 2 layers a mail). */
#define SETS        4096
#define WAYS        4
#define PENDING_MAX 4096

/* Marks keys of second sights. No type of libclamav begins like this. */
#define SECOND "second sight of "

struct key {
	uint8_t bytes[DIGEST_LEN];
};

/* An open layer. */
struct place {
	struct key key; /* of it as a container */
	bool known;     /* there is one */
	bool document;
	bool has_second;
	struct key second; /* of it where the document is unpacked again */
	uint64_t noise;    /* noise_now() when it began */
};

struct memo {
	struct key table[SETS][WAYS]; /* all zero: empty */
	uint8_t next[SETS];           /* the way that is overwritten next */
	struct place chain[LAYERS_MAX];
	uint64_t skipped; /* layers that were known */
	bool doubtful;
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
	m->doubtful = false;
}

void
memo_doubt(struct memo *m)
{
	m->doubtful = true;
}

/* It stands still while nothing is passed over and no expression holds. */
static uint64_t
noise_now(const struct memo *m)
{
	return logic_held() + m->skipped;
}

static bool
is_document(const char *type)
{
	return g_str_has_prefix(type, "CL_TYPE_OOXML_");
}

/* libclamav takes a text or unknown bytes for something else once it has matched them, and a zip for
 * a document; these it leaves what they are. */
static bool
is_settled(const char *type)
{
	return strcmp(type, "CL_TYPE_MAIL") == 0 || is_document(type);
}

/* The digest of all that makes a layer what it is to a signature; around: the container, NULL = it is the object;
 * content NULL: its type is enough. mark: "" or SECOND. */
static void
make_key(struct memo *m, const struct place *around, const char *mark, const char *type,
    uint32_t attributes, const uint8_t *content, uint64_t size, struct key *out)
{
	if (around)
		digest_add(m->digest, around->key.bytes, DIGEST_LEN);
	digest_add(m->digest, mark, strlen(mark));
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

static void
add_pending(struct memo *m, const struct key *k)
{
	if (m->pending->len < PENDING_MAX)
		g_array_append_val(m->pending, *k);
}

/* In this scan. Keys of second sights are pending only once they are proven. */
static bool
just_proven(const struct memo *m, const struct key *k)
{
	for (guint i = m->pending->len; !m->doubtful && i > 0; i--)
		if (memcmp(&g_array_index(m->pending, struct key, i - 1), k, sizeof *k) == 0)
			return true;
	return false;
}

/* What a layer is, without where it is. */
struct layer_id {
	const char *type;
	uint32_t attributes;
	const uint8_t *digest;
	uint64_t size;
};

/* Was it clean among these containers? If not, it may be from now on. */
static bool
first_sight(struct memo *m, const struct place *around, const struct layer_id *id)
{
	struct key key;

	make_key(m, around, "", id->type, id->attributes, id->digest, id->size, &key);
	if (contains(m, &key))
		return true;
	add_pending(m, &key);
	return false;
}

/* In a document, or where it is unpacked again. */
static bool
second_sight(struct memo *m, struct place *at, const struct place *document, bool again,
    const struct layer_id *id)
{
	make_key(m, document, SECOND, id->type, id->attributes, id->digest, id->size, &at->second);
	at->noise = noise_now(m);
	at->has_second = !again;
	return again && (contains(m, &at->second) || just_proven(m, &at->second));
}

bool
memo_enter(struct memo *m, uint32_t level, unsigned below, const char *type, uint32_t attributes,
    const uint8_t *digest, uint64_t size)
{
	const struct layer_id id = { type, attributes, digest, size };
	const bool settled = is_settled(type);

	if (level >= LAYERS_MAX || below > level)
		return false;
	struct place *at = &m->chain[level];
	const struct place *around = below > 0 ? &m->chain[level - below] : NULL;
	const bool inside = below == 1 && around->known;

	at->known = (level == 0 || inside) && (settled || digest);
	if (at->known)
		make_key(m, around, "", type, attributes, settled ? NULL : digest, size, &at->key);
	at->document = at->known && is_document(type);
	at->has_second = false;
	if (!around || !digest)
		return false;
	bool known = inside && first_sight(m, around, &id);
	if (!known && below <= 2 && around->document)
		known = second_sight(m, at, around, below == 2, &id);
	m->skipped += known;
	return known;
}

void
memo_leave(struct memo *m, uint32_t level, bool clean)
{
	if (level >= LAYERS_MAX)
		return;
	struct place *at = &m->chain[level];

	if (at->has_second && clean && !m->doubtful && logic_held() != LOGIC_UNKNOWN &&
	    noise_now(m) == at->noise)
		add_pending(m, &at->second);
	at->has_second = false;
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
