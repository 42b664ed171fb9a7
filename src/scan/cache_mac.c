/*
 * cache_mac - values of the shared cache, sealed so that nobody but holders of the secret can write
 * one
 */
#include "scan/cache_mac.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <string.h>
#include <sys/stat.h>

#define FORMAT     1
#define SECRET_MAX (64 * 1024)

static const char purpose[] = "avmilter cache value 1";

void
mac_key_of(const void *secret, size_t len, struct mac_key *k)
{
	uint8_t id[DIGEST_LEN];

	digest_of(secret, len, k->secret);
	digest_of(k->secret, sizeof k->secret, id);
	memcpy(k->id, id, sizeof k->id);
}

bool
mac_key_read(const char *path, struct mac_key *k, GError **err)
{
	g_autofree char *content = NULL;
	struct stat st;
	size_t len;

	if (!g_file_get_contents(path, &content, &len, err)) {
		g_prefix_error(err, "cache.secret_file: ");
		return false;
	}
	while (len > 0 && g_ascii_isspace(content[len - 1]))
		len--;
	if (len < MAC_SECRET_MIN || len > SECRET_MAX) {
		g_set_error(err, G_FILE_ERROR, G_FILE_ERROR_INVAL,
		    "cache.secret_file: %s holds %zu bytes, wanted are %d to %d: head -c "
		    "32 /dev/urandom | base64 > %s",
		    path, len, MAC_SECRET_MIN, SECRET_MAX, path);
		return false;
	}
	if (stat(path, &st) != 0 || (st.st_mode & (S_IROTH | S_IWOTH)) != 0) {
		g_set_error(err, G_FILE_ERROR, G_FILE_ERROR_PERM,
		    "cache.secret_file: %s may be read or written by everybody: chmod o= %s", path,
		    path);
		return false;
	}
	mac_key_of(content, len, k);
	OPENSSL_cleanse(content, len);
	return true;
}

static void
mac(const struct mac_key *k, const uint8_t key[DIGEST_LEN], const uint8_t *value, size_t len,
    uint8_t out[DIGEST_LEN])
{
	g_autoptr(GByteArray) all = g_byte_array_new();
	unsigned n = 0;

	g_byte_array_append(all, (const guint8 *)purpose, sizeof purpose);
	g_byte_array_append(all, key, DIGEST_LEN);
	g_byte_array_append(all, value, (guint)len);
	g_assert(
	    HMAC(EVP_sha256(), k->secret, sizeof k->secret, all->data, all->len, out, &n) != NULL &&
	    n == DIGEST_LEN);
}

void
mac_seal(const struct mac_key *k, const uint8_t key[DIGEST_LEN], const void *packed, size_t len,
    GByteArray *to)
{
	const guint8 format = FORMAT;
	guint from = to->len;
	uint8_t m[DIGEST_LEN];

	g_byte_array_append(to, &format, 1);
	g_byte_array_append(to, k->id, MAC_ID_LEN);
	g_byte_array_append(to, packed, (guint)len);
	mac(k, key, to->data + from, to->len - from, m);
	g_byte_array_append(to, m, sizeof m);
}

const void *
mac_open(const struct mac_key *k, const uint8_t key[DIGEST_LEN], const void *value, size_t len,
    size_t *packed_len)
{
	const uint8_t *v = value;
	uint8_t m[DIGEST_LEN];

	if (len < MAC_OVERHEAD || v[0] != FORMAT || memcmp(v + 1, k->id, MAC_ID_LEN) != 0)
		return NULL;
	mac(k, key, v, len - DIGEST_LEN, m);
	if (CRYPTO_memcmp(m, v + len - DIGEST_LEN, DIGEST_LEN) != 0)
		return NULL;
	*packed_len = len - MAC_OVERHEAD;
	return v + 1 + MAC_ID_LEN;
}
