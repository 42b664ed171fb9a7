/*
 * The dialogues of tests/wire: we are the server, and the engine must say exactly what stands there
 */
#include "engine/engine.h"

#include "unit.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <pthread.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/auto.h"
#include "base/log.h"
#include "conf/conf.h"
#include "engine/upstream.h"

#define WIRE      "tests/wire"
#define SILENCE_S 5 /* of the engine: then the dialogue is wrong */

struct dialogue {
	const char *file;
	char **lines;
	char *kind, *options; /* of the engine line */
	GString *object;
	char *verdict; /* all behind "verdict " */
	bool unix_socket;
	char *dir, *address, *host;
	char *name; /* of the file that was handed over last; of the serving thread */
	int listen_fd;
	char *wrong;        /* the first thing that was not as written, or NULL */
	pthread_mutex_t mu; /* guards wrong and played */
	unsigned played;    /* steps */
};

static void
complain(struct dialogue *d, const char *what, const char *line)
{
	pthread_mutex_lock(&d->mu);
	if (!d->wrong)
		d->wrong = g_strdup_printf("%s: %s", what, line);
	pthread_mutex_unlock(&d->mu);
}

/* The bytes that a line stands for. */
static GString *
bytes_of(const struct dialogue *d, const char *p)
{
	static const char letters[] = "rnt0\\", values[] = "\r\n\t\0\\";
	GString *out = g_string_new(NULL);

	for (; *p; p++) {
		const char *at = p[0] == '\\' && p[1] ? strchr(letters, p[1]) : NULL;

		if (at) {
			g_string_append_c(out, values[at - letters]);
			p++;
		} else if (p[0] == '\\' && p[1] == 'x') {
			g_string_append_c(out, (char)(g_ascii_xdigit_value(p[2]) * 16 +
			                              g_ascii_xdigit_value(p[3])));
			p += 3;
		} else if (p[0] == '%' && p[1] == 'H') {
			g_string_append(out, d->host);
			p++;
		} else if (p[0] == '%' && p[1] == 'V') {
			g_string_append(out, AVM_VERSION);
			p++;
		} else if (p[0] == '%' && p[1] == 'F') {
			g_string_append(out, d->name ? d->name : "no file yet");
			p++;
		} else if (p[0] == '%' && p[1] == 'O') {
			g_string_append_len(out, d->object->str, (gssize)d->object->len);
			p++;
		} else {
			g_string_append_c(out, *p);
		}
	}
	return out;
}

static bool
holds_object(const struct dialogue *d, int fd)
{
	g_autofree char *buf = g_malloc(d->object->len + 1);

	return pread(fd, buf, d->object->len + 1, 0) == (ssize_t)d->object->len &&
	       memcmp(buf, d->object->str, d->object->len) == 0;
}

/* Receive len bytes; a descriptor that comes along goes to *fd. */
static bool
take(int from, char *buf, size_t len, int *fd)
{
	while (len > 0) {
		union {
			struct cmsghdr head;
			char room[CMSG_SPACE(sizeof(int))];
		} control;
		struct iovec iov = {.iov_base = buf, .iov_len = len};
		struct msghdr m = {.msg_iov = &iov,
		                   .msg_iovlen = 1,
		                   .msg_control = &control,
		                   .msg_controllen = sizeof(control)};
		ssize_t n = recvmsg(from, &m, MSG_CMSG_CLOEXEC);

		if (n <= 0)
			return false;
		if (CMSG_FIRSTHDR(&m))
			memcpy(fd, CMSG_DATA(CMSG_FIRSTHDR(&m)), sizeof(*fd));
		buf += n;
		len -= (size_t)n;
	}
	return true;
}

/* Take the name of a file, which ends before the byte stop, and look into it. */
static bool
take_name(struct dialogue *d, int from, char stop)
{
	g_autoptr(GString) name = g_string_new(NULL);
	AUTO(fd_close) int fd = -1, none = -1;
	char c = '\0';

	while (take(from, &c, 1, &none) && c != stop && name->len < 200)
		g_string_append_c(name, c);
	g_free(d->name);
	d->name = g_strdup(name->str);
	fd = open(d->name, O_RDONLY | O_CLOEXEC);
	return c == stop && fd >= 0 && holds_object(d, fd);
}

/* "C SCAN %F\n": what stands in front of %F, a file that holds the object, one byte that ends its name. */
static bool
expect_name(struct dialogue *d, int from, const char *line, const char *mark)
{
	g_autofree char *front = g_strndup(line + 2, (gsize)(mark - line - 2));
	g_autoptr(GString) want = bytes_of(d, front), stop = bytes_of(d, mark + 2);
	g_autofree char *got = g_malloc0(want->len + 1);
	int none = -1;

	if (stop->len == 1 && take(from, got, want->len, &none) &&
	    memcmp(got, want->str, want->len) == 0 && take_name(d, from, stop->str[0]))
		return true;
	complain(d, "not that and a file with the object", line);
	return false;
}

