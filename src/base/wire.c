/*
 * wire - buffered exchange over a net stream
 */
#include "base/wire.h"

#include <errno.h>
#include <string.h>

#define READ_SIZE        (16 * 1024) /* bytes asked for at a time */
#define WRITE_BUFFER_MAX (64 * 1024) /* what we take in while writing; more can wait */
#define HEX_DIGITS_MAX   15          /* of a chunk size: below 2^60 */

struct wire {
	struct net *net;
	struct wait *wait;
	int64_t silence_ms;
	int64_t begun_ms;
	GByteArray *in;
	guint at; /* first unread byte of in */
	bool answered;
	bool eof;
	bool unsent; /* a write ended early */
	bool ahead;  /* what was read last came before all that was written had arrived */
	int broken;  /* errno of a dead connection, 0 = alive */
};

struct wire *
wire_new(struct net *n, int64_t silence_ms)
{
	struct wire *w = g_new0(struct wire, 1);

	w->net = n;
	w->silence_ms = silence_ms;
	w->in = g_byte_array_new();
	return w;
}

void
wire_free(struct wire **w)
{
	if (!*w)
		return;
	net_close(&(*w)->net);
	g_byte_array_unref((*w)->in);
	g_free(*w);
	*w = NULL;
}

void
wire_begin(struct wire *w, struct wait *wait)
{
	w->wait = wait;
	w->begun_ms = now_ms();
	w->answered = false;
	w->unsent = false;
	w->ahead = false;
}

static guint
buffered(const struct wire *w)
{
	return w->in->len - w->at;
}

/* Take in what is there. Returns false when nothing more can come: end of file or a broken
 * connection. */
static bool
fill(struct wire *w)
{
	size_t got = 0;
	guint old;

	if (w->eof)
		return false;
	if (w->at == w->in->len) {
		w->at = 0;
		g_byte_array_set_size(w->in, 0);
	}
	old = w->in->len;
	g_byte_array_set_size(w->in, old + READ_SIZE);
	switch (net_try_read(w->net, w->in->data + old, READ_SIZE, &got)) {
	case NET_DONE:
		w->answered = true;
		/* An answer carries the acknowledgement of all that its sender had when it spoke. */
		w->ahead = net_is_underway(w->net);
		break;
	case NET_AGAIN:
		break;
	case NET_EOF:
		w->eof = true;
		break;
	case NET_BROKEN:
		w->broken = errno ? errno : ECONNRESET;
		w->eof = true;
		break;
	}
	g_byte_array_set_size(w->in, old + (guint)got);
	return !w->eof;
}

/* Wait for the next byte or room for one, no longer than silence and deadline allow. */
static bool
pause_for(struct wire *w, bool want_write, GError **err)
{
	struct deadline silent = deadline_in(w->silence_ms);
	struct wait cut = wait_until(w->wait, silent);
	GError *why = NULL;
	bool ok = net_poll(w->net, want_write, &cut, &why);

	w->wait->next_tick_ms = cut.next_tick_ms;
	if (ok)
		return true;
	if (g_error_matches(why, NET_ERROR, NET_E_TIMEOUT)) {
		g_clear_error(&why);
		g_set_error(&why, NET_ERROR, NET_E_TIMEOUT,
		    "timed out after %" G_GINT64_FORMAT " ms",
		    silent.at_ms <= w->wait->dl.at_ms ? w->silence_ms : now_ms() - w->begun_ms);
	}
	g_propagate_error(err, why);
	return false;
}

bool
wire_halted(struct wire *w)
{
	if (!w->eof && buffered(w) < WRITE_BUFFER_MAX)
		fill(w);
	return w->eof || w->broken || buffered(w) > 0;
}

bool
wire_write_some(struct wire *w, const void *data, size_t len, size_t *put, GError **err)
{
	size_t n;

	*put = 0;
	while (*put < len && !wire_halted(w)) {
		switch (net_try_write(w->net, (const char *)data + *put, len - *put, &n)) {
		case NET_DONE:
			*put += n;
			break;
		case NET_AGAIN:
			if (!pause_for(w, true, err))
				return false;
			break;
		case NET_EOF:
		case NET_BROKEN:
			/* The answer, if there is one, can still be read; fill() does not stop at
			 * this. */
			w->broken = errno ? errno : EPIPE;
			break;
		}
	}
	return true;
}

bool
wire_write(struct wire *w, const void *data, size_t len, GError **err)
{
	size_t put;

	if (!wire_write_some(w, data, len, &put, err))
		return false;
	w->unsent = w->unsent || put < len;
	return true;
}

bool
wire_write_fd(struct wire *w, const void *data, size_t len, int fd, GError **err)
{
	size_t put = 0;

	while (put == 0) {
		if (wire_halted(w)) {
			w->unsent = true;
			return true;
		}
		switch (net_try_send_fd(w->net, data, len, fd, &put)) {
		case NET_DONE:
			break;
		case NET_AGAIN:
			if (!pause_for(w, true, err))
				return false;
			break;
		case NET_EOF:
		case NET_BROKEN:
			if (errno != EPIPE && errno != ECONNRESET) {
				g_set_error(err, NET_ERROR, NET_E_IO, "passing a descriptor: %s",
				    g_strerror(errno));
				return false;
			}
			w->broken = errno;
			break;
		}
	}
	return wire_write(w, (const char *)data + put, len - put, err);
}

bool
wire_sent_all(const struct wire *w)
{
	return !w->unsent;
}

bool
wire_reached(const struct wire *w)
{
	return !w->unsent && !w->ahead;
}

bool
wire_answered(const struct wire *w)
{
	return w->answered;
}

bool
wire_is_quiet(struct wire *w)
{
	return !wire_halted(w);
}

