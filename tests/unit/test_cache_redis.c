/*
 * cache_redis: a real server, and one that lies, stalls and breaks off; whatever happens is a miss
 * in time
 */
#include "scan/cache_redis.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/auto.h"
#include "base/log.h"
#include "scan/cache.h"
#include "scan/memory.h"
#include "world.h"

#define SLICE_MS 100
/* A late thread on a busy machine, and sanitizers. */
#define GRACE_MS 400

static const uint8_t key1[DIGEST_LEN] = {1}, key2[DIGEST_LEN] = {2};
static char *dir;

static struct cache_redis_conf
conf_of(const char *server)
{
	struct cache_redis_conf c = {.server = server,
	                             .prefix = "t:",
	                             .user = "",
	                             .password = "",
	                             .tls_ca = "",
	                             .timeout_ms = SLICE_MS};

	mac_key_of("a secret of the test", 20, &c.key);
	return c;
}

static struct wait
patience(void)
{
	struct wait w;

	wait_init(&w, deadline_in(60000), 1000, NULL, NULL);
	return w;
}

/* One look-up; the value as text, NULL = a miss. Never longer than its slice. */
static char *
look_up(struct cache_redis *r, const uint8_t key[DIGEST_LEN])
{
	int64_t slice = cache_redis_slice(r), began = now_ms();
	struct wait w = patience();
	GByteArray *value;
	char *text = NULL;

	cache_redis_get(r, 1, key, &value, &slice, &w);
	assert_true(now_ms() - began < SLICE_MS + GRACE_MS);
	assert_true(slice <= SLICE_MS);
	if (value != NULL) {
		text = g_strndup((char *)value->data, value->len);
		g_byte_array_unref(value);
	}
	return text;
}

/* Look up until there is a value, as long as a busy machine may need. */
static void
assert_known(struct cache_redis *r, const uint8_t key[DIGEST_LEN], const char *want)
{
	int64_t end = now_ms() + 10000;
	g_autofree char *got = NULL;

	while (got == NULL && now_ms() < end) {
		got = look_up(r, key);
		g_usleep(5000);
	}
	assert_non_null(got);
	assert_string_equal(got, want);
}

static void
put(struct cache_redis *r, const uint8_t key[DIGEST_LEN], const char *text)
{
	cache_redis_put(r, key, text, strlen(text));
}

/* Wait until a counter has moved. */
static struct cache_redis_stats
stats_when(struct cache_redis *r, size_t field, uint64_t at_least)
{
	int64_t end = now_ms() + 10000;
	struct cache_redis_stats s;

	do {
		g_usleep(5000);
		cache_redis_stats(r, &s);
	} while (*(uint64_t *)(void *)((char *)&s + field) < at_least && now_ms() < end);
	assert_true(*(uint64_t *)(void *)((char *)&s + field) >= at_least);
	return s;
}
#define STATS_WHEN(r, name, n) stats_when(r, offsetof(struct cache_redis_stats, name), n)

/* A real server below dir; extra: further words of its command line, NULL at the end. */
struct server {
	char *socket, *address;
	pid_t pid;
};

static void
await_socket(const struct server *s)
{
	int64_t end = now_ms() + 10000;
	struct sockaddr_un sun = {.sun_family = AF_UNIX};
	int rc;

	g_strlcpy(sun.sun_path, s->socket, sizeof sun.sun_path);
	do {
		AUTO(fd_close) int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

		rc = connect(fd, (struct sockaddr *)&sun, sizeof sun);
		g_usleep(10000);
	} while (rc != 0 && now_ms() < end);
	assert_int_equal(rc, 0);
}

static struct server
server_start(const char *name, const char *const *extra)
{
	struct server s = {.socket = g_strdup_printf("%s/%s", dir, name)};
	const char *argv[32] = {
	    "redis-server", "--port", "0", "--unixsocket", s.socket, "--save", "", "--dir", dir,
	    "--daemonize",  "no"};
	unsigned n = 11;

	for (; extra != NULL && *extra != NULL; extra++)
		argv[n++] = *extra;
	s.address = g_strdup_printf("unix:%s", s.socket);
	s.pid = fork();
	if (s.pid == 0) {
		int null = open("/dev/null", O_RDWR);

		/* also when a failed assertion leaves it behind */
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		dup2(null, 1);
		dup2(null, 2);
		execvp(argv[0], (char *const *)(uintptr_t)argv);
		_exit(127);
	}
	assert_true(s.pid > 0);
	await_socket(&s);
	return s;
}

