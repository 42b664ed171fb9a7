/*
 * seal - made and checked over one canonical form
 */
#include "effect/seal.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <string.h>
#include <sys/stat.h>

#include "effect/relaxed.h"

#define FILE_MAX  (64 * 1024)
#define ID_LEN    4
#define VALUE_MAX 512
#define HOST_MAX  255
/* Clocks of two hops differ: a seal from a little in the future is one. */
#define CLOCK_SKEW_S 300

struct key {
	uint8_t secret[DIGEST_LEN];
	char id[2 * ID_LEN + 1]; /* hex of the secret's digest, so that nobody tries all keys */
};

struct seal {
	unsigned count;
	struct key keys[SEAL_KEYS_MAX];
};

/* What the field says. */
struct claim {
	char id[2 * ID_LEN + 1];
	int64_t time;
	char host[HOST_MAX + 1];
	uint8_t mac[DIGEST_LEN];
};

static bool
add_key(struct seal *s, const char *path, unsigned line, char *text, GError **err)
{
	uint8_t digest[DIGEST_LEN];
	struct key *k;

	g_strstrip(text);
	if (text[0] == '\0' || text[0] == '#')
		return true;
	if (strlen(text) < SEAL_KEY_MIN || s->count == SEAL_KEYS_MAX) {
		g_set_error(err, G_FILE_ERROR, G_FILE_ERROR_INVAL,
		    "seal.key_file: %s:%u: %s: a key a line, at least %d characters each: head -c 32 "
		    "/dev/urandom | base64 > %s",
		    path, line, s->count == SEAL_KEYS_MAX ? "too many keys" : "too short",
		    SEAL_KEY_MIN, path);
		return false;
	}
	k = &s->keys[s->count++];
	digest_of(text, strlen(text), k->secret);
	digest_of(k->secret, sizeof k->secret, digest);
	for (size_t i = 0; i < ID_LEN; i++)
		g_snprintf(k->id + 2 * i, 3, "%02x", digest[i]);
	return true;
}

static bool
add_keys(struct seal *s, const char *path, char *content, GError **err)
{
	unsigned line = 0;
	char *rest = content, *text;

	while ((text = strsep(&rest, "\n")) != NULL)
		if (!add_key(s, path, ++line, text, err))
			return false;
	if (s->count == 0)
		g_set_error(err, G_FILE_ERROR, G_FILE_ERROR_INVAL,
		    "seal.key_file: %s holds no key: head -c 32 /dev/urandom | base64 > %s", path,
		    path);
	return s->count > 0;
}

struct seal *
seal_new(const char *key_file, GError **err)
{
	struct seal *s = g_new0(struct seal, 1);
	g_autofree char *content = NULL;
	struct stat st;
	size_t len = 0;
	bool good = false;

	if (!g_file_get_contents(key_file, &content, &len, err))
		g_prefix_error(err, "seal.key_file: ");
	else if (stat(key_file, &st) != 0 || (st.st_mode & (S_IROTH | S_IWOTH)) != 0)
		g_set_error(err, G_FILE_ERROR, G_FILE_ERROR_PERM,
		    "seal.key_file: %s may be read or written by everybody: chmod o= %s", key_file,
		    key_file);
	else if (len > FILE_MAX || memchr(content, '\0', len) != NULL)
		g_set_error(err, G_FILE_ERROR, G_FILE_ERROR_INVAL,
		    "seal.key_file: %s is no list of keys", key_file);
	else
		good = add_keys(s, key_file, content, err);
	if (content != NULL)
		OPENSSL_cleanse(content, len);
	if (!good)
		seal_free(&s);
	return s;
}

void
seal_free(struct seal **sp)
{
	if (*sp == NULL)
		return;
	OPENSSL_cleanse(*sp, sizeof **sp);
	g_clear_pointer(sp, g_free);
}

/* Does this field change what a reader makes of the mail? */
static bool
counts(const char *name)
{
	static const char *const fields[] = { "from", "to", "cc", "subject", "date",
		"mime-version" };

	if (g_str_has_prefix(name, "content-"))
		return true;
	for (size_t i = 0; i < G_N_ELEMENTS(fields); i++)
		if (strcmp(name, fields[i]) == 0)
			return true;
	return false;
}

static int
by_name(const void *a, const void *b)
{
	const char *const *x = a, *const *y = b;

	return strcmp(*x, *y);
}

static void
add_string(GByteArray *to, const char *s)
{
	g_byte_array_append(to, (const guint8 *)s, (guint)strlen(s) + 1);
}

/* The fields that count, by name: some MTAs sort them. Those of one name keep their order, because
 * each carries its number. False: one of all fields is more than one. */
