/*
 * mload - load by the milter protocol: N connections in a closed loop, every answer counted and judged
 *
 *	mload -s PATH|HOST:PORT [options]
 *	  -c N	connections (1)			-n N	messages in all (0: until -t)
 *	  -t S	seconds (0: until -n)		-r N	messages per second over all connections (0: closed loop)
 *	  -m F	clean message from a file	-M F	infected one (both may be repeated, used in turn)
 *	  -x F	messages of an index: lines of c(lean) or i(nfected), a blank, the name of a
 *		file beside it; in turn
 *	  -V	each message under a Message-ID and a Received of its own: the copies of a campaign
 *	  -g N	bytes of a generated body (10000)	-p N	percent of the generated messages that are infected (0)
 *	  -k N	messages a connection, then a new one (0: all)
 *	  -d N	percent of the messages cut by closing the connection in a random state
 *	  -a N	percent of the messages cut by ABORT in a random state
 *	  -i N	idle connections beside	-w S	seconds without an answer that end a message as lost (300)
 *	  -q	end a connection's loop when the connection is refused or lost, instead of trying again
 *	  -l F	one line a message into F: monotonic seconds of the start, of the end of message, of the answer;
 *		c(lean) or i(nfected); the answer (SMTP code, "cut", "lost" or "refused")
 *	  -e	two words more in each line of that record: the number of the message and its bytes
 *
 * With -r, "late_ms" is the most that a message began after its turn: give enough connections that it stays small, or the
 * percentiles leave out what the waiting messages felt.
 *
 * Exactly one answer belongs to each message: bytes before or after it are counted as "extra". An infected message that
 * is accepted or discarded counts as "unscanned", a clean one that is refused for good as "wrong". Prints one JSON object.
 * Exit 0: no extra, unscanned, wrong. What else is allowed (451, lost) the caller decides from the counts.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <inttypes.h>
#include <libmilter/mfdef.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

enum {
	CHUNK = 65535,		/* body bytes a packet, as the MTAs send them */
	PACKET_MAX = 1 << 20,	/* more from a milter is nonsense */
	STATES = 8,		/* where a message may be cut: after connect, mail, rcpt, data, header, eoh, half a body, eom */
	CODES = 600,		/* SMTP codes fit below */
	RETRY_US = 20000,
	LINE = 72,
};

struct mail {
	const char *name;
	char *data;
	size_t len;
	bool infected;
};

struct options {
	const char *address;
	unsigned connections, idle, per_connection;
	uint64_t messages;
	double seconds, rate, patience;
	size_t size;
	unsigned infected_pct, close_pct, abort_pct;
	bool quit, vary, numbered;
	FILE *log;
};

struct totals {
	uint64_t messages, answered, cut, lost, refused, extra, unscanned, wrong, progress, edits;
	uint64_t codes[CODES];
	double *latency, late;
	size_t latencies, room;
};

struct conn {
	int fd;
	uint32_t steps;
	char *out;
	size_t len, room;
	char *in;
	uint32_t in_len;
	char in_cmd;
};

static struct options opt = { .connections = 1, .size = 10000, .patience = 300 };
static struct mail *mails;
static size_t n_mails;
static struct totals total;			/* under lock */
static uint64_t started_messages;		/* under lock */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static double begin;

static double
now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

__attribute__((format(printf, 1, 2), noreturn)) static void
die(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
	exit(EX_USAGE);
}

/* ---- a connection ---- */

static int
dial(void)
{
	struct sockaddr_un un = { .sun_family = AF_UNIX };
	struct sockaddr_in in = { .sin_family = AF_INET };
	const char *colon = strrchr(opt.address, ':');
	int fd, rc, one = 1;

	if (opt.address[0] == '/') {
		if (strlen(opt.address) >= sizeof(un.sun_path))
			die("path too long: %s", opt.address);
		memcpy(un.sun_path, opt.address, strlen(opt.address) + 1);
		fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
		rc = connect(fd, (struct sockaddr *)&un, sizeof(un));
	} else {
		char host[64];

		if (colon == NULL || (size_t)(colon - opt.address) >= sizeof(host))
			die("not PATH or HOST:PORT: %s", opt.address);
		snprintf(host, sizeof(host), "%.*s", (int)(colon - opt.address), opt.address);
		in.sin_port = htons((uint16_t)strtoul(colon + 1, NULL, 10));
		if (inet_pton(AF_INET, host, &in.sin_addr) != 1)
			die("not an IPv4 address: %s", host);
		fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
		rc = connect(fd, (struct sockaddr *)&in, sizeof(in));
	}
	if (rc < 0) {
		close(fd);
		return -1;
	}
	return fd;
}

