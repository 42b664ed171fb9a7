/*
 * release_payload - the bytes of a kept mail, looked through once before they go out
 */
#ifndef AVM_EFFECT_RELEASE_PAYLOAD_H
#define AVM_EFFECT_RELEASE_PAYLOAD_H

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/digest.h"

struct payload {
	int	 fd;
	uint64_t size, at;		/* at: how far payload_read() has come */
	bool	 eight_bit;		/* bytes above 127 */
	bool	 bare_lf;		/* an LF without CR: SMTP cannot carry it unchanged */
	bool	 plain;			/* its header block is one that mime speaks of: see relaxed_mime() */
	uint8_t	 whole[DIGEST_LEN];	/* sha256 of all */
	uint8_t	 mime[DIGEST_LEN];	/* of the fields that say how the body is to be read */
	uint8_t	 body[DIGEST_LEN];	/* of what stands behind the blank line, as it will arrive: with a line end at its end */
};

/* Look through the file, which it takes. False and *err (G_FILE_ERROR) when it cannot be read. */
bool	 payload_open(struct payload *c, int fd, GError **err);
void	 payload_close(struct payload *c);
/* For struct smtp_mail; arg is the content, from c->at on. */
bool	 payload_read(void *arg, void *buf, size_t len, size_t *got, GError **err);

#endif