static bool
add_fields(GByteArray *to, const struct message *m)
{
	g_autoptr(GPtrArray) lines = g_ptr_array_new_with_free_func(g_free);

	for (guint i = 0; i < m->headers->len; i++) {
		const struct header *h = g_ptr_array_index(m->headers, i);
		g_autofree char *name = relaxed_name(h->name);
		GString *line;

		if (!relaxed_is_one_field(h->name, h->value))
			return false;
		if (!counts(name))
			continue;
		line = g_string_new(NULL);
		g_string_printf(line, "%s:%08u:", name, i);
		relaxed_add(line, h->value);
		g_ptr_array_add(lines, g_string_free(line, FALSE));
	}
	g_ptr_array_sort(lines, by_name);
	for (guint i = 0; i < lines->len; i++) {
		char *line = g_ptr_array_index(lines, i), *number = strchr(line, ':');

		/* The number was for the order only: hops add fields above. */
		memset(number + 1, '0', 8);
		add_string(to, line);
	}
	return true;
}

/* False when there is no such message: cut, with a header block too large to know, or with fields in
 * fields. */
static bool
mac_of(const struct key *k, const struct seal_subject *of, int64_t time, const char *host,
    uint8_t out[DIGEST_LEN])
{
	const struct message *m = of->message;
	g_autoptr(GByteArray) all = g_byte_array_new();
	g_autoptr(GString) ours = g_string_new(NULL);
	g_autofree char *head =
	    g_strdup_printf("avmilter " AVM_VERSION " seal 1; t=%" G_GINT64_FORMAT, time);
	unsigned n = 0;

	if (!m->sealed || m->error != NULL || m->headers_over)
		return false;
	add_string(all, head);
	add_string(all, host);
	g_byte_array_append(all, of->plan, DIGEST_LEN);
	g_byte_array_append(all, m->body_digest, DIGEST_LEN);
	relaxed_add(ours, of->scanned);
	g_string_append_c(ours, '\n');
	relaxed_add(ours, of->status);
	add_string(all, ours->str);
	return add_fields(all, m) &&
	    HMAC(EVP_sha256(), k->secret, sizeof k->secret, all->data, all->len, out, &n) != NULL &&
	    n == DIGEST_LEN;
}

char *
seal_make(const struct seal *s, const struct seal_subject *of, const char *host, int64_t now)
{
	uint8_t mac[DIGEST_LEN];
	char hex[DIGEST_HEX];

	if (strlen(host) > HOST_MAX || strcspn(host, "; \t") != strlen(host) ||
	    !mac_of(&s->keys[0], of, now, host, mac))
		return NULL;
	return g_strdup_printf("v=1; k=%s; t=%" G_GINT64_FORMAT "; h=%s; s=%s", s->keys[0].id, now,
	    host, digest_hex(mac, hex));
}

/* The text behind "; NAME=" up to the next ";" or the end; false when it is not the next thing. */
static bool
take(const char **at, const char *prefix, char *out, size_t size)
{
	size_t len;

	if (!g_str_has_prefix(*at, prefix))
		return false;
	*at += strlen(prefix);
	len = strcspn(*at, "; \t\r\n");
	if (len == 0 || len >= size)
		return false;
	memcpy(out, *at, len);
	out[len] = '\0';
	*at += len;
	return true;
}

/* The value exactly as seal_make() writes it, but for folding. */
static bool
read_claim(const char *value, struct claim *c)
{
	g_autoptr(GString) flat = g_string_new(NULL);
	char time[20], mac[DIGEST_HEX];
	const char *at;
	char *end;

	if (strlen(value) > VALUE_MAX)
		return false;
	relaxed_add(flat, value);
	at = flat->str;
	if (!take(&at, "v=1; k=", c->id, sizeof c->id) || !take(&at, "; t=", time, sizeof time) ||
	    !take(&at, "; h=", c->host, sizeof c->host) || !take(&at, "; s=", mac, sizeof mac) ||
	    *at != '\0' || strlen(mac) != DIGEST_HEX - 1)
		return false;
	c->time = g_ascii_strtoll(time, &end, 10);
	if (*end != '\0' || c->time <= 0)
		return false;
	for (size_t i = 0; i < DIGEST_LEN; i++) {
		int high = g_ascii_xdigit_value(mac[2 * i]);
		int low = g_ascii_xdigit_value(mac[2 * i + 1]);

		if (high < 0 || low < 0)
			return false;
		c->mac[i] = (uint8_t)(high << 4 | low);
	}
	return true;
}

static const struct key *
key_find(const struct seal *s, const char *id)
{
	for (unsigned i = 0; i < s->count; i++)
		if (strcmp(s->keys[i].id, id) == 0)
			return &s->keys[i];
	return NULL;
}

bool
seal_check(const struct seal *s, const struct seal_subject *of, const char *value, int64_t now,
    int64_t max_age_ms, char **host, const char **why)
{
	uint8_t mac[DIGEST_LEN];
	const struct key *k;
	struct claim c;

	if (!read_claim(value, &c))
		*why = "it is not one of ours";
	else if ((k = key_find(s, c.id)) == NULL)
		*why = "its key is unknown";
	else if (!mac_of(k, of, c.time, c.host, mac) || CRYPTO_memcmp(mac, c.mac, sizeof mac) != 0)
		*why = "the mail, or what would scan it, is not what was sealed";
	else if (c.time > now + CLOCK_SKEW_S || now - c.time > max_age_ms / 1000)
		*why = "it is too old, or the clocks differ";
	else {
		*host = g_strdup(c.host);
		return true;
	}
	return false;
}
