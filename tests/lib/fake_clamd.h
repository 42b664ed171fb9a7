/*
 * fake_clamd - clamd's side of its protocol, as protocols/clamd.md has it from a real one
 */
#ifndef AVM_TESTS_FAKE_CLAMD_H
#define AVM_TESTS_FAKE_CLAMD_H

#include "fake_server.h"

/* Read a z command; a descriptor that comes with the byte behind it is taken and closed. */
static inline bool
fake_clamd_command(struct fake_conn *c, GString *command)
{
	union {
		struct cmsghdr head;
		char room[CMSG_SPACE(sizeof(int))];
	} control;
	char byte;
	struct iovec iov = {.iov_base = &byte, .iov_len = 1};

	for (;;) {
		struct msghdr m = {.msg_iov = &iov,
		                   .msg_iovlen = 1,
		                   .msg_control = &control,
		                   .msg_controllen = sizeof(control)};
		struct cmsghdr *h;

		if (recvmsg(c->fd, &m, MSG_CMSG_CLOEXEC) != 1)
			return false;
		for (h = CMSG_FIRSTHDR(&m); h; h = CMSG_NXTHDR(&m, h)) {
			int fd;

			memcpy(&fd, CMSG_DATA(h), sizeof(fd));
			atomic_store(&c->f->got, (unsigned long)lseek(fd, 0, SEEK_END));
			close(fd);
		}
		if (byte == '\0' && command->len > 0)
			return true;
		if (byte != '\0')
			g_string_append_c(command, byte);
	}
}

static inline bool
fake_clamd_stream(struct fake_conn *c)
{
	uint32_t n;
	unsigned long sum = 0;

	for (;;) {
		g_autofree char *chunk = NULL;

		if (!fake_read(c->fd, &n, sizeof(n)))
			return false;
		n = ntohl(n);
		if (n == 0)
			break;
		chunk = g_malloc(n);
		if (!fake_read(c->fd, chunk, n))
			return false;
		sum += n;
	}
	atomic_store(&c->f->got, sum);
	return true;
}

static inline void
fake_clamd_say(struct fake_conn *c, const char *text)
{
	g_autofree char *line =
	    c->session ? g_strdup_printf("%u: %s", c->commands, text) : g_strdup(text);

	fake_say(c->fd, line, strlen(line) + 1);
}

static inline int
fake_clamd_request(struct fake_conn *c)
{
	g_autoptr(GString) command = g_string_new(NULL);

	if (!fake_clamd_command(c, command))
		return 0;
	if (strcmp(command->str, "zIDSESSION") == 0) {
		c->session = true;
		return 's';
	}
	if (strcmp(command->str, "zEND") == 0)
		return 0;
	c->commands++;
	if (strcmp(command->str, "zVERSIONCOMMANDS") == 0) {
		fake_clamd_say(c, c->f->options);
		return 'p';
	}
	c->way = command->str[1];
	if (strcmp(command->str, "zINSTREAM") == 0)
		return fake_play(c)->early || fake_clamd_stream(c) ? 'o' : 0;
	return c->way == 'F' || c->way == 'S' ? 'o' : 0;
}

/* "2: fd[12]: " */
static inline void
fake_clamd_begin(struct fake_conn *c, GString *answer)
{
	if (c->session)
		g_string_append_printf(answer, "%u: ", c->commands);
	g_string_append(answer, c->way == 'F' ? "fd[12]: " : "stream: ");
}

static inline bool
fake_clamd_stays(struct fake_conn *c)
{
	return c->session;
}

static const struct fake_protocol fake_clamd = {
    .request = fake_clamd_request, .begin = fake_clamd_begin, .stays = fake_clamd_stays};

#endif
