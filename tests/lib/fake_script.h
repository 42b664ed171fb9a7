/*
 * fake_script - an interpreter of policy scripts that lies, dies and stalls on demand: what the front must survive
 *
 * The test program is its own interpreter: script_new() starts it again with --script. Written from worker/proto_script.h alone. Its
 * "script" is a word that says how it starts, and the path of a file: with a word that begins with "later-" the first process is honest,
 * and makes the file. What it does with a message stands in the subject, behind "HOSTILE:"; "say-ACTION" is an honest outcome for all.
 */
#ifndef AVM_TESTS_FAKE_SCRIPT_H
#define AVM_TESTS_FAKE_SCRIPT_H

#include <fcntl.h>
#include <glib.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "verdict/action.h"
#include "worker/proto_script.h"

#define FAKE_LIFE_SECONDS 20 /* nothing that hangs outlives a test by more */
#define FAKE_FLOOD	  200000
#define FAKE_READ_MAX	  (64 * 1024)
#define FAKE_HOOKS	  (PROTO_ON_MESSAGE | PROTO_ON_VERDICT | PROTO_ON_RECIPIENT)

struct fake_script {
	uint32_t seq;
	uint32_t hooks;		/* that are called */
	char	 word[64];
	int	 fds[2];	/* that go with the next packet */
	size_t	 nfds;
};

/* What is wrong with the next packet. */
struct fake_lie {
	uint32_t magic, seq, len;
	uint16_t version;
};

static inline bool
fake_lie(struct fake_script *f, uint16_t op, const void *body, size_t len, struct fake_lie lie)
{
	struct proto_head head = {PROTO_MAGIC ^ lie.magic, (uint16_t)(PROTO_VERSION + lie.version), op, f->seq + lie.seq,
	                          (uint32_t)len + lie.len};
	union {
		const void *in;
		void *out;
	} bytes = {.in = body};
	struct iovec iov[2] = {{&head, sizeof(head)}, {bytes.out, len}};
	char control[CMSG_SPACE(sizeof(f->fds))] = {0};
	struct msghdr msg = {.msg_iov = iov, .msg_iovlen = 2};

	if (f->nfds > 0) {
		msg.msg_control = control;
		msg.msg_controllen = CMSG_SPACE(f->nfds * sizeof(int));
		struct cmsghdr *c = CMSG_FIRSTHDR(&msg);

		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(f->nfds * sizeof(int));
		memcpy(CMSG_DATA(c), f->fds, f->nfds * sizeof(int));
	}
	return sendmsg(PROTO_ZYGOTE_FD, &msg, MSG_NOSIGNAL) > 0;
}

static inline bool
fake_send(struct fake_script *f, uint16_t op, const void *body, size_t len)
{
	return fake_lie(f, op, body, len, (struct fake_lie){0});
}

/* The bytes of one request's file, and its fixed part; false: the front is gone. */
static inline bool
fake_receive(struct fake_script *f, uint16_t *op, void *fixed, size_t len, char *text)
{
	char body[FAKE_READ_MAX], control[CMSG_SPACE(sizeof(int))];
	struct proto_head head;
	struct iovec iov[2] = {{&head, sizeof(head)}, {body, sizeof(body)}};
	struct msghdr msg = {.msg_iov = iov, .msg_iovlen = 2, .msg_control = control, .msg_controllen = sizeof(control)};
	struct cmsghdr *c;
	ssize_t n;
	int fd;

	if (recvmsg(PROTO_ZYGOTE_FD, &msg, 0) < (ssize_t)(sizeof(head) + len) || (c = CMSG_FIRSTHDR(&msg)) == NULL)
		return false;
	memcpy(&fd, CMSG_DATA(c), sizeof(fd));
	memcpy(fixed, body, len);
	n = pread(fd, text, FAKE_READ_MAX, 0);
	close(fd);
	text[n > 0 ? n : 0] = '\0';
	for (ssize_t i = 0; i < n; i++) /* bundles are full of zero bytes */
		if (text[i] == '\0')
			text[i] = ' ';
	f->seq = head.seq;
	*op = head.op;
	return true;
}

