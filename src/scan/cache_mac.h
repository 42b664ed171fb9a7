/*
 * cache_mac - values of the shared cache, sealed so that nobody but holders of the secret can write one
 *
 * A value is a format byte, the id of the secret, the packed verdict and an HMAC-SHA256 over all of that and the key, so a value
 * under another key, of another format or cut anywhere is not ours.
 */
#ifndef AVM_SCAN_CACHE_MAC_H
#define AVM_SCAN_CACHE_MAC_H

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/auto.h"
#include "base/digest.h"

#define MAC_ID_LEN	4
#define MAC_OVERHEAD	(1 + MAC_ID_LEN + DIGEST_LEN)
#define MAC_SECRET_MIN	16

/* The secret: bytes of secret_file. */
struct mac_key {
	uint8_t	 secret[DIGEST_LEN];	/* SHA-256 of the file's content */
	uint8_t	 id[MAC_ID_LEN];
};

/* Read secret_file (blanks at its end do not count). False and *err: missing, shorter than MAC_SECRET_MIN, readable for others. */
bool	 mac_key_read(const char *path, struct mac_key *k, GError **err);
void	 mac_key_of(const void *secret, size_t len, struct mac_key *k);

/* Append the sealed form of packed to `to`. */
void	 mac_seal(const struct mac_key *k, const uint8_t key[DIGEST_LEN], const void *packed, size_t len, GByteArray *to);
/* The packed verdict inside a value (borrowed from it), or NULL when the value is not one that we sealed for this key. */
const void *mac_open(const struct mac_key *k, const uint8_t key[DIGEST_LEN], const void *value, size_t len, size_t *packed_len) MUST_USE;

#endif