static void
server_stop(struct server *s)
{
	kill(s->pid, SIGKILL);
	waitpid(s->pid, NULL, 0);
	unlink(s->socket);
	g_free(s->socket);
	g_free(s->address);
}

/* Speak one command to the server, as a neighbour with access to it would. */
static void
meddle(const struct server *s, const char *const *words)
{
	g_autoptr(GPtrArray) argv = g_ptr_array_new();
	int status;

	g_ptr_array_add(argv, (gpointer)(uintptr_t) "redis-cli");
	g_ptr_array_add(argv, (gpointer)(uintptr_t) "-s");
	g_ptr_array_add(argv, s->socket);
	for (; *words != NULL; words++)
		g_ptr_array_add(argv, (gpointer)(uintptr_t)*words);
	g_ptr_array_add(argv, NULL);
	assert_true(g_spawn_sync(NULL, (char **)argv->pdata, NULL,
	                         G_SPAWN_SEARCH_PATH | G_SPAWN_STDOUT_TO_DEV_NULL, NULL, NULL, NULL,
	                         NULL, &status, NULL));
	assert_int_equal(status, 0);
}

static char *
name_of(const uint8_t key[DIGEST_LEN])
{
	char hex[DIGEST_HEX];

	return g_strconcat("t:", digest_hex(key, hex), NULL);
}

static void
two_machines_share(void **state)
{
	struct server s = server_start("a", NULL);
	struct cache_redis_conf c = conf_of(s.address), other = c, elsewhere = c;
	struct cache_redis *a = cache_redis_new(&c, NULL), *b = cache_redis_new(&c, NULL),
			   *stranger, *apart;

	(void)state;
	mac_key_of("another secret, wrong", 21, &other.key);
	elsewhere.prefix = "u:";
	stranger = cache_redis_new(&other, NULL);
	apart = cache_redis_new(&elsewhere, NULL);
	put(a, key1, "one");
	put(a, key2, "two");
	assert_known(b, key1, "one");
	assert_known(b, key2, "two");
	/* Another secret: not believed. Another prefix: not there. */
	STATS_WHEN(stranger, connects, 4);
	assert_null(look_up(stranger, key1));
	STATS_WHEN(apart, connects, 4);
	assert_null(look_up(apart, key1));
	assert_int_equal(STATS_WHEN(stranger, misses, 1).forged, 1);
	assert_int_equal(STATS_WHEN(apart, misses, 1).forged, 0);
	cache_redis_forget(a, key1);
	STATS_WHEN(a, stored, 3);
	assert_null(look_up(b, key1));
	assert_known(b, key2, "two");
	cache_redis_free(&a);
	cache_redis_free(&b);
	cache_redis_free(&stranger);
	cache_redis_free(&apart);
	server_stop(&s);
}

/* Whoever can write to the server can make us miss, nothing else. */
static void
meddling_is_a_miss(void **state)
{
	struct server s = server_start("b", NULL);
	struct cache_redis_conf c = conf_of(s.address);
	struct cache_redis *r = cache_redis_new(&c, NULL);
	g_autofree char *name1 = name_of(key1), *name2 = name_of(key2),
			*large = g_strnfill(60000, 'x');
	const char *const values[][4] = {{"SET", name1, "", NULL},
	                                 {"SET", name1, "x", NULL},
	                                 {"SET", name1, large, NULL},
	                                 {"DEL", name1, NULL},
	                                 {"COPY", name2, name1, NULL}};
	const char *const list[] = {"LPUSH", name1, "x", NULL}, *const cut[] = {"SETRANGE", name1,
	                                                                        "30", "x", NULL};

	(void)state;
	put(r, key2, "two");
	assert_known(r, key2, "two");
	for (unsigned i = 0; i < G_N_ELEMENTS(values); i++) {
		const char *const del[] = {"DEL", name1, NULL};

		meddle(&s, del);
		meddle(&s, values[i]);
		for (unsigned again = 0; again < 3; again++)
			assert_null(look_up(r, key1));
	}
	{
		const char *const del[] = {"DEL", name1, NULL};

		meddle(&s, del);
		meddle(&s, list);
		assert_null(look_up(r, key1));
		meddle(&s, del);
		put(r, key1, "one");
		assert_known(r, key1, "one");
		meddle(&s, cut);
		assert_null(look_up(r, key1));
	}
	/* All of that was wrong content, no fault of the server, which was asked every time but
	 * while a connection was replaced. */
	assert_known(r, key2, "two");
	cache_redis_free(&r);
	server_stop(&s);
}