static inline void
fake_outcome(struct fake_script *f, uint32_t recipient, uint32_t action, const char *text, size_t len)
{
	const struct proto_outcome out = {.recipient = recipient, .action = action, .line = 7};
	char body[sizeof(out) + 4096];

	memcpy(body, &out, sizeof(out));
	memcpy(body + sizeof(out), text, len);
	fake_send(f, PROTO_OUTCOME, body, sizeof(out) + len);
}

static inline void
fake_ask(struct fake_script *f, uint32_t question, const char *engine, size_t len)
{
	const struct proto_ask ask = {.question = question, .part = 1};
	char body[sizeof(ask) + 256];

	memcpy(body, &ask, sizeof(ask));
	memcpy(body + sizeof(ask), engine, len);
	fake_send(f, PROTO_ASK_FRONT, body, sizeof(ask) + len);
}

static inline void
fake_done(struct fake_script *f)
{
	fake_send(f, PROTO_DONE, "", 0);
}

static inline void
fake_sleep_ms(long ms)
{
	const struct timespec t = {ms / 1000, ms % 1000 * 1000000};

	nanosleep(&t, NULL);
}

static inline bool
fake_is(const struct fake_script *f, const char *word)
{
	return strcmp(f->word, word) == 0;
}

/* Ways to die, hang, and break the frame. */
static inline bool
fake_break(struct fake_script *f)
{
	static const char big[PROTO_MAX + 1024];
	volatile unsigned spin = 1;

	if (fake_is(f, "die"))
		_exit(0);
	if (fake_is(f, "segv"))
		raise(SIGKILL);
	if (fake_is(f, "close"))
		close(PROTO_ZYGOTE_FD);
	if (fake_is(f, "stop"))
		raise(SIGSTOP);
	while (fake_is(f, "spin"))
		spin++;
	while (fake_is(f, "hang") || fake_is(f, "close") || (fake_is(f, "hang-after") && (f->hooks & PROTO_ON_VERDICT)))
		pause();
	if (fake_is(f, "late"))
		fake_sleep_ms(3000);
	else if (fake_is(f, "half"))
		send(PROTO_ZYGOTE_FD, big, 3, MSG_NOSIGNAL);
	else if (fake_is(f, "empty"))
		send(PROTO_ZYGOTE_FD, big, 0, MSG_NOSIGNAL);
	else if (fake_is(f, "oversize"))
		fake_send(f, PROTO_LOG, big, sizeof(big));
	else if (fake_is(f, "magic"))
		fake_lie(f, PROTO_DONE, "", 0, (struct fake_lie){.magic = 1});
	else if (fake_is(f, "version"))
		fake_lie(f, PROTO_DONE, "", 0, (struct fake_lie){.version = 1});
	else if (fake_is(f, "length"))
		fake_lie(f, PROTO_DONE, "", 0, (struct fake_lie){.len = 1});
	else if (fake_is(f, "seq"))
		fake_lie(f, PROTO_DONE, "", 0, (struct fake_lie){.seq = 1});
	else if (fake_is(f, "old-seq"))
		fake_lie(f, PROTO_DONE, "", 0, (struct fake_lie){.seq = (uint32_t)-1});
	else if (fake_is(f, "seq-only") && fake_lie(f, PROTO_DONE, "", 0, (struct fake_lie){.seq = 1}))
		pause();
	else if (fake_is(f, "op"))
		fake_send(f, 999, "", 0);
	else if (fake_is(f, "ready"))
		fake_send(f, PROTO_SCRIPT_READY, big, sizeof(struct proto_script_ready));
	else
		return false;
	return true;
}

