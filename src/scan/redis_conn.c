/*
 * redis_conn - one connection to a Redis or Valkey server: commands out, bounded replies in
 */
#include "scan/redis_conn.h"

#include <errno.h>
#include <hiredis/hiredis.h>
#include <string.h>

#include "base/auto.h"
#include "base/log.h"

#define READ_SIZE       4096
#define SAID_MAX        120 /* bytes of a server's error that go into our text */
#define LOGIN_REPLY_MAX 1024

struct redis_conn {
	struct net *net;
	redisReader *reader;
	redisReplyObjectFunctions functions; /* of the reader, which wants them writable */
};

void
redis_reply_free(struct redis_reply **r)
{
	if (*r == NULL)
		return;
	g_free((*r)->bytes);
	g_free(*r);
	*r = NULL;
}

static struct redis_reply *
reply_new(enum redis_type type)
{
	struct redis_reply *r = g_new0(struct redis_reply, 1);

	r->type = type;
	return r;
}

static void *
make_string(const redisReadTask *task, char *s, size_t len)
{
	struct redis_reply *r = reply_new(task->type == REDIS_REPLY_ERROR ? REDIS_ERROR
		: task->type == REDIS_REPLY_STATUS                        ? REDIS_STATUS
									  : REDIS_STRING);

	r->bytes = g_malloc(len + 1);
	memcpy(r->bytes, s, len);
	r->bytes[len] = '\0';
	r->len = len;
	return r;
}

/* None of our commands is answered by an array; the size that a server announces is never
 * allocated. */
static void *
make_array(const redisReadTask *task, int elements)
{
	(void)task;
	(void)elements;
	return NULL;
}

static void *
make_number(const redisReadTask *task, long long n)
{
	struct redis_reply *r = reply_new(REDIS_NUMBER);

	(void)task;
	r->number = n;
	return r;
}

static void *
make_nothing(const redisReadTask *task)
{
	(void)task;
	return reply_new(REDIS_NOTHING);
}

static void
free_reply(void *p)
{
	struct redis_reply *r = p;

	redis_reply_free(&r);
}

void
redis_command(GString *to, const struct redis_word *words, unsigned n)
{
	const char *argv[REDIS_WORDS_MAX];
	size_t len[REDIS_WORDS_MAX];
	char *text = NULL;
	int size;

	g_assert(n <= REDIS_WORDS_MAX);
	for (unsigned i = 0; i < n; i++) {
		argv[i] = words[i].bytes;
		len[i] = words[i].len;
	}
	size = redisFormatCommandArgv(&text, (int)n, argv, len);
	g_assert(size > 0);
	g_string_append_len(to, text, size);
	redisFreeCommand(text);
}

static bool
broken(GError **err, const char *step, const char *why)
{
	g_set_error(err, NET_ERROR, NET_E_CLOSED, "%s: %s", step, why);
	return false;
}

static bool
send_all(struct redis_conn *c, const GString *commands, struct wait *wait, GError **err)
{
	size_t at = 0, put;

	while (at < commands->len) {
		switch (net_try_write(c->net, commands->str + at, commands->len - at, &put)) {
		case NET_DONE:
			at += put;
			break;
		case NET_AGAIN:
			if (!net_poll(c->net, true, wait, err))
				return false;
			break;
		case NET_EOF:
		case NET_BROKEN:
			return broken(err, "send", g_strerror(errno));
		}
	}
	return true;
}

/* Feed the reader with what is there; *budget bounds the bytes of one exchange. */
static bool
receive(struct redis_conn *c, size_t *budget, struct wait *wait, GError **err)
{
	char buf[READ_SIZE];
	size_t got;

	for (;;) {
		switch (net_try_read(c->net, buf, sizeof buf, &got)) {
		case NET_DONE:
			if (got > *budget)
				return broken(err, "reply", "longer than anything we stored");
			*budget -= got;
			if (redisReaderFeed(c->reader, buf, got) != REDIS_OK)
				return broken(err, "reply", c->reader->errstr);
			return true;
		case NET_AGAIN:
			if (!net_poll(c->net, false, wait, err))
				return false;
			break;
		case NET_EOF:
			return broken(err, "reply", "the server closed the connection");
		case NET_BROKEN:
			return broken(err, "reply", g_strerror(errno));
		}
	}
}