static void
put(struct conn *c, char cmd, const void *data, size_t len)
{
	uint32_t n = htonl((uint32_t)len + 1);

	if (c->len + len + 5 > c->room) {
		c->room = (c->len + len + 5) * 2;
		c->out = realloc(c->out, c->room);
		if (c->out == NULL)
			die("out of memory");
	}
	memcpy(c->out + c->len, &n, sizeof(n));
	c->out[c->len + 4] = cmd;
	if (len > 0)
		memcpy(c->out + c->len + 5, data, len);
	c->len += len + 5;
}

static bool
flush(struct conn *c)
{
	size_t at = 0;

	while (at < c->len) {
		ssize_t n = send(c->fd, c->out + at, c->len - at, MSG_NOSIGNAL);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return false;
		at += (size_t)n;
	}
	c->len = 0;
	return true;
}

static bool
exactly(struct conn *c, void *buf, size_t len)
{
	size_t at = 0;

	while (at < len) {
		struct pollfd p = { .fd = c->fd, .events = POLLIN };
		ssize_t n;

		if (poll(&p, 1, (int)(opt.patience * 1000)) <= 0)
			return false;
		n = recv(c->fd, (char *)buf + at, len - at, 0);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return false;
		at += (size_t)n;
	}
	return true;
}

/* One packet into c->in_cmd, c->in (with a NUL behind), c->in_len. */
static bool
receive(struct conn *c)
{
	uint32_t len;

	if (!flush(c) || !exactly(c, &len, sizeof(len)))
		return false;
	len = ntohl(len);
	if (len == 0 || len > PACKET_MAX)
		return false;
	c->in = realloc(c->in, (size_t)len + 1);
	if (c->in == NULL || !exactly(c, &c->in_cmd, 1) || !exactly(c, c->in, len - 1))
		return false;
	c->in[len - 1] = '\0';
	c->in_len = len - 1;
	return true;
}

static bool
pending(const struct conn *c)
{
	struct pollfd p = { .fd = c->fd, .events = POLLIN };

	return poll(&p, 1, 0) > 0;
}

static void
hang_up(struct conn *c)
{
	if (c->fd >= 0)
		close(c->fd);
	c->fd = -1;
	c->len = 0;
}

/* A step of the protocol; reads its reply where one was not negotiated away. False: lost, or not "continue". */
static bool
step(struct conn *c, char cmd, uint32_t no_reply, const void *data, size_t len)
{
	put(c, cmd, data, len);
	if (c->steps & no_reply)
		return true;
	return receive(c) && c->in_cmd == SMFIR_CONTINUE;
}

static bool
hello(struct conn *c)
{
	static const char where[] = "load.test\0" "4\x12\x67" "192.0.2.7";
	uint32_t neg[3] = { htonl(6), htonl(0x1ff), htonl(0x1fffff) };

	put(c, SMFIC_OPTNEG, neg, sizeof(neg));
	if (!receive(c) || c->in_cmd != SMFIC_OPTNEG || c->in_len < sizeof(neg))
		return false;
	memcpy(neg, c->in, sizeof(neg));
	c->steps = ntohl(neg[2]);
	return step(c, SMFIC_CONNECT, SMFIP_NR_CONN, where, sizeof(where)) &&
	    step(c, SMFIC_HELO, SMFIP_NR_HELO, "load.test", sizeof("load.test"));
}

/* ---- messages ---- */

static void
macro(struct conn *c, char cmd, const char *name, const char *value)
{
	char buf[256];
	int n = snprintf(buf, sizeof(buf), "%c%s%c%s", cmd, name, 0, value);

	put(c, SMFIC_MACRO, buf, (size_t)n + 1);
}

static bool
header(struct conn *c, const char *name, size_t name_len, const char *value, size_t value_len)
{
	char *buf = malloc(name_len + value_len + 2);
	size_t len = name_len + 1;
	bool ok;

	memcpy(buf, name, name_len);
	buf[name_len] = '\0';
	/* a fold is handed over with LF alone, as Postfix and sendmail do */
	for (size_t i = 0; i < value_len; i++)
		if (value[i] != '\r' || i + 1 == value_len || value[i + 1] != '\n')
			buf[len++] = value[i];
	buf[len++] = '\0';
	ok = step(c, SMFIC_HEADER, SMFIP_NR_HDR, buf, len);
	free(buf);
	return ok;
}

