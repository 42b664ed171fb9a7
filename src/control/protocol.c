/* protocol - see protocol.h */
#include "control/protocol.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/auto.h"
#include "base/fsx.h"

#define READ_SIZE 4096

void
control_line_init(struct control_line *l, int fd, size_t max)
{
	*l = (struct control_line){ .fd = fd, .max = max, .buf = g_string_new(NULL), .passed = -1 };
}

void
control_line_clear(struct control_line *l)
{
	if (l->buf != NULL)
		g_string_free(l->buf, TRUE);
	l->buf = NULL;
	fd_close(&l->passed);
}

/* Keep the first descriptor of a message and close the rest: nobody can fill our table. */
static void
take_descriptors(struct control_line *l, struct msghdr *msg)
{
	for (struct cmsghdr *c = CMSG_FIRSTHDR(msg); c != NULL; c = CMSG_NXTHDR(msg, c)) {
		size_t n;

		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
			continue;
		n = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
		for (size_t i = 0; i < n; i++) {
			int fd;

			memcpy(&fd, CMSG_DATA(c) + i * sizeof(int), sizeof(fd));
			if (l->passed < 0)
				l->passed = fd;
			else
				close(fd);
		}
	}
}

static ssize_t
receive(struct control_line *l)
{
	char data[READ_SIZE];
	union {
		struct cmsghdr align;
		char buf[CMSG_SPACE(4 * sizeof(int))];
	} control;
	struct iovec iov = { .iov_base = data, .iov_len = sizeof(data) };
	struct msghdr msg = { .msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = control.buf,
		.msg_controllen = sizeof(control.buf) };
	ssize_t n;

	do
		n = recvmsg(l->fd, &msg, MSG_CMSG_CLOEXEC);
	while (n < 0 && errno == EINTR);
	if (n > 0) {
		take_descriptors(l, &msg);
		g_string_append_len(l->buf, data, n);
	}
	return n;
}

/* True when there is something to read. */
static bool
wait_readable(int fd, int timeout_ms, GError **err)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };
	int n;

	do
		n = poll(&p, 1, timeout_ms);
	while (n < 0 && errno == EINTR);
	if (n > 0)
		return true;
	if (n == 0)
		errno = ETIMEDOUT;
	return fsx_fail(err, "control socket", "read");
}

char *
control_line_read(struct control_line *l, int timeout_ms, GError **err)
{
	for (;;) {
		const char *lf = memchr(l->buf->str, '\n', l->buf->len);
		ssize_t n;

		if (lf != NULL && (size_t)(lf - l->buf->str) <= l->max) {
			char *line = g_strndup(l->buf->str, (gsize)(lf - l->buf->str));

			g_string_erase(l->buf, 0, lf - l->buf->str + 1);
			return line;
		}
		if (l->buf->len > l->max) {
			g_set_error(err, G_FILE_ERROR, G_FILE_ERROR_INVAL,
			    "control socket: a line is longer than %zu bytes", l->max);
			return NULL;
		}
		if (!wait_readable(l->fd, timeout_ms, err))
			return NULL;
		n = receive(l);
		if (n < 0)
			fsx_fail(err, "control socket", "read");
		if (n <= 0)
			return NULL;
	}
}

bool
control_line_write(int fd, const char *text, int passed, GError **err)
{
	g_autofree char *line = g_strconcat(text, "\n", NULL);
	const size_t len = strlen(line);
	size_t done = 0;

	while (done < len) {
		union {
			struct cmsghdr align;
			char buf[CMSG_SPACE(sizeof(int))];
		} control = { 0 };
		struct iovec iov = { .iov_base = line + done, .iov_len = len - done };
		struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };
		ssize_t n;

		if (passed >= 0 && done == 0) {
			struct cmsghdr *c = &control.align;

			msg.msg_control = control.buf;
			msg.msg_controllen = sizeof(control.buf);
			c->cmsg_level = SOL_SOCKET;
			c->cmsg_type = SCM_RIGHTS;
			c->cmsg_len = CMSG_LEN(sizeof(int));
			memcpy(CMSG_DATA(c), &passed, sizeof(passed));
		}
		n = sendmsg(fd, &msg, MSG_NOSIGNAL);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return fsx_fail(err, "control socket", "write");
		done += (size_t)n;
	}
	return true;
}

static void
append_word(GString *out, const char *word)
{
	for (const char *p = word; *p != '\0'; p++) {
		if (g_ascii_isalnum(*p) || strchr("_.-", *p) != NULL)
			g_string_append_c(out, *p);
		else
			g_string_append_printf(out, "%%%02X", (unsigned char)*p);
	}
}

char *
control_join(const char *const *words)
{
	GString *out = g_string_new(NULL);

	for (; *words != NULL; words++) {
		if (out->len > 0)
			g_string_append_c(out, ' ');
		append_word(out, *words);
	}
	return g_string_free(out, FALSE);
}

/* Undo %HH in place; false for a byte that should have been written so, and for %00. */
static bool
decode_word(char *word)
{
	char *to = word;

	for (const char *p = word; *p != '\0'; p++) {
		if (*p == '%') {
			const int high = g_ascii_xdigit_value(p[1]),
				  low = high < 0 ? -1 : g_ascii_xdigit_value(p[2]);

			if (low < 0 || (high == 0 && low == 0))
				return false;
			*to++ = (char)(high * 16 + low);
			p += 2;
		} else if (g_ascii_isalnum(*p) || strchr("_.-", *p) != NULL) {
			*to++ = *p;
		} else {
			return false;
		}
	}
	*to = '\0';
	return true;
}

char **
control_split(const char *line, GError **err)
{
	char **words = g_strsplit(line, " ", -1);
	bool ok = words[0] != NULL;

	for (char **w = words; *w != NULL && ok; w++)
		ok = decode_word(*w) && (*w)[0] != '\0';
	if (!ok) {
		g_set_error(err, G_FILE_ERROR, G_FILE_ERROR_INVAL,
		    "malformed request: words of [A-Za-z0-9_.-] and %%HH, single blanks "
		    "between them");
		g_strfreev(words);
		return NULL;
	}
	return words;
}
