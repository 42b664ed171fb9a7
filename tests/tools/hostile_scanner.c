/*
 * hostile_scanner - an avmilter-scanner that lies, dies and hangs on demand: what the front must survive
 *
 * Written from worker/proto.h alone. The zygote does what the first word of the file settings.database says; the second
 * is the number of the generation. A worker does what the word behind "HOSTILE:" in the message says, while it decomposes
 * or, for words that begin with "scan-", while it scans. A message without such a word is served honestly: an object in the
 * arena, one in the spool, "EICAR" found where it stands.
 *
 * Where an attack must already fail here (EPERM), the worker answers FAILED if it did and clean if it did not: a test that
 * demands "never clean" sees a front that let it through.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <sys/mman.h>
#include <sys/pidfd.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "message/object.h"
#include "verdict/verdict.h"
#include "worker/proto.h"

#define CHILDREN_MAX	64
#define LIFE_SECONDS	120	/* nothing that hangs outlives a test by more */
#define READ_MAX	(64 * 1024)
#define WORD_MAX	64
#define FLOOD		100000
#define DECODED		"decoded by the worker, HOSTILE or not"
#define DECODED_LEN	(sizeof(DECODED) - 1)

/* What is wrong with the next packet. */
struct lie {
	uint32_t magic, seq, len;
	uint16_t version;
};

struct child {
	pid_t	 pid;
	int	 pidfd;
	uint32_t number;
};

struct worker {
	int	 sock, message, arena;
	uint32_t seq;
	uint64_t size, arena_size;
	char	 text[READ_MAX + 1];
	char	 word[WORD_MAX];
	const char *mode;
	void	*map;
};

static bool
send_lie(int sock, uint16_t op, uint32_t seq, const void *body, size_t len, const int *fds, size_t nfds, struct lie lie)
{
	struct proto_head head = { PROTO_MAGIC ^ lie.magic, (uint16_t)(PROTO_VERSION + lie.version), op, seq + lie.seq,
		(uint32_t)len + lie.len };
	union { const void *in; void *out; } bytes = { .in = body };
	struct iovec iov[2] = { { &head, sizeof(head) }, { bytes.out, len } };
	char control[CMSG_SPACE(4 * sizeof(int))] = { 0 };
	struct msghdr msg = { .msg_iov = iov, .msg_iovlen = 2 };

	if (nfds > 0) {
		msg.msg_control = control;
		msg.msg_controllen = CMSG_SPACE(nfds * sizeof(int));
		struct cmsghdr *c = CMSG_FIRSTHDR(&msg);

		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(nfds * sizeof(int));
		memcpy(CMSG_DATA(c), fds, nfds * sizeof(int));
	}
	return sendmsg(sock, &msg, MSG_NOSIGNAL) > 0;
}

static bool
send_packet(int sock, uint16_t op, uint32_t seq, const void *body, size_t len)
{
	return send_lie(sock, op, seq, body, len, NULL, 0, (struct lie){ 0 });
}

/* One request; its descriptors to fds, -1 where there is none. False: the front is gone. */
static bool
receive(int sock, struct proto_head *head, void *body, size_t len, int fds[2])
{
	struct iovec iov[2] = { { head, sizeof(*head) }, { body, len } };
	char control[CMSG_SPACE(2 * sizeof(int))];
	struct msghdr msg = { .msg_iov = iov, .msg_iovlen = 2, .msg_control = control, .msg_controllen = sizeof(control) };
	struct cmsghdr *c;

	fds[0] = fds[1] = -1;
	if (recvmsg(sock, &msg, MSG_CMSG_CLOEXEC) < (ssize_t)sizeof(*head))
		return false;
	c = CMSG_FIRSTHDR(&msg);
	if (c && c->cmsg_type == SCM_RIGHTS)
		memcpy(fds, CMSG_DATA(c), c->cmsg_len - CMSG_LEN(0));
	return true;
}

static void
done_lie(struct worker *w, struct proto_done d, const char *text, size_t text_len, struct lie lie)
{
	char body[sizeof(d) + PROTO_TEXT_MAX];

	memcpy(body, &d, sizeof(d));
	memcpy(body + sizeof(d), text, text_len);
	send_lie(w->sock, PROTO_DONE, w->seq, body, sizeof(d) + text_len, NULL, 0, lie);
}