/* The fields that differ between two copies of the same mail. */
static bool
send_trace(struct conn *c, uint64_t number)
{
	char received[160], id[80];
	int r, i;

	r = snprintf(received, sizeof(received), " from mx.load.test (mx.load.test [192.0.2.%u])\n\tby mail.load.test with ESMTPS id "
	    "%012" PRIX64 ";\n\tMon, 02 Mar 2026 10:%02u:%02u +0000", (unsigned)(number % 254) + 1, number,
	    (unsigned)(number / 60 % 60), (unsigned)(number % 60));
	i = snprintf(id, sizeof(id), " <%" PRIu64 ".%d@load.test>", number, getpid());
	return header(c, "Received", strlen("Received"), received, (size_t)r) &&
	    header(c, "Message-ID", strlen("Message-ID"), id, (size_t)i);
}

static bool
is_message_id(const char *name, size_t len)
{
	return len == strlen("Message-ID") && strncasecmp(name, "Message-ID", len) == 0;
}

/* Sends the header block; *body is set to the first byte of the body. */
static bool
send_headers(struct conn *c, const struct mail *m, uint64_t number, size_t *body)
{
	size_t at = 0;

	if (opt.vary && !send_trace(c, number))
		return false;
	while (at < m->len && m->data[at] != '\r' && m->data[at] != '\n') {
		const char *line = m->data + at, *end, *colon;

		for (end = line;; end++) {
			end = memchr(end, '\n', m->len - (size_t)(end - m->data));
			if (end == NULL)
				end = m->data + m->len - 1;
			if (end + 1 >= m->data + m->len || (end[1] != ' ' && end[1] != '\t'))
				break;
		}
		at = (size_t)(end + 1 - m->data);
		colon = memchr(line, ':', (size_t)(end - line));
		if (colon == NULL)
			break;
		if (opt.vary && is_message_id(line, (size_t)(colon - line)))
			continue;
		while (end > colon && (end[0] == '\n' || end[0] == '\r'))
			end--;
		if (!header(c, line, (size_t)(colon - line), colon + 1, (size_t)(end - colon)))
			return false;
	}
	if (at < m->len && m->data[at] == '\r')
		at++;
	if (at < m->len && m->data[at] == '\n')
		at++;
	*body = at;
	return true;
}

/* A message nobody has seen before: its number and pseudo-random words. */
static void
generate(struct mail *m, uint64_t number, unsigned *seed)
{
	static const char pattern[2][40] = { "X5O!P%@AP[4\\PZX54(P^)7CC)7}$EICAR-", "STANDARD-ANTIVIRUS-TEST-FILE!$H+H*" };
	size_t room = opt.size + 1024;
	int n;

	m->data = malloc(room);
	m->infected = (unsigned)(rand_r(seed) % 100) < opt.infected_pct;
	n = snprintf(m->data, room, "From: <a@load.test>\r\nTo: <b@load.test>\r\nSubject: number %" PRIu64 "\r\n"
	    "Date: Mon, 02 Mar 2026 10:00:00 +0000\r\nMessage-ID: <%" PRIu64 ".%d@load.test>\r\nMIME-Version: 1.0\r\n"
	    "X-Mailer: mload\r\nContent-Type: text/plain\r\n\r\nThis is message %" PRIu64 "\r\n", number, number, getpid(), number);
	m->len = (size_t)n;
	while (m->len < opt.size) {
		m->data[m->len] = (char)(m->len % LINE == LINE - 2 ? '\r' : m->len % LINE == LINE - 1 ? '\n' :
		    rand_r(seed) % 6 == 0 ? ' ' : 'a' + rand_r(seed) % 26);
		m->len++;
	}
	if (m->infected)
		m->len += (size_t)snprintf(m->data + m->len, room - m->len, "\r\n%s%s\r\n", pattern[0], pattern[1]);
	m->len += (size_t)snprintf(m->data + m->len, room - m->len, "\r\n");
}