static void
login_is_needed(void **state)
{
	static const char *const extra[] = {"--requirepass", "open sesame", "--user", "av", "on",
	                                    ">pw2",          "~t:*",        "+@all",  NULL};
	struct server s = server_start("c", extra);
	struct cache_redis_conf c = conf_of(s.address), wrong = c, none = c, user = c;
	struct cache_redis *r, *w, *n, *u;

	(void)state;
	c.password = "open sesame";
	c.database = 3;
	wrong.password = "guess";
	user.user = "av";
	user.password = "pw2";
	user.database = 3;
	r = cache_redis_new(&c, NULL);
	w = cache_redis_new(&wrong, NULL);
	n = cache_redis_new(&none, NULL);
	u = cache_redis_new(&user, NULL);
	put(r, key1, "one");
	assert_known(r, key1, "one");
	assert_known(u, key1, "one");
	put(w, key1, "no");
	STATS_WHEN(w, connect_failed, 1);
	assert_null(look_up(w, key1));
	/* Without a password the connection stands, and every command is refused. */
	STATS_WHEN(n, connects, 4);
	assert_null(look_up(n, key1));
	assert_known(r, key1, "one");
	cache_redis_free(&r);
	cache_redis_free(&w);
	cache_redis_free(&n);
	cache_redis_free(&u);
	server_stop(&s);
}

static void
read_only_replica_still_answers(void **state)
{
	struct server s = server_start("d", NULL);
	struct cache_redis_conf c = conf_of(s.address);
	struct cache_redis *r = cache_redis_new(&c, NULL);
	const char *const replica[] = {"REPLICAOF", "127.0.0.1", "1", NULL}, *const full[] = {
										 "CONFIG", "SET",
										 "maxmemory", "1",
										 NULL};
	const char *const master[] = {"REPLICAOF", "NO", "ONE", NULL};

	(void)state;
	put(r, key1, "one");
	assert_known(r, key1, "one");
	meddle(&s, replica);
	put(r, key2, "two");
	STATS_WHEN(r, store_failed, 1);
	assert_known(r, key1, "one");
	assert_null(look_up(r, key2));
	meddle(&s, master);
	meddle(&s, full);
	put(r, key2, "two");
	STATS_WHEN(r, store_failed, 2);
	assert_known(r, key1, "one");
	cache_redis_free(&r);
	server_stop(&s);
}

/* The server dies and comes back: misses at once, then hits again, without help. */
static void
server_comes_back(void **state)
{
	struct server s = server_start("e", NULL);
	struct cache_redis_conf c = conf_of(s.address);
	struct cache_redis *r = cache_redis_new(&c, NULL);
	int64_t began;

	(void)state;
	put(r, key1, "one");
	assert_known(r, key1, "one");
	kill(s.pid, SIGKILL);
	waitpid(s.pid, NULL, 0);
	began = now_ms();
	for (unsigned i = 0; i < 1000; i++)
		assert_null(look_up(r, key1));
	assert_true(now_ms() - began < 2000);
	server_stop(&s);
	s = server_start("e", NULL);
	STATS_WHEN(r, connects, 8);
	put(r, key1, "again");
	assert_known(r, key1, "again");
	cache_redis_free(&r);
	server_stop(&s);
}

/* A stopped server: three mails wait their slice, the others nothing. */
static void
breaker_opens(void **state)
{
	struct server s = server_start("f", NULL);
	struct cache_redis_conf c = conf_of(s.address);
	struct cache_redis *r = cache_redis_new(&c, NULL);
	struct cache_redis_stats st;
	int64_t began;

	(void)state;
	put(r, key1, "one");
	assert_known(r, key1, "one");
	STATS_WHEN(r, connects, 5);
	kill(s.pid, SIGSTOP);
	began = now_ms();
	for (unsigned i = 0; i < 200; i++)
		assert_null(look_up(r, key1));
	assert_true(now_ms() - began < REDIS_FAILURES * (SLICE_MS + GRACE_MS));
	st = STATS_WHEN(r, failed, REDIS_FAILURES);
	assert_int_equal(st.failed, REDIS_FAILURES);
	assert_true(st.skipped >= 190);
	assert_false(st.up);
	kill(s.pid, SIGCONT);
	assert_known(r, key1, "one");
	cache_redis_free(&r);
	server_stop(&s);
}