/* Outcomes that no honest script has. */
static inline bool
fake_misjudge(struct fake_script *f)
{
	char text[2 * PROTO_OUTCOME_BYTES] = "";

	if (fake_is(f, "outcome-action"))
		fake_outcome(f, PROTO_EVERYBODY, ACTION_COUNT, "", 1);
	else if (fake_is(f, "outcome-repair"))
		fake_outcome(f, PROTO_EVERYBODY, ACTION_REPAIR, "", 1);
	else if (fake_is(f, "outcome-recipient"))
		fake_outcome(f, 2, ACTION_PASS, "", 1);
	else if (fake_is(f, "outcome-open"))
		fake_outcome(f, PROTO_EVERYBODY, ACTION_PASS, "x", 1);
	else if (fake_is(f, "outcome-short"))
		fake_send(f, PROTO_OUTCOME, text, sizeof(struct proto_outcome) - 1);
	else if (fake_is(f, "outcome-nowhere"))
		fake_outcome(f, PROTO_EVERYBODY, ACTION_REDIRECT, "x y", 4);
	else if (fake_is(f, "outcome-long"))
		fake_outcome(f, PROTO_EVERYBODY, ACTION_REJECT, memset(text, 'x', PROTO_OUTCOME_BYTES), PROTO_OUTCOME_BYTES + 1);
	else if (fake_is(f, "outcome-flood"))
		for (int i = 0; i < FAKE_FLOOD; i++)
			fake_outcome(f, PROTO_EVERYBODY, ACTION_REJECT, "no", 3);
	else if (fake_is(f, "outcome-before"))
		fake_outcome(f, PROTO_EVERYBODY, ACTION_PASS, "", 1);
	else
		return false;
	return true;
}

/* Four together are always ahead of who reads. */
static inline void
fake_flood(struct fake_script *f)
{
	(void)fork();
	(void)fork();
	alarm(FAKE_LIFE_SECONDS);
	while (fake_send(f, PROTO_LOG, "x", 2))
		continue;
	_exit(0);
}

/* Variables, questions and lines for the log that are not what they should be. */
static inline bool
fake_babble(struct fake_script *f)
{
	static char much[2 * PROTO_SET_BYTES];

	if (fake_is(f, "set-open"))
		fake_send(f, PROTO_SET, "x", 1);
	else if (fake_is(f, "set-empty"))
		fake_send(f, PROTO_SET, "\0x", 3);
	else if (fake_is(f, "set-long"))
		fake_send(f, PROTO_SET, memset(much, 'x', sizeof(much) - 1), sizeof(much));
	else if (fake_is(f, "set-flood"))
		for (int i = 0; i < FAKE_FLOOD; i++)
			fake_send(f, PROTO_SET, "name\0value", 11);
	else if (fake_is(f, "ask-unknown"))
		fake_ask(f, 99, "", 1);
	else if (fake_is(f, "ask-part"))
		fake_ask(f, PROTO_ASK_PART, "", 1);
	else if (fake_is(f, "ask-open"))
		fake_ask(f, PROTO_ASK_SCAN, "f", 1);
	else if (fake_is(f, "ask-short"))
		fake_send(f, PROTO_ASK_FRONT, much, sizeof(struct proto_ask) - 1);
	else if (fake_is(f, "ask-flood")) /* and never reads an answer */
		for (int i = 0; i < FAKE_FLOOD; i++)
			fake_ask(f, PROTO_ASK_SCAN, "nobody", 7);
	else if (fake_is(f, "log-flood"))
		fake_flood(f);
	else if (fake_is(f, "log-drip"))
		while (fake_send(f, PROTO_LOG, "x", 2))
			fake_sleep_ms(1);
	else if (fake_is(f, "failed-open"))
		fake_send(f, PROTO_FAILED, "x", 1);
	else if (fake_is(f, "failed"))
		fake_send(f, PROTO_FAILED, "t.lua:1: why\n\x1b", 15);
	else
		return false;
	return true;
}

