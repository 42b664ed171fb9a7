/*
 * digest - SHA-256 of bytes as they pass by
 *
 * libcrypto underneath, the algorithm fetched once for the process. A digest belongs to one thread at a time.
 */
#ifndef AVM_BASE_DIGEST_H
#define AVM_BASE_DIGEST_H

#include <stddef.h>
#include <stdint.h>

#define DIGEST_LEN 32
#define DIGEST_HEX (2 * DIGEST_LEN + 1)

struct digest;

struct digest *digest_new(void);
void	 digest_add(struct digest *d, const void *data, size_t len);
/* Write the result and make d ready for the next run. */
void	 digest_end(struct digest *d, uint8_t out[DIGEST_LEN]);
void	 digest_free(struct digest **d);

/* All in one. Any thread. */
void	 digest_of(const void *data, size_t len, uint8_t out[DIGEST_LEN]);
/* Lower-case hex with a NUL. Returns out. */
char	*digest_hex(const uint8_t d[DIGEST_LEN], char out[DIGEST_HEX]);

#endif