/* Send up to the state `cut` (STATES: all of it, the end of message included). False when the connection is lost. */
static bool
send_message(struct conn *c, const struct mail *m, uint64_t number, unsigned cut)
{
	char id[32];
	size_t at, half;

	snprintf(id, sizeof(id), "L%" PRIX64, number);
	if (cut == 0)
		return flush(c);
	if (!step(c, SMFIC_MAIL, SMFIP_NR_MAIL, "<a@load.test>", sizeof("<a@load.test>")))
		return false;
	if (cut == 1)
		return flush(c);
	if (!step(c, SMFIC_RCPT, SMFIP_NR_RCPT, "<b@load.test>", sizeof("<b@load.test>")))
		return false;
	if (cut == 2)
		return flush(c);
	macro(c, SMFIC_DATA, "i", id);
	if (!step(c, SMFIC_DATA, SMFIP_NR_DATA, NULL, 0))
		return false;
	if (cut == 3)
		return flush(c);
	if (!send_headers(c, m, number, &at))
		return false;
	if (cut == 4)
		return flush(c);
	if (!step(c, SMFIC_EOH, SMFIP_NR_EOH, NULL, 0))
		return false;
	if (cut == 5)
		return flush(c);
	for (half = at + (m->len - at) / 2; at < m->len;) {
		size_t n = m->len - at < CHUNK ? m->len - at : CHUNK;

		if (!step(c, SMFIC_BODY, SMFIP_NR_BODY, m->data + at, n) || (c->len > CHUNK && !flush(c)))
			return false;
		at += n;
		if (cut == 6 && at >= half)
			return flush(c);
	}
	macro(c, SMFIC_BODYEOB, "i", id);
	put(c, SMFIC_BODYEOB, NULL, 0);
	return flush(c);
}

/* The answer as an SMTP code: 250 accepted, 299 discarded; 0 when the connection is lost. */
static int
await(struct conn *c, uint64_t *progress, uint64_t *edits)
{
	for (;;) {
		if (!receive(c))
			return 0;
		switch (c->in_cmd) {
		case SMFIR_PROGRESS:
			++*progress;
			break;
		case SMFIR_ACCEPT:
		case SMFIR_CONTINUE:
			return 250;
		case SMFIR_DISCARD:
			return 299;
		case SMFIR_REJECT:
			return 550;
		case SMFIR_TEMPFAIL:
			return 451;
		case SMFIR_REPLYCODE: {
			int code = (int)strtol(c->in, NULL, 10);

			return code >= 400 && code < CODES ? code : 599;
		}
		default:
			++*edits;
		}
	}
}

/* ---- the loop of one connection ---- */

static void
account(const struct mail *m, uint64_t number, const char *what, int code, double t0, double t1, double t2)
{
	pthread_mutex_lock(&lock);
	if (code > 0) {
		total.answered++;
		total.codes[code]++;
		if (m->infected && code < 300)
			total.unscanned++;
		if (!m->infected && code >= 500)
			total.wrong++;
		if (total.latencies == total.room) {
			total.room = total.room ? total.room * 2 : 4096;
			total.latency = realloc(total.latency, total.room * sizeof(double));
			if (total.latency == NULL)
				die("out of memory");
		}
		total.latency[total.latencies++] = t2 - t1;
	}
	if (opt.log != NULL) {
		fprintf(opt.log, "%.6f %.6f %.6f %c ", t0, t1, t2, m->infected ? 'i' : 'c');
		if (what != NULL)
			fputs(what, opt.log);
		else
			fprintf(opt.log, "%d", code);
		if (opt.numbered)
			fprintf(opt.log, " %" PRIu64 " %zu", number, m->len);
		fputc('\n', opt.log);
	}
	pthread_mutex_unlock(&lock);
}

static void
add(uint64_t *counter, uint64_t n)
{
	pthread_mutex_lock(&lock);
	*counter += n;
	pthread_mutex_unlock(&lock);
}

/* The number of the next message; false when there is none any more. Waits for its turn where a rate is set. */
static bool
next(uint64_t *number)
{
	double due;

	pthread_mutex_lock(&lock);
	if ((opt.messages > 0 && started_messages >= opt.messages) || (opt.seconds > 0 && now() - begin >= opt.seconds)) {
		pthread_mutex_unlock(&lock);
		return false;
	}
	*number = started_messages++;
	total.messages++;
	pthread_mutex_unlock(&lock);
	due = opt.rate > 0 ? begin + (double)*number / opt.rate - now() : 0;
	if (due > 0)
		usleep((useconds_t)(due * 1e6));
	if (due < 0) {
		pthread_mutex_lock(&lock);
		total.late = -due > total.late ? -due : total.late;
		pthread_mutex_unlock(&lock);
	}
	return true;
}