/* What a broken worker found clean must go, also when the server cannot be asked just then. */
static void
forgetting_is_not_forgotten(void **state)
{
	struct server s = server_start("h", NULL);
	struct cache_redis_conf c = conf_of(s.address);
	struct cache_redis *a = cache_redis_new(&c, NULL), *b = cache_redis_new(&c, NULL);
	int64_t end;

	(void)state;
	put(a, key1, "one");
	put(a, key2, "two");
	assert_known(b, key1, "one");
	assert_known(b, key2, "two");
	kill(s.pid, SIGSTOP);
	cache_redis_forget(a, key1);
	STATS_WHEN(a, store_failed, 1);
	kill(s.pid, SIGCONT);
	STATS_WHEN(a, stored, 3);
	for (end = now_ms() + 10000; now_ms() < end;) {
		g_autofree char *gone = look_up(b, key1);
		g_autofree char *there = look_up(b, key2);

		if (gone == NULL && there != NULL)
			break;
		g_usleep(5000);
	}
	assert_true(now_ms() < end);
	cache_redis_free(&a);
	cache_redis_free(&b);
	server_stop(&s);
}

static void
attempts_are_counted_together(void **state)
{
	struct server s = server_start("g", NULL);
	struct cache_redis_conf c = conf_of(s.address);
	struct cache_redis *a = cache_redis_new(&c, NULL), *b = cache_redis_new(&c, NULL);
	struct wait w = patience();

	(void)state;
	STATS_WHEN(a, connects, 4);
	STATS_WHEN(b, connects, 4);
	assert_int_equal(cache_redis_count(a, key1, &w), 1);
	assert_int_equal(cache_redis_count(b, key1, &w), 2);
	assert_int_equal(cache_redis_count(a, key2, &w), 1);
	cache_redis_free(&a);
	server_stop(&s);
	assert_int_equal(cache_redis_count(b, key1, &w), 0);
	cache_redis_free(&b);
}

/* What one machine makes of a body. */
static enum verdict_class
scan_on(struct memory *memory, const char *text, const char *body)
{
	struct world w = world_new(text);
	struct message *m = world_message(&w, body);
	struct scan_result r;
	enum verdict_class c;

	w.engines->memory = memory;
	message_seal(m);
	scan_message(w.conf, w.engines, NULL, m, &w.wait, &r);
	c = verdict_class(&r.verdict);
	scan_result_clear(&r);
	message_free(&m);
	world_end(&w);
	return c;
}

#define MACHINES 3

/* A server that all machines use hangs: each of them sees the mail fail, and none of them knows an engine that works. That is no
 * poison, which is refused for good. */
static void
an_outage_everywhere_is_no_poison(void **state)
{
	static const char bad[] = "FAKE:fail=worker-died";
	struct server s = server_start("p", NULL);
	g_autofree char *secret = g_strdup_printf("%s/poison", dir);
	g_autofree char *text = g_strdup_printf(
	    "cache { redis = \"%s\" secret_file = \"%s\" timeout = 1s } antivirus { "
	    "mime_decompose = false max_attempts = %d fake \"f\" { } }",
	    s.address, secret, MACHINES);
	struct memory *memory[MACHINES];
	struct conf *conf;

	(void)state;
	assert_true(g_file_set_contents_full(secret, "a long enough secret\n", -1,
	                                     G_FILE_SET_CONTENTS_NONE, 0600, NULL));
	conf = world_conf(text);
	for (int i = 0; i < MACHINES; i++) {
		memory[i] = memory_new(conf, NULL);
		assert_non_null(memory[i]);
		assert_true(memory_start(memory[i], conf, NULL));
		STATS_WHEN(memory[i]->redis, connects, 4);
	}
	for (int i = 0; i < MACHINES; i++)
		assert_int_equal(scan_on(memory[i], text, bad), CLASS_ERROR);
	/* Where other mail gets through meanwhile, it is the mail's doing, and all are told. */
	for (int i = 0; i < MACHINES; i++) {
		g_autofree char *good = g_strdup_printf("good %d", i);

		assert_int_equal(scan_on(memory[i], text, good), CLASS_CLEAN);
		assert_int_equal(scan_on(memory[i], text, bad),
		                 i < MACHINES - 1 ? CLASS_ERROR : CLASS_UNSCANNABLE);
	}
	for (int i = 0; i < MACHINES; i++)
		memory_free(&memory[i]);
	conf_unref(&conf);
	server_stop(&s);
}