static bool
expect(struct dialogue *d, int from, const char *line)
{
	const char *mark = line[0] == 'C' ? strstr(line, "%F") : NULL;
	g_autoptr(GString) want = bytes_of(d, line + 2);
	g_autofree char *got = g_malloc0(want->len + 1);
	AUTO(fd_close) int fd = -1;

	if (mark)
		return expect_name(d, from, line, mark);
	if (!take(from, got, want->len, &fd) || memcmp(got, want->str, want->len) != 0) {
		g_autofree char *shown = g_strescape(got, NULL);
		g_autofree char *what = g_strdup_printf("the engine said \"%s\" instead of", shown);

		complain(d, what, line);
		return false;
	}
	if ((line[0] == 'F') != (fd >= 0) || (fd >= 0 && !holds_object(d, fd))) {
		complain(d, "no descriptor with the object, or one too many", line);
		return false;
	}
	return true;
}

/* Play the script of one connection, which begins at line *at. */
static void
play_connection(struct dialogue *d, int fd, size_t *at)
{
	struct timeval patience = {.tv_sec = SILENCE_S};
	char some[256];
	bool closes = false;

	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	for (; d->lines[*at] && strcmp(d->lines[*at], "connection") != 0; ++*at) {
		const char *line = d->lines[*at];

		if (line[0] == 'S') {
			g_autoptr(GString) say = bytes_of(d, line + 2);

			if (send(fd, say->str, say->len, MSG_NOSIGNAL) != (ssize_t)say->len)
				complain(d, "could not say", line);
		} else if ((line[0] == 'C' || line[0] == 'F') && line[1] == ' ') {
			if (!expect(d, fd, line))
				return;
		} else if (strcmp(line, "! close") == 0) {
			closes = true;
		} else if (strcmp(line, "! stall") != 0 && !g_str_has_prefix(line, "verdict")) {
			complain(d, "not understood", line);
		}
		pthread_mutex_lock(&d->mu);
		d->played++;
		pthread_mutex_unlock(&d->mu);
	}
	while (!closes && recv(fd, some, sizeof(some), 0) > 0) /* until the engine closes */
		continue;
}

static void *
serve(void *arg)
{
	struct dialogue *d = arg;
	size_t at = 0;

	while (d->lines[at] && strcmp(d->lines[at], "connection") != 0)
		at++;
	while (d->lines[at]) {
		AUTO(fd_close) int fd = accept4(d->listen_fd, NULL, NULL, SOCK_CLOEXEC);

		if (fd < 0)
			break;
		at++;
		play_connection(d, fd, &at);
	}
	return NULL;
}