static bool
next_reply(struct redis_conn *c, size_t *budget, struct redis_reply **reply, struct wait *wait,
    GError **err)
{
	for (;;) {
		void *r = NULL;

		if (redisReaderGetReply(c->reader, &r) != REDIS_OK)
			return broken(err, "reply", "not what we asked for");
		*reply = r;
		if (r != NULL)
			return true;
		/* A drip of bytes never waits in net_poll(), so look at the clock here too. */
		if (deadline_passed(wait->dl)) {
			g_set_error_literal(err, NET_ERROR, NET_E_TIMEOUT, "reply: timed out");
			return false;
		}
		if (!receive(c, budget, wait, err))
			return false;
	}
}

bool
redis_conn_ask(struct redis_conn *c, const GString *commands, size_t reply_max, unsigned n,
    struct redis_reply **replies, struct wait *wait, GError **err)
{
	size_t budget = reply_max * n;
	bool ok = send_all(c, commands, wait, err);
	unsigned got = 0;

	memset(replies, 0, n * sizeof *replies);
	while (ok && got < n)
		if ((ok = next_reply(c, &budget, &replies[got], wait, err)))
			got++;
	for (unsigned i = 0; !ok && i < got; i++)
		redis_reply_free(&replies[i]);
	return ok;
}

bool
redis_conn_is_quiet(struct redis_conn *c)
{
	char byte;
	size_t got;

	return c->reader->len == c->reader->pos &&
	    net_try_read(c->net, &byte, 1, &got) == NET_AGAIN;
}

/* A command of the login: anything but +OK ends it. */
static bool
must_be_ok(struct redis_conn *c, const char *step, const struct redis_word *words, unsigned n,
    struct wait *wait, GError **err)
{
	AUTO(redis_reply_free) struct redis_reply *reply = NULL;
	g_autoptr(GString) command = g_string_new(""), said = g_string_new("");

	redis_command(command, words, n);
	if (!redis_conn_ask(c, command, LOGIN_REPLY_MAX, 1, &reply, wait, err)) {
		g_prefix_error(err, "%s: ", step);
		return false;
	}
	if (reply->type == REDIS_STATUS && strcmp(reply->bytes, "OK") == 0)
		return true;
	if (reply->type == REDIS_ERROR)
		log_esc(said, reply->bytes, reply->len, SAID_MAX);
	g_set_error(err, NET_ERROR, NET_E_SYNTAX, "%s: the server said \"%s\"", step,
	    said->len > 0 ? said->str : "something else than OK");
	return false;
}

static bool
login(struct redis_conn *c, const struct redis_login *l, struct wait *wait, GError **err)
{
	char number[16];
	struct redis_word auth[] = { { "AUTH", 4 }, { l->user, strlen(l->user) },
		{ l->password, strlen(l->password) } };
	struct redis_word simple[] = { auth[0], auth[2] };
	struct redis_word select[] = { { "SELECT", 6 }, { number, 0 } };

	if (*l->user != '\0' && !must_be_ok(c, "AUTH", auth, 3, wait, err))
		return false;
	if (*l->user == '\0' && *l->password != '\0' &&
	    !must_be_ok(c, "AUTH", simple, 2, wait, err))
		return false;
	select[1].len = (size_t)g_snprintf(number, sizeof number, "%u", l->database);
	return l->database == 0 || must_be_ok(c, "SELECT", select, 2, wait, err);
}

struct redis_conn *
redis_conn_open(const struct redis_login *l, struct wait *wait, GError **err)
{
	const struct net_how how = { .tls = l->tls, .connect_ms = l->connect_ms, .cancel_fd = -1 };
	struct wait cut = wait_until(wait, deadline_in(l->connect_ms));
	struct net *net = net_connect(l->address, &how, &cut, err);
	struct redis_conn *c;

	if (net == NULL)
		return NULL;
	c = g_new0(struct redis_conn, 1);
	c->net = net;
	c->functions = (redisReplyObjectFunctions){
		.createString = make_string,
		.createArray = make_array,
		.createInteger = make_number,
		.createNil = make_nothing,
		.freeObject = free_reply,
	};
	c->reader = redisReaderCreateWithFunctions(&c->functions);
	g_assert(c->reader != NULL);
	if (!login(c, l, &cut, err))
		redis_conn_close(&c);
	return c;
}

void
redis_conn_close(struct redis_conn **cp)
{
	struct redis_conn *c = *cp;

	if (c == NULL)
		return;
	net_close(&c->net);
	redisReaderFree(c->reader);
	g_free(c);
	*cp = NULL;
}