static void
done(struct worker *w, uint32_t state, uint32_t partial, uint32_t failed)
{
	struct proto_done d = { .state = state, .partial = partial, .failed = failed };

	done_lie(w, d, "hostile", sizeof("hostile"), (struct lie){ 0 });
}

static void
clean(struct worker *w)
{
	done(w, SCAN_COMPLETE, 0, 0);
}

/* An attack that the front's seals must have stopped. */
static void
attacked(struct worker *w, bool worked)
{
	if (worked)
		clean(w);
	else
		done(w, SCAN_FAILED, 0, REASON_ENGINE_ERROR);
}

/* strings: path, type and names, with their NULs. */
static void
object_raw(struct worker *w, struct proto_object o, const char *strings, size_t len)
{
	static char body[PROTO_MAX * 2];

	memcpy(body, &o, sizeof(o));
	memcpy(body + sizeof(o), strings, len);
	send_packet(w->sock, PROTO_OBJECT, w->seq, body, sizeof(o) + len);
}

#define PART_STRINGS	"1\0text/plain\0a.txt"

static struct proto_object
part(uint32_t id, uint32_t store, uint64_t offset, uint64_t size)
{
	return (struct proto_object){ id, OBJECT_PART, store, 1, offset, size };
}

static void
object(struct worker *w, struct proto_object o)
{
	object_raw(w, o, PART_STRINGS, sizeof(PART_STRINGS));
}

static void
message(struct worker *w)
{
	struct proto_object o = { 0, OBJECT_MESSAGE, STORE_SPOOL, 0, 0, w->size };

	object_raw(w, o, "\0", 2);
}

static void
fill_arena(struct worker *w)
{
	w->map = mmap(NULL, w->arena_size, PROT_READ | PROT_WRITE, MAP_SHARED, w->arena, 0);
	if (w->map == MAP_FAILED)
		_exit(9);
	memcpy(w->map, DECODED, DECODED_LEN);
}

static void
leave_arena(struct worker *w)
{
	munmap(w->map, w->arena_size);
}

/* What an honest worker lists. */
static void
honest_objects(struct worker *w)
{
	message(w);
	fill_arena(w);
	object(w, part(1, STORE_ARENA, 0, DECODED_LEN));
	object(w, part(2, STORE_SPOOL, 1, w->size > 2 ? 2 : 0));
	leave_arena(w);
}

static void
finding_raw(struct worker *w, uint32_t kind, const char *strings, size_t len)
{
	struct proto_finding f = { .kind = kind };
	char body[sizeof(f) + PROTO_TEXT_MAX];

	memcpy(body, &f, sizeof(f));
	memcpy(body + sizeof(f), strings, len);
	send_packet(w->sock, PROTO_FINDING, w->seq, body, sizeof(f) + len);
}

/* Honest, but slow: so much processor time for each request. */
static void
burn(const char *word)
{
	struct timespec begin, now;
	long ms = strncmp(word, "burn-", 5) == 0 ? strtol(word + 5, NULL, 10) : 0;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &begin);
	do
		clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
	while ((now.tv_sec - begin.tv_sec) * 1000 + (now.tv_nsec - begin.tv_nsec) / 1000000 < ms);
}

#include "hostile_attacks.h"

static void
find_word(struct worker *w)
{
	ssize_t n = pread(w->message, w->text, READ_MAX, 0);
	const char *at;
	size_t len;

	w->text[n > 0 ? n : 0] = '\0';
	at = strstr(w->text, "HOSTILE:");
	len = at ? strspn(at + 8, "abcdefghijklmnopqrstuvwxyz0123456789-") : 0;
	if (len >= sizeof(w->word))
		len = sizeof(w->word) - 1;
	if (len > 0)
		memcpy(w->word, at + 8, len);
	w->word[len] = '\0';
}

static void
decompose(struct worker *w, const struct proto_decompose *rq, const int fds[2])
{
	const char *word = w->word;

	w->message = fds[0];
	w->arena = fds[1];
	w->size = rq->size;
	w->arena_size = rq->arena_size;
	find_word(w);
	if (bad_object(w) || bad_list(w) || bad_arena(w) || bad_packet(w) || bad_hints(w))
		return;
	honest_objects(w);
	burn(word);
	if (strncmp(word, "slow-", 5) == 0)
		usleep((useconds_t)strtoul(word + 5, NULL, 10) * 1000);
	if (!bad_done(w, word) && !bad_life(w, word))
		clean(w);
}