/* What is fine by itself, and must do no harm to the next message. */
static inline void
fake_trap(struct fake_script *f)
{
	f->fds[0] = f->fds[1] = STDERR_FILENO;
	f->nfds = fake_is(f, "descriptors") ? 2 : 0;
	if (f->nfds > 0)
		for (int i = 0; i < 200; i++)
			fake_send(f, PROTO_LOG, "x", 2);
	if (fake_is(f, "set"))
		fake_send(f, PROTO_SET, "name\0value", 11);
	fake_done(f);
	f->nfds = 0;
	for (int i = 0; i < 30 && fake_is(f, "twice"); i++) {
		fake_done(f);
		fake_sleep_ms(i / 10);
	}
	if (fake_is(f, "ahead") || fake_is(f, "late-ahead")) { /* an answer to the next message, seen before it, or behind */
		fake_sleep_ms(fake_is(f, "ahead") ? 0 : 2);
		for (int i = 0; i < 30; i++) {
			f->seq++;
			fake_outcome(f, PROTO_EVERYBODY, ACTION_PASS, "", 1);
			fake_done(f);
		}
	}
	if (fake_is(f, "die-after"))
		_exit(0);
}

static inline void
fake_serve(struct fake_script *f)
{
	enum action action;

	if (strncmp(f->word, "say-", 4) == 0 && !(f->hooks & PROTO_ON_VERDICT)) {
		fake_done(f);
	} else if (strncmp(f->word, "say-", 4) == 0 && action_parse(f->word + 4, &action)) {
		fake_outcome(f, PROTO_EVERYBODY, action, "a@example.org", 14);
		fake_done(f);
	} else if (strncmp(f->word, "tell-", 5) == 0 && action_parse(f->word + 5, &action)) {
		fake_outcome(f, 1, action, "a@example.org", 14);
		fake_done(f);
	} else if (fake_break(f) || fake_misjudge(f) || fake_babble(f)) {
		fake_done(f);
	} else {
		fake_trap(f);
	}
}

/* Is this process one that lies from the start? */
static inline bool
fake_is_later(char *source, const char **word)
{
	char *path = strchr(source, ' ');
	int fd;

	*path++ = '\0';
	path[strcspn(path, "\n")] = '\0';
	*word = source;
	if (strncmp(source, "later-", 6) != 0)
		return true;
	*word = source + 6;
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL, 0600);
	close(fd);
	return fd < 0;
}

static inline void
fake_begin(struct fake_script *f, const char *word)
{
	struct proto_script_ready ready = {.hooks = FAKE_HOOKS};
	static const char forged[] = "t.lua:1: why\nforged: line";

	g_strlcpy(f->word, word, sizeof(f->word));
	if (fake_is(f, "none"))
		ready.hooks = 0;
	if (fake_is(f, "fewer"))
		ready.hooks = PROTO_ON_MESSAGE;
	if (fake_is(f, "unknown"))
		ready.hooks |= 1u << 7;
	if (fake_is(f, "says")) /* print() outside of every function */
		fake_send(f, PROTO_LOG, "hello", 6);
	if (fake_is(f, "refuses"))
		fake_send(f, PROTO_FAILED, forged, sizeof(forged));
	else if (fake_is(f, "short"))
		fake_send(f, PROTO_SCRIPT_READY, &ready, sizeof(ready) - 1);
	else if (!fake_break(f) && !fake_babble(f))
		fake_send(f, PROTO_SCRIPT_READY, &ready, sizeof(ready));
}

static inline int
fake_script(void)
{
	static char text[FAKE_READ_MAX + 1];
	struct fake_script f = {0};
	struct proto_script limits;
	struct proto_call call;
	const char *word = "", *at;
	uint16_t op;

	alarm(FAKE_LIFE_SECONDS);
	if (!fake_receive(&f, &op, &limits, sizeof(limits), text) || op != PROTO_SCRIPT)
		return 1;
	fake_begin(&f, fake_is_later(text, &word) ? word : "honest");
	while (fake_receive(&f, &op, &call, sizeof(call), text) && op == PROTO_CALL) {
		alarm(FAKE_LIFE_SECONDS);
		f.hooks = call.hooks;
		at = strstr(text, "HOSTILE:");
		f.word[0] = '\0';
		if (at != NULL)
			sscanf(at, "HOSTILE:%63s", f.word);
		fake_serve(&f);
	}
	return 0;
}

#endif