static bool
connected(struct conn *c)
{
	while (c->fd < 0) {
		c->fd = dial();
		if (c->fd >= 0 && hello(c))
			return true;
		hang_up(c);
		if (opt.quit || (opt.seconds > 0 && now() - begin >= opt.seconds))
			return false;
		usleep(RETRY_US);
	}
	return true;
}

/* One message on the connection. False when the connection is of no more use. */
static bool
deliver(struct conn *c, const struct mail *m, uint64_t number, unsigned *seed)
{
	unsigned dice = (unsigned)rand_r(seed) % 100, cut = STATES;
	uint64_t progress = 0, edits = 0;
	double t0 = now(), t1;
	int code;

	if (pending(c)) {
		/* nothing may come between two messages, but an orderly close */
		add(receive(c) ? &total.extra : &total.lost, 1);
		account(m, number, "lost", 0, t0, t0, now());
		return false;
	}
	/* the last state, an end of message whose answer nobody waits for, exists for a lost client only */
	if (dice < opt.close_pct)
		cut = (unsigned)rand_r(seed) % STATES;
	else if (dice < opt.close_pct + opt.abort_pct)
		cut = (unsigned)rand_r(seed) % (STATES - 1);
	if (!send_message(c, m, number, cut)) {
		add(&total.lost, 1);
		account(m, number, "lost", 0, t0, 0, now());
		return false;
	}
	if (cut < STATES) {
		add(&total.cut, 1);
		account(m, number, "cut", 0, t0, 0, now());
		if (dice < opt.close_pct)
			return false;
		put(c, SMFIC_ABORT, NULL, 0);
		return flush(c);
	}
	t1 = now();
	code = await(c, &progress, &edits);
	add(&total.progress, progress);
	add(&total.edits, edits);
	if (code == 0)
		add(&total.lost, 1);
	account(m, number, code == 0 ? "lost" : NULL, code, t0, t1, now());
	return code != 0;
}

static void *
loop(void *arg)
{
	struct conn c = { .fd = -1 };
	unsigned seed = (unsigned)(uintptr_t)arg * 7919 + 1, on_this = 0;
	uint64_t number;
	bool use = true;

	while (next(&number)) {
		struct mail m = { 0 };
		bool own = n_mails == 0;

		if (own)
			generate(&m, number, &seed);
		else
			m = mails[number % n_mails];
		if (!connected(&c)) {
			add(&total.refused, 1);
			account(&m, number, "refused", 0, now(), 0, now());
			use = !opt.quit;
		} else if (!deliver(&c, &m, number, &seed)) {
			hang_up(&c);
			on_this = 0;
		} else if (opt.per_connection > 0 && ++on_this >= opt.per_connection) {
			put(&c, SMFIC_QUIT, NULL, 0);
			(void)flush(&c);
			hang_up(&c);
			on_this = 0;
		}
		if (own)
			free(m.data);
		if (!use)
			break;
	}
	if (c.fd >= 0) {
		put(&c, SMFIC_QUIT, NULL, 0);
		(void)flush(&c);
	}
	hang_up(&c);
	free(c.out);
	free(c.in);
	return NULL;
}

/* ---- the whole ---- */

static void
load_mail(const char *path, bool infected)
{
	FILE *f = fopen(path, "rb");
	struct stat st;
	struct mail *m;

	if (f == NULL || fstat(fileno(f), &st) < 0)
		die("%s: %s", path, strerror(errno));
	mails = realloc(mails, (n_mails + 1) * sizeof(*mails));
	m = &mails[n_mails++];
	*m = (struct mail){ .name = path, .len = (size_t)st.st_size, .infected = infected, .data = malloc((size_t)st.st_size + 1) };
	if (fread(m->data, 1, m->len, f) != m->len)
		die("%s: short read", path);
	fclose(f);
}

static void
load_index(const char *path)
{
	FILE *f = fopen(path, "r");
	const char *slash = strrchr(path, '/');
	char line[4096], name[8192];

	if (f == NULL)
		die("%s: %s", path, strerror(errno));
	while (fgets(line, sizeof(line), f) != NULL) {
		line[strcspn(line, "\n")] = '\0';
		if ((line[0] != 'c' && line[0] != 'i') || line[1] != ' ')
			die("%s: not c or i, a blank and a file: %s", path, line);
		snprintf(name, sizeof(name), "%.*s%s", slash ? (int)(slash + 1 - path) : 0, path, line + 2);
		load_mail(strdup(name), line[0] == 'i');
	}
	fclose(f);
}