static void
scan(struct worker *w, const struct proto_scan *rq, int arena)
{
	const char *word = strncmp(w->word, "scan-", 5) == 0 ? w->word + 5 : "";
	const struct proto_done d = { .state = SCAN_COMPLETE };

	if (strcmp(word, "rewrite") == 0) {
		attacked(w, (arena >= 0 && pwrite(arena, "x", 1, 0) == 1) || pwrite(w->arena, "x", 1, 0) == 1 ||
		    pwrite(w->message, "x", 1, 0) == 1);
		return;
	}
	if (strcmp(word, "seq") == 0) {
		done_lie(w, d, "", 1, (struct lie){ .seq = 1 });
		return;
	}
	if (strcmp(word, "object") == 0)
		object(w, part(3, STORE_SPOOL, 0, 1));
	if (bad_done(w, word) || bad_life(w, word) || bad_cover(w, word, rq->object))
		return;
	burn(w->word);
	if (rq->object == 0 && strstr(w->text, "EICAR"))
		finding_raw(w, FINDING_INFECTED, "Eicar\0a.zip/x.com", 18);
	clean(w);
}

/* "place-WORD": where an object stands; honestly all but the first three bytes of the message. */
static void
place(struct worker *w)
{
	const char *word = strncmp(w->word, "place-", 6) == 0 ? w->word + 6 : "";
	struct proto_place p = { PLACING_FOUND, 0, 3, 4, 5, 6, 7, w->size };
	size_t len = sizeof(p);

	if (strcmp(word, "outside") == 0)
		p.end++;
	else if (strcmp(word, "order") == 0)
		p.body = p.begin;
	else if (strcmp(word, "kind") == 0)
		p.placing = PLACING_LAST + 1;
	else if (strcmp(word, "short") == 0)
		len--;
	if (strcmp(word, "object") == 0)
		object(w, part(3, STORE_SPOOL, 0, 1));
	if (strcmp(word, "nowhere") != 0)
		send_lie(w->sock, PROTO_PLACED, w->seq, &p, len, NULL, 0, (struct lie){ 0 });
	if (strcmp(word, "twice") == 0)
		send_lie(w->sock, PROTO_PLACED, w->seq, &p, len, NULL, 0, (struct lie){ 0 });
	if (!bad_done(w, word) && !bad_life(w, word))
		clean(w);
}

static void
forget(struct worker *w)
{
	if (w->message >= 0)
		close(w->message);
	if (w->arena >= 0)
		close(w->arena);
	w->message = w->arena = -1;
}

static void
selftest(struct worker *w)
{
	if (strcmp(w->mode, "selftest-fail") == 0)
		done(w, SCAN_FAILED, 0, REASON_ENGINE_ERROR);
	else if (strcmp(w->mode, "selftest-hang") == 0)
		pause();
	else if (strcmp(w->mode, "selftest-die") == 0)
		_exit(3);
	else if (strcmp(w->mode, "selftest-lie") == 0)
		finding_raw(w, FINDING_INFECTED, "x\0\0", 3);
	else
		clean(w);
}

static void
serve(int sock, const char *mode)
{
	static struct worker w;
	union { struct proto_decompose decompose; struct proto_scan scan; char bytes[256]; } body;
	struct proto_head head;
	int fds[2];

	w = (struct worker){ .sock = sock, .message = -1, .arena = -1, .mode = mode };
	alarm(LIFE_SECONDS);
	while (receive(sock, &head, &body, sizeof(body), fds)) {
		w.seq = head.seq;
		switch (head.op) {
		case PROTO_SELFTEST:
			selftest(&w);
			break;
		case PROTO_DECOMPOSE:
			forget(&w);
			decompose(&w, &body.decompose, fds);
			break;
		case PROTO_SCAN:
			scan(&w, &body.scan, fds[0]);
			if (fds[0] >= 0)
				close(fds[0]);
			break;
		case PROTO_PLACE:
			place(&w);
			break;
		case PROTO_RELEASE:
			forget(&w);
		}
	}
	_exit(0);
}

