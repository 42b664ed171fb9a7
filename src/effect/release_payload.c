/* release_payload - see release_payload.h */
#include "effect/release_payload.h"

#include <string.h>
#include <sys/stat.h>

#include "base/auto.h"
#include "base/fsx.h"
#include "effect/relaxed.h"

#define PIECE (64 * 1024)
/* A longer header block is that of no mail that could be known again. */
#define HEADER_MAX (16 * 1024 * 1024)

/* How much of the blank line behind the header fields has been seen: CR LF CR LF. A mail begins as
 * if a line had ended, for one without fields begins with the blank line. */
enum { LINE_ENDED = 2, BLANK_LINE = 4 };

struct look {
	struct payload *c;
	struct digest *whole, *body;
	uint64_t header; /* bytes up to the body, when the blank line was seen */
	uint64_t at;
	unsigned seen;
	bool cr;    /* the last byte was CR */
	bool ended; /* the last two were CR LF */
};

static unsigned
step(unsigned seen, char b)
{
	static const char blank[] = "\r\n\r\n";

	if (b == blank[seen])
		return seen + 1;
	return b == '\r' ? 1 : 0;
}

static void
look_at(struct look *l, const char *p, size_t len)
{
	size_t body = l->seen == BLANK_LINE ? 0 : len;

	digest_add(l->whole, p, len);
	for (size_t i = 0; i < len; i++) {
		l->c->eight_bit |= (unsigned char)p[i] > 127;
		l->c->bare_lf |= p[i] == '\n' && !l->cr;
		l->ended = p[i] == '\n' && l->cr;
		l->cr = p[i] == '\r';
		if (l->seen != BLANK_LINE) {
			l->seen = step(l->seen, p[i]);
			if (l->seen == BLANK_LINE) {
				body = i + 1;
				l->header = l->at + body;
			}
		}
	}
	l->at += len;
	if (body < len)
		digest_add(l->body, p + body, len - body);
}

/* How the body is to be read. Of a mail that is nothing but fields nobody knows. */
static bool
look_at_header(struct payload *c, uint64_t len, GError **err)
{
	g_autofree char *block = NULL;

	if (len == 0 || len > HEADER_MAX)
		return true;
	block = g_malloc0(len + 1);
	if (!fsx_pread_all(c->fd, block, len, 0, err))
		return false;
	c->plain = strlen(block) == len && relaxed_mime_text(block, c->mime);
	return true;
}

static bool
look_through(struct payload *c, GError **err)
{
	g_autofree char *buf = g_malloc(PIECE);
	struct look l = { .c = c, .whole = digest_new(), .body = digest_new(), .seen = LINE_ENDED };
	size_t got = 0;
	bool ok;

	do {
		ok = payload_read(c, buf, PIECE, &got, err);
		look_at(&l, buf, ok ? got : 0);
	} while (ok && got > 0);
	if (!l.ended)
		digest_add(l.body, "\r\n", 2); /* the client of SMTP ends every line */
	digest_end(l.whole, c->whole);
	digest_end(l.body, c->body);
	digest_free(&l.whole);
	digest_free(&l.body);
	c->at = 0;
	return ok && look_at_header(c, l.header, err);
}

bool
payload_open(struct payload *c, int fd, GError **err)
{
	struct stat st;

	*c = (struct payload){ .fd = fd };
	if (fstat(fd, &st) != 0)
		return fsx_fail(err, "message", "stat");
	c->size = (uint64_t)st.st_size;
	return look_through(c, err);
}

void
payload_close(struct payload *c)
{
	fd_close(&c->fd);
}

bool
payload_read(void *arg, void *buf, size_t len, size_t *got, GError **err)
{
	struct payload *c = arg;
	const size_t n = (size_t)MIN((uint64_t)len, c->size - c->at);

	*got = 0;
	if (!fsx_pread_all(c->fd, buf, n, (off_t)c->at, err))
		return false;
	c->at += n;
	*got = n;
	return true;
}