/* A port that nobody uses now. */
static unsigned
free_port(void)
{
	struct sockaddr_in sin = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof sin;
	AUTO(fd_close) int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_int_equal(bind(fd, (struct sockaddr *)&sin, len), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&sin, &len), 0);
	return ntohs(sin.sin_port);
}

/* TLS: with the right authority it works; a certificate of somebody else, or a server without TLS,
 * is no shared cache. */
static void
tls_is_checked(void **state)
{
	g_autofree char *cert = g_strdup_printf("%s/cert.pem", dir),
			*key = g_strdup_printf("%s/key.pem", dir);
	g_autofree char *other = g_strdup_printf("%s/other.pem", dir);
	unsigned port = free_port();
	g_autofree char *port_text = g_strdup_printf("%u", port),
			*address = g_strdup_printf("127.0.0.1:%u", port);
	const char *const extra[] = {"--tls-port",
	                             port_text,
	                             "--tls-cert-file",
	                             cert,
	                             "--tls-key-file",
	                             key,
	                             "--tls-ca-cert-file",
	                             cert,
	                             "--tls-auth-clients",
	                             "no",
	                             NULL};
	struct cache_redis_conf good = conf_of(address), stranger = good, clear = good, plain;
	struct cache_redis *r, *s, *c, *p;
	struct server server;

	(void)state;
	for (unsigned i = 0; i < 2; i++) {
		const char *const argv[] = {"openssl",
		                            "req",
		                            "-x509",
		                            "-newkey",
		                            "ec",
		                            "-pkeyopt",
		                            "ec_paramgen_curve:P-256",
		                            "-nodes",
		                            "-days",
		                            "2",
		                            "-subj",
		                            "/CN=redis.test",
		                            "-addext",
		                            "subjectAltName=IP:127.0.0.1",
		                            "-keyout",
		                            key,
		                            "-out",
		                            i == 0 ? other : cert,
		                            NULL};
		int status;

		assert_true(g_spawn_sync(NULL, (char **)(uintptr_t)argv, NULL,
		                         G_SPAWN_SEARCH_PATH | G_SPAWN_STDOUT_TO_DEV_NULL |
		                             G_SPAWN_STDERR_TO_DEV_NULL,
		                         NULL, NULL, NULL, NULL, &status, NULL));
		assert_int_equal(status, 0);
	}
	server = server_start("tls", extra);
	good.tls = stranger.tls = true;
	good.tls_ca = cert;
	stranger.tls_ca = other;
	plain = conf_of(server.address);
	plain.tls = true;
	plain.tls_ca = cert;
	r = cache_redis_new(&good, NULL);
	s = cache_redis_new(&stranger, NULL);
	c = cache_redis_new(&clear, NULL);
	p = cache_redis_new(&plain, NULL);
	put(r, key1, "one");
	assert_known(r, key1, "one");
	STATS_WHEN(s, connect_failed, 1);
	STATS_WHEN(p, connect_failed, 1);
	assert_null(look_up(s, key1));
	assert_null(look_up(p, key1));
	for (unsigned i = 0; i < 20; i++) {
		assert_null(look_up(c, key1));
		g_usleep(1000);
	}
	cache_redis_free(&r);
	cache_redis_free(&s);
	cache_redis_free(&c);
	cache_redis_free(&p);
	server_stop(&server);
}

/* A server of ours that does to each connection what mode says. */
enum mode {
	STALL,
	DRIP,
	CLOSE,
	GARBAGE,
	CUT,
	HUGE_STRING,
	HUGE_ARRAY,
	DEEP,
	NUMBER,
	STATUS,
	ERROR,
	TOO_LONG,
	TWO,
	NEGATIVE,
	ENDLESS,
	MODES
};
struct liar {
	enum mode mode;
	char *path, *address;
	int fd;
	pthread_t thread;
	atomic_bool stop;
};

