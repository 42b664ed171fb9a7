/*
 * tlsx - the inside of TLS: OpenSSL contexts and sessions for base/net.c
 */
#ifndef AVM_BASE_TLSX_H
#define AVM_BASE_TLSX_H

#include <glib.h>
#include <openssl/ssl.h>

#include "base/net.h"

/* A client session over a connected non-blocking socket, set to check the certificate for host (or the configured name).
 * Does not own fd. NULL and *err. */
SSL	*tls_session(struct tls *t, int fd, const char *host, GError **err);
/* Set *err to why a handshake failed: the certificate, the library's reason, or why (an errno, 0 = none). */
void	 tls_explain(SSL *ssl, int why, GError **err);

#endif
