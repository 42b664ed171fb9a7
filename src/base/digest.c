/*
 * digest - SHA-256 through libcrypto
 *
 * EVP calls with a fetched algorithm fail only when memory runs out, which ends the process like
 * every other allocation.
 */
#include "base/digest.h"

#include <glib.h>
#include <openssl/evp.h>
#include <pthread.h>

struct digest {
	EVP_MD_CTX *ctx;
};

static EVP_MD *sha256; /* set once, under sha256_once */
static pthread_once_t sha256_once = PTHREAD_ONCE_INIT;

static void
fetch(void)
{
	sha256 = EVP_MD_fetch(NULL, "SHA256", NULL);
	g_assert(sha256);
}

/* Fetching costs more than hashing a small mail, so it happens once. */
static const EVP_MD *
algorithm(void)
{
	pthread_once(&sha256_once, fetch);
	return sha256;
}

static void
begin(struct digest *d)
{
	int ok = EVP_DigestInit_ex2(d->ctx, algorithm(), NULL);

	g_assert(ok == 1);
}

struct digest *
digest_new(void)
{
	struct digest *d = g_new0(struct digest, 1);

	d->ctx = EVP_MD_CTX_new();
	g_assert(d->ctx);
	begin(d);
	return d;
}

void
digest_add(struct digest *d, const void *data, size_t len)
{
	int ok = EVP_DigestUpdate(d->ctx, data, len);

	g_assert(ok == 1);
}

void
digest_end(struct digest *d, uint8_t out[DIGEST_LEN])
{
	int ok = EVP_DigestFinal_ex(d->ctx, out, NULL);

	g_assert(ok == 1);
	begin(d);
}

void
digest_free(struct digest **d)
{
	if (!*d)
		return;
	EVP_MD_CTX_free((*d)->ctx);
	g_free(*d);
	*d = NULL;
}

void
digest_of(const void *data, size_t len, uint8_t out[DIGEST_LEN])
{
	int ok = EVP_Digest(data, len, out, NULL, algorithm(), NULL);

	g_assert(ok == 1);
}

char *
digest_hex(const uint8_t d[DIGEST_LEN], char out[DIGEST_HEX])
{
	static const char digits[] = "0123456789abcdef";

	for (size_t i = 0; i < DIGEST_LEN; i++) {
		out[2 * i] = digits[d[i] >> 4];
		out[2 * i + 1] = digits[d[i] & 0xf];
	}
	out[2 * DIGEST_LEN] = '\0';
	return out;
}