bool
wire_unread(struct wire *w)
{
	wire_halted(w);
	return buffered(w) > 0;
}

struct wait *
wire_wait(const struct wire *w)
{
	return w->wait;
}

bool
wire_passes_fds(const struct wire *w)
{
	return net_passes_fds(w->net);
}

/* Have at least one unread byte. False and *err: closed, silent. */
static bool
need(struct wire *w, GError **err)
{
	while (buffered(w) == 0) {
		bool more = fill(w);

		if (buffered(w) > 0)
			break;
		if (!more) {
			g_set_error(err, NET_ERROR, NET_E_CLOSED,
			    "connection closed by the server%s%s%s",
			    w->answered ? " in the middle of the answer" : " without an answer",
			    w->broken ? ": " : "", w->broken ? g_strerror(w->broken) : "");
			return false;
		}
		if (!pause_for(w, false, err))
			return false;
	}
	return true;
}

bool
wire_until(struct wire *w, char stop, size_t max, GString *out, GError **err)
{
	size_t kept = 0;

	for (;;) {
		const guint8 *from, *end;
		size_t n;

		if (!need(w, err))
			return false;
		from = w->in->data + w->at;
		end = memchr(from, stop, buffered(w));
		n = end ? (size_t)(end - from) : buffered(w);
		if (n > max - kept) {
			g_set_error(
			    err, NET_ERROR, NET_E_LONG, "answer longer than %zu bytes", max);
			return false;
		}
		g_string_append_len(out, (const char *)from, (gssize)n);
		kept += n;
		w->at += (guint)n + (end ? 1 : 0);
		if (end)
			return true;
	}
}

bool
wire_line(struct wire *w, size_t max, GString *out, GError **err)
{
	gsize start = out->len;

	if (!wire_until(w, '\n', max, out, err))
		return false;
	if (out->len > start && out->str[out->len - 1] == '\r')
		g_string_truncate(out, out->len - 1);
	if (memchr(out->str + start, '\0', out->len - start)) {
		g_set_error_literal(
		    err, NET_ERROR, NET_E_SYNTAX, "a NUL byte in a line of the answer");
		return false;
	}
	return true;
}

bool
wire_exact(struct wire *w, void *buf, size_t len, GError **err)
{
	char *to = buf;

	while (len > 0) {
		size_t n;

		if (!need(w, err))
			return false;
		n = MIN(len, buffered(w));
		if (to) {
			memcpy(to, w->in->data + w->at, n);
			to += n;
		}
		w->at += (guint)n;
		len -= n;
	}
	return true;
}

bool
wire_rest(struct wire *w, size_t max, GString *out, GError **err)
{
	size_t kept = 0;

	for (;;) {
		guint n = buffered(w);

		if (n > max - kept) {
			g_set_error(
			    err, NET_ERROR, NET_E_LONG, "answer longer than %zu bytes", max);
			return false;
		}
		g_string_append_len(out, (const char *)w->in->data + w->at, n);
		kept += n;
		w->at += n;
		if (w->eof) {
			if (!w->broken)
				return true;
			g_set_error(err, NET_ERROR, NET_E_CLOSED,
			    "connection closed by the server: %s", g_strerror(w->broken));
			return false;
		}
		if (!fill(w) || buffered(w) > 0)
			continue;
		if (!pause_for(w, false, err))
			return false;
	}
}

/* HEX[;extension]. */
static bool
parse_chunk_size(const char *line, uint64_t *out)
{
	size_t n = strspn(line, "0123456789abcdefABCDEF");
	const char *rest = line + n;

	if (n == 0 || n > HEX_DIGITS_MAX)
		return false;
	rest += strspn(rest, " \t");
	if (*rest != '\0' && *rest != ';')
		return false;
	*out = g_ascii_strtoull(line, NULL, 16);
	return true;
}

static bool
skip_trailers(struct wire *w, GError **err)
{
	g_autoptr(GString) line = g_string_new(NULL);

	for (unsigned i = 0; i < CHUNK_TRAILERS_MAX; i++) {
		g_string_truncate(line, 0);
		if (!wire_line(w, CHUNK_LINE_MAX, line, err))
			return false;
		if (line->len == 0)
			return true;
	}
	g_set_error_literal(
	    err, NET_ERROR, NET_E_LONG, "too many trailer lines behind a chunked body");
	return false;
}

/* Read the framing up to the next data byte, or the end. */
static bool
next_chunk(struct wire *w, struct chunked *c, GError **err)
{
	g_autoptr(GString) line = g_string_new(NULL);

	if (c->inside) { /* the line end behind the data of the last chunk */
		if (!wire_line(w, CHUNK_LINE_MAX, line, err))
			return false;
		if (line->len > 0) {
			g_set_error_literal(
			    err, NET_ERROR, NET_E_SYNTAX, "a chunk is longer than its size says");
			return false;
		}
	}
	if (!wire_line(w, CHUNK_LINE_MAX, line, err))
		return false;
	if (!parse_chunk_size(line->str, &c->left)) {
		g_set_error_literal(err, NET_ERROR, NET_E_SYNTAX, "not a chunk size");
		return false;
	}
	c->inside = c->left > 0;
	c->done = c->left == 0;
	return !c->done || skip_trailers(w, err);
}

ssize_t
wire_chunked(struct wire *w, struct chunked *c, void *buf, size_t len, GError **err)
{
	size_t n;

	if (!c->done && c->left == 0 && !next_chunk(w, c, err))
		return -1;
	if (c->done)
		return 0;
	n = c->left < len ? (size_t)c->left : len;
	n = MIN(n, READ_SIZE);
	if (!wire_exact(w, buf, n, err))
		return -1;
	c->left -= n;
	return (ssize_t)n;
}