static void
fork_worker(struct child *children, size_t *n, uint32_t seq, const char *mode)
{
	static uint32_t number;
	struct proto_worker id = { .number = ++number };
	struct child *c = &children[*n];
	int pair[2], fds[2];

	if (*n == CHILDREN_MAX || strcmp(mode, "no-fork") == 0 ||
	    socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0) {
		send_packet(PROTO_ZYGOTE_FD, PROTO_FAILED, seq, "cannot fork\n\x1b[31m", 18);
		return;
	}
	c->number = number;
	c->pid = fork();
	if (c->pid == 0) {
		close(PROTO_ZYGOTE_FD);
		close(pair[0]);
		for (size_t i = 0; i < *n; i++)
			close(children[i].pidfd);
		serve(pair[1], mode);
	}
	close(pair[1]);
	c->pidfd = pidfd_open(c->pid, 0);
	id.pid = c->pid;
	fds[0] = pair[0];
	fds[1] = c->pidfd;
	send_lie(PROTO_ZYGOTE_FD, PROTO_WORKER, seq, &id, sizeof(id), fds, 2, (struct lie){ 0 });
	close(pair[0]);
	++*n;
}

static void
bury(struct child *children, size_t *n, size_t i)
{
	struct proto_exit e = { .number = children[i].number, .pid = children[i].pid };

	waitpid(children[i].pid, &e.status, 0);
	close(children[i].pidfd);
	send_packet(PROTO_ZYGOTE_FD, PROTO_EXIT, 0, &e, sizeof(e));
	children[i] = children[--*n];
}

static void
zygote(const char *mode)
{
	struct child children[CHILDREN_MAX];
	struct pollfd fds[CHILDREN_MAX + 1];
	struct proto_head head;
	char body[64];
	int passed[2];
	size_t n = 0;

	for (;;) {
		fds[0] = (struct pollfd){ .fd = PROTO_ZYGOTE_FD, .events = POLLIN };
		for (size_t i = 0; i < n; i++)
			fds[i + 1] = (struct pollfd){ .fd = children[i].pidfd, .events = POLLIN };
		poll(fds, n + 1, -1);
		for (size_t i = n; i-- > 0;)
			if (fds[i + 1].revents)
				bury(children, &n, i);
		if (!fds[0].revents)
			continue;
		if (!receive(PROTO_ZYGOTE_FD, &head, body, sizeof(body), passed))
			break;
		if (head.op == PROTO_FORK)
			fork_worker(children, &n, head.seq, mode);
	}
	for (size_t i = 0; i < n; i++)
		kill(children[i].pid, SIGKILL);
	while (wait(NULL) > 0)
		;
	_exit(0);
}

/* First word: what to do; second: which generation. */
static void
read_orders(const char *path, char mode[WORD_MAX], unsigned *generation)
{
	FILE *f = fopen(path, "r");

	if (!f || fscanf(f, "%63s %u", mode, generation) < 1)
		_exit(7);
	fclose(f);
}

int
main(void)
{
	struct proto_head head;
	static struct proto_settings settings;
	struct proto_ready ready = { .signatures = 1, .engine_version = "Hostile 1" };
	char mode[WORD_MAX] = "";
	unsigned generation = 1;
	int fds[2];

	alarm(LIFE_SECONDS);
	signal(SIGPIPE, SIG_IGN);
	if (!receive(PROTO_ZYGOTE_FD, &head, &settings, sizeof(settings), fds) || head.op != PROTO_SETTINGS)
		return 6;
	read_orders(settings.database, mode, &generation);
	if (strcmp(mode, "exit") == 0)
		return 5;
	if (strcmp(mode, "mute") == 0)
		pause();
	if (strcmp(mode, "garbage") == 0)
		send(PROTO_ZYGOTE_FD, "garbage", 7, MSG_NOSIGNAL);
	send_packet(PROTO_ZYGOTE_FD, PROTO_LOADING, head.seq, "loading", 8);
	send_packet(PROTO_ZYGOTE_FD, PROTO_LOG, 0, "log line\nforged line", 21);
	fprintf(stderr, "to stderr\x1b[31m\n");
	if (strcmp(mode, "failed") == 0) {
		send_packet(PROTO_ZYGOTE_FD, PROTO_FAILED, head.seq, "no signatures in here\n", 23);
		return 1;
	}
	if (strncmp(mode, "slow-", 5) == 0)
		usleep((useconds_t)strtoul(mode + 5, NULL, 10) * 1000);
	memset(ready.generation, (int)generation, sizeof(ready.generation));
	if (strcmp(mode, "open-version") == 0)
		memset(ready.engine_version, 'x', sizeof(ready.engine_version));
	send_packet(PROTO_ZYGOTE_FD, PROTO_READY, head.seq, &ready, sizeof(ready));
	if (strcmp(mode, "ready-exit") == 0)
		return 4;
	zygote(mode);
}