static void
say(int fd, const char *text)
{
	ssize_t n = send(fd, text, strlen(text), MSG_NOSIGNAL);

	(void)n;
}

static void
lie(const struct liar *l, int fd)
{
	char buf[4096];
	struct pollfd p = {.fd = fd, .events = POLLIN};

	if (poll(&p, 1, 300) <= 0 || read(fd, buf, sizeof buf) <= 0)
		return;
	switch (l->mode) {
	case STALL:
		break;
	case DRIP:
		say(fd, "$8000\r\n");
		for (unsigned i = 0; i < 60 && !atomic_load(&l->stop); i++) {
			say(fd, "x");
			g_usleep(10000);
		}
		break;
	case ENDLESS: {
		g_autofree char *x = g_strnfill(100000, 'x');

		say(fd, "$1000000000\r\n");
		for (unsigned i = 0;
		     i < 1000 && send(fd, x, 100000, MSG_NOSIGNAL | MSG_DONTWAIT) > 0; i++)
			g_usleep(100);
		break;
	}
	default: {
		static const char *const words[MODES] = {
		    [GARBAGE] = "HTTP/1.1 200 OK\r\n\r\n",
		    [CUT] = "$100\r\nabc",
		    [HUGE_STRING] = "$2147483647\r\nabc",
		    [HUGE_ARRAY] = "*2147483647\r\n",
		    [DEEP] = "*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n",
		    [NUMBER] = ":1\r\n",
		    [STATUS] = "+OK\r\n",
		    [ERROR] = "-WRONGTYPE no\r\n",
		    [TWO] = "$-1\r\n$-1\r\n",
		    [NEGATIVE] = "$-2\r\n"};

		if (l->mode == TOO_LONG) {
			g_autofree char *x = g_strnfill(20000, 'x'),
					*reply = g_strdup_printf("$20000\r\n%s\r\n", x);

			say(fd, reply);
		} else if (words[l->mode]) {
			say(fd, words[l->mode]);
		}
	}
	}
	if (l->mode != CLOSE && l->mode != CUT)
		poll(&p, 1, 300);
}

static void *
liar_main(void *arg)
{
	struct liar *l = arg;

	while (!atomic_load(&l->stop)) {
		struct pollfd p = {.fd = l->fd, .events = POLLIN};
		AUTO(fd_close) int fd = -1;

		if (poll(&p, 1, 50) > 0 && (fd = accept4(l->fd, NULL, NULL, SOCK_CLOEXEC)) >= 0)
			lie(l, fd);
	}
	return NULL;
}

static void
liar_start(struct liar *l, enum mode mode)
{
	struct sockaddr_un sun = {.sun_family = AF_UNIX};

	*l = (struct liar){.mode = mode, .path = g_strdup_printf("%s/liar", dir)};
	l->address = g_strdup_printf("unix:%s", l->path);
	g_strlcpy(sun.sun_path, l->path, sizeof sun.sun_path);
	l->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(l->fd, (struct sockaddr *)&sun, sizeof sun), 0);
	assert_int_equal(listen(l->fd, 50), 0);
	assert_int_equal(pthread_create(&l->thread, NULL, liar_main, l), 0);
}

static void
liar_stop(struct liar *l)
{
	atomic_store(&l->stop, true);
	pthread_join(l->thread, NULL);
	close(l->fd);
	unlink(l->path);
	g_free(l->path);
	g_free(l->address);
}

static void
every_lie_is_a_miss_in_time(void **state)
{
	(void)state;
	for (unsigned mode = 0; mode < MODES; mode++) {
		struct liar l;
		struct cache_redis_conf c;
		struct cache_redis *r;
		int64_t began = now_ms();

		liar_start(&l, (enum mode)mode);
		c = conf_of(l.address);
		r = cache_redis_new(&c, NULL);
		STATS_WHEN(r, connects, 1);
		for (unsigned i = 0; i < 30; i++) {
			assert_null(look_up(r, key1));
			g_usleep(1000);
		}
		assert_true(now_ms() - began < 20000);
		cache_redis_put(r, key1, "x", 1);
		cache_redis_free(&r);
		liar_stop(&l);
	}
}

