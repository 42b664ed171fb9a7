/*
 * tlsx - OpenSSL contexts and sessions
 *
 * The library's own socket BIO writes with write(2), which raises SIGPIPE on a closed connection;
 * ours uses send(2) with MSG_NOSIGNAL and is otherwise the same.
 */
#include "base/tlsx.h"

#include <arpa/inet.h>
#include <errno.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

struct tls {
	SSL_CTX *ctx;
	BIO_METHOD *bio;
	char *name;
};

static int
quiet_write(BIO *b, const char *buf, int len)
{
	ssize_t rc = send((int)BIO_get_fd(b, NULL), buf, (size_t)len, MSG_NOSIGNAL);

	BIO_clear_retry_flags(b);
	if (rc < 0 && (errno == EAGAIN || errno == EINTR))
		BIO_set_retry_write(b);
	return (int)rc;
}

/* Set *err from the library's queue. */
static void
fail(GError **err, const char *step, const char *what)
{
	unsigned long e = ERR_peek_last_error();
	const char *why = e ? ERR_reason_error_string(e) : NULL;

	g_set_error(err, NET_ERROR, NET_E_TLS, "tls: %s%s%s: %s", step, what[0] ? " " : "", what,
	    why ? why : "failed");
	ERR_clear_error();
}

/* The library says "system lib" for a file that cannot be read; say why. */
static bool
is_readable(const char *key, const char *path, GError **err)
{
	if (!path[0] || access(path, R_OK) == 0)
		return true;
	g_set_error(err, NET_ERROR, NET_E_TLS, "%s = \"%s\": %s", key, path, g_strerror(errno));
	return false;
}

static bool
load_files(struct tls *t, const struct tls_conf *c, GError **err)
{
	if (!is_readable("tls_ca", c->ca, err) || !is_readable("tls_cert", c->cert, err) ||
	    !is_readable("tls_key", c->key, err))
		return false;
	if (c->ca[0] ? SSL_CTX_load_verify_file(t->ctx, c->ca) != 1
		     : SSL_CTX_set_default_verify_paths(t->ctx) != 1) {
		fail(err, "tls_ca", c->ca);
		return false;
	}
	if (c->cert[0] && SSL_CTX_use_certificate_chain_file(t->ctx, c->cert) != 1) {
		fail(err, "tls_cert", c->cert);
		return false;
	}
	if (c->key[0] && SSL_CTX_use_PrivateKey_file(t->ctx, c->key, SSL_FILETYPE_PEM) != 1) {
		fail(err, "tls_key", c->key);
		return false;
	}
	if (c->cert[0] && c->key[0] && SSL_CTX_check_private_key(t->ctx) != 1) {
		fail(err, "tls_key does not belong to tls_cert:", c->key);
		return false;
	}
	return true;
}

struct tls *
tls_new(const struct tls_conf *c, GError **err)
{
	struct tls *t = g_new0(struct tls, 1);

	ERR_clear_error();
	t->name = g_strdup(c->name);
	t->ctx = SSL_CTX_new(TLS_client_method());
	t->bio = BIO_meth_new(BIO_TYPE_SOCKET, "quiet socket");
	g_assert(t->ctx && t->bio);
	BIO_meth_set_write(t->bio, quiet_write);
	BIO_meth_set_read(t->bio, BIO_meth_get_read(BIO_s_socket()));
	BIO_meth_set_ctrl(t->bio, BIO_meth_get_ctrl(BIO_s_socket()));
	BIO_meth_set_create(t->bio, BIO_meth_get_create(BIO_s_socket()));
	BIO_meth_set_destroy(t->bio, BIO_meth_get_destroy(BIO_s_socket()));
	SSL_CTX_set_min_proto_version(t->ctx, TLS1_2_VERSION);
	SSL_CTX_set_verify(t->ctx, SSL_VERIFY_PEER, NULL);
	SSL_CTX_set_mode(t->ctx,
	    SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
		SSL_MODE_RELEASE_BUFFERS);
	if (!load_files(t, c, err))
		tls_free(&t);
	return t;
}

void
tls_free(struct tls **t)
{
	if (!*t)
		return;
	SSL_CTX_free((*t)->ctx);
	BIO_meth_free((*t)->bio);
	g_free((*t)->name);
	g_free(*t);
	*t = NULL;
}

static bool
is_literal(const char *host)
{
	struct in6_addr any;

	return inet_pton(AF_INET, host, &any) == 1 || inet_pton(AF_INET6, host, &any) == 1;
}

/* Tell the session which name to ask for and to demand. */
static bool
set_name(SSL *ssl, const char *name)
{
	if (is_literal(name))
		return X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), name) == 1;
	SSL_set_hostflags(ssl, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
	/* What SSL_set_tlsext_host_name() does, without its cast that drops const. The library
	 * copies the name. */
	return SSL_ctrl(ssl, SSL_CTRL_SET_TLSEXT_HOSTNAME, TLSEXT_NAMETYPE_host_name,
		   (void *)(uintptr_t)name) == 1 &&
	    SSL_set1_host(ssl, name) == 1;
}

SSL *
tls_session(struct tls *t, int fd, const char *host, GError **err)
{
	const char *name = t->name[0] ? t->name : host;
	SSL *ssl = SSL_new(t->ctx);
	BIO *bio = BIO_new(t->bio);

	if (bio && ssl && name[0] && set_name(ssl, name)) {
		BIO_set_fd(bio, fd, BIO_NOCLOSE);
		SSL_set_bio(ssl, bio, bio);
		return ssl;
	}
	if (!name[0])
		g_set_error_literal(err, NET_ERROR, NET_E_TLS,
		    "tls: no name to check the certificate for; set tls_name");
	else
		fail(err, "name", name);
	BIO_free(bio);
	SSL_free(ssl);
	return NULL;
}

void
tls_explain(SSL *ssl, int why, GError **err)
{
	long verify = SSL_get_verify_result(ssl);

	if (verify != X509_V_OK) {
		g_set_error(err, NET_ERROR, NET_E_TLS,
		    "tls: certificate: %s; check tls_ca and tls_name",
		    X509_verify_cert_error_string(verify));
		ERR_clear_error();
	} else if (why != 0 && why != EPROTO) {
		g_set_error(err, NET_ERROR, NET_E_TLS, "tls: handshake: %s", g_strerror(why));
	} else {
		fail(err, "handshake", "");
	}
}