static void
listen_somewhere(struct dialogue *d)
{
	struct sockaddr_un sun = {.sun_family = AF_UNIX};
	struct sockaddr_in sin = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof(sin);

	d->dir = unit_mkdir();
	d->listen_fd = socket(d->unix_socket ? AF_UNIX : AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (d->unix_socket) {
		g_snprintf(sun.sun_path, sizeof(sun.sun_path), "%s/s", d->dir);
		assert_int_equal(bind(d->listen_fd, (struct sockaddr *)&sun, sizeof(sun)), 0);
		d->address = g_strdup_printf("unix:%s", sun.sun_path);
		d->host = g_strdup("localhost");
	} else {
		assert_int_equal(bind(d->listen_fd, (struct sockaddr *)&sin, sizeof(sin)), 0);
		assert_int_equal(getsockname(d->listen_fd, (struct sockaddr *)&sin, &len), 0);
		d->host = g_strdup_printf("127.0.0.1:%u", ntohs(sin.sin_port));
		d->address = g_strdup(d->host);
	}
	assert_int_equal(listen(d->listen_fd, 10), 0);
}

static const char *
value_of(const struct dialogue *d, const char *key)
{
	for (char **l = d->lines; *l; l++)
		if (g_str_has_prefix(*l, key))
			return *l + strlen(key);
	fail_msg("%s: no line \"%s\"", d->file, key);
	return NULL;
}

static void
read_dialogue(struct dialogue *d, const char *file)
{
	g_autofree char *text = NULL;
	const char *engine, *blank;

	*d = (struct dialogue){.file = file};
	pthread_mutex_init(&d->mu, NULL);
	assert_true(g_file_get_contents(file, &text, NULL, NULL));
	if (!g_str_has_prefix(text, "# "))
		fail_msg("%s: the first line does not say what it proves", file);
	d->lines = g_strsplit(g_strchomp(text), "\n", -1);
	engine = value_of(d, "engine ");
	blank = strchr(engine, ' ');
	d->kind = blank ? g_strndup(engine, (gsize)(blank - engine)) : g_strdup(engine);
	d->options = g_strdup(blank ? blank : "");
	d->host = g_strdup("");
	d->object = bytes_of(d, value_of(d, "object "));
	g_clear_pointer(&d->host, g_free);
	d->verdict = g_strdup(value_of(d, "verdict "));
	d->unix_socket = strstr(text, "\nF ") != NULL;
}

static void
free_dialogue(struct dialogue *d)
{
	g_strfreev(d->lines);
	g_free(d->kind);
	g_free(d->options);
	g_free(d->verdict);
	g_free(d->address);
	g_free(d->host);
	g_free(d->name);
	g_free(d->wrong);
	g_string_free(d->object, TRUE);
	close(d->listen_fd);
	unit_rmdir(d->dir);
	pthread_mutex_destroy(&d->mu);
}

/* "infected Eicar", "error busy", "clean". */
static char *
words_of(const struct verdict *v)
{
	enum verdict_class c = verdict_class(v);
	const struct finding *f = verdict_top(v);

	if (f)
		return g_strdup_printf("%s %s", verdict_class_name(c), f->name);
	if (c == CLASS_CLEAN)
		return g_strdup("clean");
	return g_strdup_printf("%s %s", verdict_class_name(c), verdict_reason(v, c));
}

/* The object as a part in an arena: exactly its bytes. */
static struct objects *
make_objects(const struct dialogue *d, struct spool *sp)
{
	int fd = memfd_create("arena", MFD_CLOEXEC);
	struct objects *set;

	assert_int_equal(write(fd, d->object->str, d->object->len), (ssize_t)d->object->len);
	set = objects_new(sp, fd, d->object->len);
	assert_non_null(
	    objects_add(set, OBJECT_PART, STORE_ARENA, 0, d->object->len, "1", NULL, NULL, NULL));
	return set;
}

/* The probe has been answered, or failed: then the scan finds it out. */
static void
wait_probed(struct upstream *u)
{
	upstream_start(u);
	for (int i = 0; i < 1000; i++) {
		g_autoptr(GPtrArray) stats = upstream_stats(u);
		const struct server_stats *st = g_ptr_array_index(stats, 0);

		if (st->probed || st->failed > 0)
			return;
		g_usleep(1000);
	}
}

static void
scan(const struct dialogue *d, struct verdict *v)
{
	struct message_limits lim = {
	    .spool = {.memory_max = 1 << 20, .total_max = 16 << 20, .file_base = "/tmp"},
	    .header_max = 65536};
	struct client client = {0};
	struct spool_budget *budget = spool_budget_new();
	struct message *m = message_new(budget, &lim, &client, "<a@b>");
	g_autofree char *text = g_strdup_printf(
	    "antivirus { file_base = \"/tmp\" %s \"e\" { servers = \"%s\" %s read_write_time = 1s timeout = 5s } }",
	    d->kind, d->address, d->options);
	g_autoptr(GError) err = NULL;
	struct conf *conf = conf_parse(text, "test", &err);
	struct engines *engines;
	struct objects *objects;
	struct engine *e;
	struct wait wait;

	if (!conf)
		fail_msg("%s: %s", d->file, err->message);
	message_seal(m);
	objects = make_objects(d, m->spool);
	engines = engines_new(conf, NULL, true, &err);
	assert_non_null(engines);
	e = g_ptr_array_index(engines->list, 0);
	if (e->ops->probe)
		wait_probed(e->upstream);
	wait_init(&wait, deadline_in(10000), 0, NULL, NULL);
	engine_scan(e,
	            &(struct scan_request){.message = m,
	                                   .objects = objects,
	                                   .object = g_ptr_array_index(objects->list, 0),
	                                   .label = "part 1",
	                                   .wait = &wait},
	            v);
	engines_free(&engines);
	objects_free(&objects);
	message_free(&m);
	spool_budget_free(&budget);
	conf_unref(&conf);
}

static void
play(const char *file)
{
	AUTO(verdict_clear) struct verdict v = {0};
	struct dialogue d;
	g_autofree char *words = NULL;
	pthread_t t;

	read_dialogue(&d, file);
	listen_somewhere(&d);
	assert_int_equal(pthread_create(&t, NULL, serve, &d), 0);
	scan(&d, &v);
	shutdown(d.listen_fd, SHUT_RDWR);
	pthread_join(t, NULL);
	words = words_of(&v);
	if (d.wrong)
		fail_msg("%s: %s", file, d.wrong);
	if (strcmp(words, d.verdict) != 0)
		fail_msg("%s: %s instead of %s (%s)", file, words, d.verdict,
		         v.failed_why ? v.failed_why : "");
	print_message("# %s: %s\n", file, d.lines[0] + 2);
	free_dialogue(&d);
}

static unsigned
play_folder(const char *folder)
{
	GDir *dir = g_dir_open(folder, 0, NULL);
	unsigned n = 0;
	const char *name;

	assert_non_null(dir);
	while ((name = g_dir_read_name(dir))) {
		g_autofree char *path = g_build_filename(folder, name, NULL);

		if (g_file_test(path, G_FILE_TEST_IS_DIR)) {
			n += play_folder(path);
		} else if (g_str_has_suffix(name, ".dlg")) {
			play(path);
			n++;
		}
	}
	g_dir_close(dir);
	return n;
}

static void
dialogues(void **state)
{
	(void)state;
	const char *only = g_getenv("AVM_ENGINE"); /* make check ENGINE=name */
	g_autofree char *folder = g_build_filename(WIRE, only && *only ? only : NULL, NULL);

	assert_in_range(play_folder(folder), only && *only ? 1 : 40, 10000);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(dialogues),
};

int
main(void)
{
	log_open("stderr", "mail", "test", LOGLV_ERR, NULL);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