static void
nobody_there(void **state)
{
	struct cache_redis_conf c = conf_of("unix:/nonexistent/redis"), bad = conf_of("unix:");
	struct cache_redis *r = cache_redis_new(&c, NULL);
	g_autoptr(GError) err = NULL;
	int64_t began = now_ms();

	(void)state;
	for (unsigned i = 0; i < 1000; i++) {
		assert_null(look_up(r, key1));
		cache_redis_put(r, key1, "x", 1);
	}
	assert_true(now_ms() - began < 2000);
	STATS_WHEN(r, connect_failed, 1);
	for (unsigned i = 0; i < 1000; i++)
		cache_redis_put(r, key1, "x", 1);
	STATS_WHEN(r, dropped, 1);
	cache_redis_free(&r);
	assert_null(r);
	assert_null(cache_redis_new(&bad, &err));
	assert_non_null(err);
}

static void
mac_covers_everything(void **state)
{
	struct mac_key k, other;
	g_autoptr(GByteArray) value = g_byte_array_new();
	size_t len;

	(void)state;
	mac_key_of("0123456789abcdef", 16, &k);
	mac_key_of("0123456789abcdeg", 16, &other);
	mac_seal(&k, key1, "packed", 6, value);
	assert_int_equal(value->len, 6 + MAC_OVERHEAD);
	assert_memory_equal(mac_open(&k, key1, value->data, value->len, &len), "packed", 6);
	assert_int_equal(len, 6);
	assert_null(mac_open(&k, key2, value->data, value->len, &len));
	assert_null(mac_open(&other, key1, value->data, value->len, &len));
	memcpy(other.id, k.id, sizeof k.id);
	assert_null(mac_open(&other, key1, value->data, value->len, &len));
	for (guint i = 0; i < value->len; i++)
		assert_null(mac_open(&k, key1, value->data, i, &len));
	for (guint bit = 0; bit < 8 * value->len; bit++) {
		value->data[bit / 8] ^= (guint8)(1u << bit % 8);
		assert_null(mac_open(&k, key1, value->data, value->len, &len));
		value->data[bit / 8] ^= (guint8)(1u << bit % 8);
	}
	assert_non_null(mac_open(&k, key1, value->data, value->len, &len));
}

static void
secret_file_rules(void **state)
{
	g_autofree char *path = g_strdup_printf("%s/secret", dir);
	struct mac_key a, b;
	g_autoptr(GError) err = NULL;

	(void)state;
	assert_false(mac_key_read(path, &a, &err));
	assert_non_null(strstr(err->message, path));
	g_clear_error(&err);
	assert_true(
	    g_file_set_contents_full(path, "short\n", -1, G_FILE_SET_CONTENTS_NONE, 0600, NULL));
	assert_false(mac_key_read(path, &a, &err));
	g_clear_error(&err);
	assert_true(g_file_set_contents_full(path, "a long enough secret\n", -1,
	                                     G_FILE_SET_CONTENTS_NONE, 0600, NULL));
	assert_int_equal(chmod(path, 0604), 0);
	assert_false(mac_key_read(path, &a, &err));
	assert_non_null(strstr(err->message, "chmod"));
	assert_int_equal(chmod(path, 0640), 0);
	assert_true(mac_key_read(path, &a, NULL));
	mac_key_of("a long enough secret", 20, &b);
	assert_memory_equal(&a, &b, sizeof a);
}

static int
setup(void **state)
{
	(void)state;
	dir = unit_mkdir();
	return log_open("/dev/null", "mail", "test", LOGLV_ERR, NULL) ? 0 : -1;
}

static int
teardown(void **state)
{
	(void)state;
	unit_rmdir(dir);
	return 0;
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(mac_covers_everything),
    cmocka_unit_test(secret_file_rules),
    cmocka_unit_test(nobody_there),
    cmocka_unit_test(two_machines_share),
    cmocka_unit_test(meddling_is_a_miss),
    cmocka_unit_test(login_is_needed),
    cmocka_unit_test(read_only_replica_still_answers),
    cmocka_unit_test(server_comes_back),
    cmocka_unit_test(breaker_opens),
    cmocka_unit_test(attempts_are_counted_together),
    cmocka_unit_test(an_outage_everywhere_is_no_poison),
    cmocka_unit_test(forgetting_is_not_forgotten),
    cmocka_unit_test(tls_is_checked),
    cmocka_unit_test(every_lie_is_a_miss_in_time),
};

int
main(void)
{
	return cmocka_run_group_tests(tests, setup, teardown);
}