static int
by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

static double
percentile(double p)
{
	return total.latencies ? 1000 * total.latency[(size_t)(p * (double)(total.latencies - 1))] : 0;
}

static void
report(double seconds)
{
	const char *sep = "";

	qsort(total.latency, total.latencies, sizeof(double), by_value);
	printf("{\"messages\": %" PRIu64 ", \"answered\": %" PRIu64 ", \"cut\": %" PRIu64 ", \"lost\": %" PRIu64
	    ", \"refused\": %" PRIu64 ", \"extra\": %" PRIu64 ", \"unscanned\": %" PRIu64 ", \"wrong\": %" PRIu64
	    ", \"progress\": %" PRIu64 ", \"edits\": %" PRIu64 ", \"answers\": {", total.messages, total.answered, total.cut,
	    total.lost, total.refused, total.extra, total.unscanned, total.wrong, total.progress, total.edits);
	for (int i = 0; i < CODES; i++) {
		if (total.codes[i] == 0)
			continue;
		printf("%s\"%d\": %" PRIu64, sep, i, total.codes[i]);
		sep = ", ";
	}
	printf("}, \"p50_ms\": %.2f, \"p99_ms\": %.2f, \"max_ms\": %.2f, \"seconds\": %.3f, \"rate\": %.1f, "
	    "\"late_ms\": %.2f}\n", percentile(0.5), percentile(0.99), percentile(1), seconds, (double)total.answered / seconds,
	    1000 * total.late);
}

static void
parse(int argc, char **argv)
{
	int o;

	while ((o = getopt(argc, argv, "s:c:n:t:r:m:M:x:Vg:p:k:d:a:i:w:qel:")) != -1) {
		switch (o) {
		case 's': opt.address = optarg; break;
		case 'c': opt.connections = (unsigned)strtoul(optarg, NULL, 10); break;
		case 'n': opt.messages = strtoull(optarg, NULL, 10); break;
		case 't': opt.seconds = strtod(optarg, NULL); break;
		case 'r': opt.rate = strtod(optarg, NULL); break;
		case 'm': load_mail(optarg, false); break;
		case 'M': load_mail(optarg, true); break;
		case 'x': load_index(optarg); break;
		case 'V': opt.vary = true; break;
		case 'e': opt.numbered = true; break;
		case 'g': opt.size = strtoull(optarg, NULL, 10); break;
		case 'p': opt.infected_pct = (unsigned)strtoul(optarg, NULL, 10); break;
		case 'k': opt.per_connection = (unsigned)strtoul(optarg, NULL, 10); break;
		case 'd': opt.close_pct = (unsigned)strtoul(optarg, NULL, 10); break;
		case 'a': opt.abort_pct = (unsigned)strtoul(optarg, NULL, 10); break;
		case 'i': opt.idle = (unsigned)strtoul(optarg, NULL, 10); break;
		case 'w': opt.patience = strtod(optarg, NULL); break;
		case 'q': opt.quit = true; break;
		case 'l':
			opt.log = fopen(optarg, "w");
			if (opt.log == NULL)
				die("%s: %s", optarg, strerror(errno));
			break;
		default: die("see the head of tests/tools/mload.c");
		}
	}
	if (opt.address == NULL || (opt.messages == 0 && opt.seconds <= 0) || optind != argc)
		die("mload -s PATH|HOST:PORT and -n or -t");
}

int
main(int argc, char **argv)
{
	pthread_t *threads;
	struct conn *idle;

	parse(argc, argv);
	threads = calloc(opt.connections, sizeof(*threads));
	idle = calloc(opt.idle + 1, sizeof(*idle));
	for (unsigned i = 0; i < opt.idle; i++) {
		idle[i].fd = dial();
		if (idle[i].fd < 0 || !hello(&idle[i]) || !flush(&idle[i]))
			die("idle connection %u: %s", i, strerror(errno));
	}
	begin = now();
	for (uintptr_t i = 0; i < opt.connections; i++)
		if (pthread_create(&threads[i], NULL, loop, (void *)i) != 0)
			die("thread: %s", strerror(errno));
	for (unsigned i = 0; i < opt.connections; i++)
		pthread_join(threads[i], NULL);
	report(now() - begin);
	if (opt.log != NULL && fclose(opt.log) != 0)
		die("log: %s", strerror(errno));
	free(threads);
	free(idle);
	return total.extra || total.unscanned || total.wrong ? 1 : 0;
}
