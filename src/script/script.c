/* script - see script.h */
#include "script/script.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/auto.h"
#include "base/log.h"
#include "script/bundle.h"

#define START_MS  20000 /* for the program to start and the script to be loaded */
#define TICK_MS   60000
#define HOOKS_ALL ((uint32_t)(PROTO_ON_MESSAGE | PROTO_ON_VERDICT | PROTO_ON_RECIPIENT))

struct script {
	char *path, *name, *scanner_path, *scanner_log;
	int source; /* sealed file, or -1 */
	struct proto_script limits;
	uint32_t hooks; /* 0 until the first process is ready */
	pthread_mutex_t mu;
	pthread_cond_t changed;
	GPtrArray *idle; /* under mu: of struct process * */
	unsigned alive;  /* under mu: idle ones, lent ones and those that start */
};

static bool
fail(const struct script *s, GError **err, const char *what)
{
	g_set_error(err, SCRIPT_ERROR, 0, "lua.script = \"%s\": %s", s->path, what);
	return false;
}

/* The file, as it is now. */
static bool
read_source(struct script *s, GError **err)
{
	AUTO(fd_close) int fd = open(s->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	g_autofree char *bytes = g_malloc(PROTO_SCRIPT_MAX + 1);
	size_t len = 0;
	struct stat st;
	ssize_t n;

	if (fd < 0 || fstat(fd, &st) != 0)
		return fail(s, err, g_strerror(errno));
	if (!S_ISREG(st.st_mode))
		return fail(s, err, "is not a file");
	while (len <= PROTO_SCRIPT_MAX &&
	    (n = read(fd, bytes + len, PROTO_SCRIPT_MAX + 1 - len)) != 0) {
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return fail(s, err, g_strerror(errno));
		len += (size_t)n;
	}
	if (len == 0 || len > PROTO_SCRIPT_MAX)
		return fail(s, err, len == 0 ? "is empty" : "is larger than 1 MB");
	s->limits.size = len;
	s->source = bundle_seal(bytes, len, err);
	return s->source >= 0;
}

/* The text of a packet, escaped; NULL when it has none. */
static char *
text_of(const struct packet *p)
{
	struct packet_text rest = { .at = (const char *)p->body, .left = p->len };
	const char *text = packet_string(&rest);
	GString *out;

	if (text == NULL)
		return NULL;
	out = g_string_new(NULL);
	log_esc(out, text, strlen(text), PROTO_TEXT_MAX);
	return g_string_free(out, FALSE);
}

/* What the first process says holds: a hook that another one does not have would silently not be
 * asked. Only the first writes, before anybody reads. */
static bool
take_hooks(struct script *s, uint32_t hooks, GError **err)
{
	if (hooks == 0 || (hooks & ~HOOKS_ALL) != 0)
		return fail(s, err, "the script process names no hooks that we know");
	if (s->hooks == 0)
		s->hooks = hooks;
	return s->hooks == hooks ||
	    fail(s, err,
		"it does not have the same functions each time it is loaded: define on_message, "
		"on_verdict and on_recipient without a condition");
}

/* What the process says about the script: its hooks, or what is wrong with it. */
static bool
take_ready(struct script *s, const struct packet *p, GError **err)
{
	g_autofree char *why = p->op == PROTO_FAILED ? text_of(p) : NULL;
	struct proto_script_ready ready;

	if (p->op == PROTO_SCRIPT_READY && p->len == sizeof(ready)) {
		memcpy(&ready, p->body, sizeof(ready));
		return take_hooks(s, ready.hooks, err);
	}
	return fail(s, err, why != NULL ? why : "the script process does not speak our language");
}

/* Wait until the script is loaded; what it prints outside of its functions comes first. */
static bool
await_ready(struct script *s, struct process *p, struct wait *wait, GError **err)
{
	struct packet packet;

	for (unsigned lines = 0;; lines++) {
		g_autofree char *line = NULL;

		if (!process_receive(p, wait, &packet, err))
			return false;
		if (packet.op != PROTO_LOG)
			return take_ready(s, &packet, err);
		if (!process_in_time(p, wait, err))
			return false;
		line = lines < LOG_LINES_MAX ? text_of(&packet) : NULL;
		if (line != NULL)
			log_notice("script %s: %s", s->name, line);
	}
}

static struct process *
start(struct script *s, struct wait *wait, GError **err)
{
	const size_t path = strlen(s->path) + 1;
	g_autofree char *body = g_malloc(sizeof(s->limits) + path);
	struct wait own = wait_until(wait, deadline_in(START_MS));
	struct process *p =
	    process_start(s->scanner_path, s->scanner_log, (int64_t)s->limits.time_max_ms, err);
	bool ok;

	if (p == NULL)
		return NULL;
	memcpy(body, &s->limits, sizeof(s->limits));
	memcpy(body + sizeof(s->limits), s->path, path);
	/* The program's own start needs time of its own. */
	p->time_max_ms += START_MS;
	ok = process_request(p, PROTO_SCRIPT, body, sizeof(s->limits) + path, s->source, err) &&
	    await_ready(s, p, &own, err);
	wait->next_tick_ms = own.next_tick_ms;
	p->time_max_ms -= START_MS;
	if (!ok)
		process_end(&p);
	return p;
}

struct script *
script_new(const struct conf *conf, const char *scanner_path, const char *scanner_log, GError **err)
{
	struct script *s = g_new0(struct script, 1);
	struct process *first = NULL;
	struct wait wait;

	s->path = g_strdup(conf->lua.script);
	s->name = g_path_get_basename(s->path);
	s->scanner_path = g_strdup(scanner_path);
	s->scanner_log = g_strdup(scanner_log);
	s->source = -1;
	s->limits.memory_max = conf->lua.memory_max;
	s->limits.time_max_ms = (uint64_t)conf->lua.time_max;
	s->limits.require_sandbox = conf->sandbox == SANDBOX_REQUIRE;
	s->idle = g_ptr_array_new();
	pthread_mutex_init(&s->mu, NULL);
	cond_init(&s->changed);
	wait_init(&wait, deadline_in(START_MS), TICK_MS, NULL, NULL);
	if (read_source(s, err))
		first = start(s, &wait, err);
	if (first == NULL) {
		script_free(&s);
		return NULL;
	}
	s->alive = 1;
	g_ptr_array_add(s->idle, first);
	return s;
}

void
script_free(struct script **sp)
{
	struct script *s = *sp;

	*sp = NULL;
	if (s == NULL)
		return;
	for (guint i = 0; i < s->idle->len; i++) {
		struct process *p = g_ptr_array_index(s->idle, i);

		process_end(&p);
	}
	g_ptr_array_unref(s->idle);
	pthread_mutex_destroy(&s->mu);
	pthread_cond_destroy(&s->changed);
	fd_close(&s->source);
	g_free(s->path);
	g_free(s->name);
	g_free(s->scanner_path);
	g_free(s->scanner_log);
	g_free(s);
}

bool
script_has(const struct script *s, enum proto_hook hook)
{
	return s != NULL && (s->hooks & (uint32_t)hook) != 0;
}

const char *
script_name(const struct script *s)
{
	return s->name;
}

/* One process fewer: somebody may start another. */
static void
count_out(struct script *s)
{
	pthread_mutex_lock(&s->mu);
	s->alive--;
	pthread_cond_signal(&s->changed);
	pthread_mutex_unlock(&s->mu);
}

/* An idle one in *out, or NULL there: one may be started. False at the deadline. */
static bool
take_turn(struct script *s, struct wait *wait, struct process **out)
{
	bool ok = true;

	*out = NULL;
	pthread_mutex_lock(&s->mu);
	while (s->idle->len == 0 && s->alive >= SCRIPT_PROCESSES && ok)
		ok = wait_cond(wait, &s->changed, &s->mu);
	if (s->idle->len > 0) {
		*out = g_ptr_array_steal_index_fast(s->idle, s->idle->len - 1);
		ok = true;
	} else if (s->alive < SCRIPT_PROCESSES) {
		s->alive++;
		ok = true;
	}
	pthread_mutex_unlock(&s->mu);
	return ok;
}

struct process *
script_borrow(struct script *s, struct wait *wait, GError **err)
{
	struct process *p;

	for (;;) {
		if (!take_turn(s, wait, &p)) {
			fail(s, err, "no script process is free in time");
			return NULL;
		}
		if (p == NULL)
			break;
		if (process_idle(p))
			return p;
		process_end(&p); /* somebody has killed it meanwhile */
		count_out(s);
	}
	p = start(s, wait, err);
	if (p == NULL)
		count_out(s);
	return p;
}

void
script_return(struct script *s, struct process *p, bool broken)
{
	if (broken || p->late) {
		process_end(&p);
		count_out(s);
		return;
	}
	pthread_mutex_lock(&s->mu);
	g_ptr_array_add(s->idle, p);
	pthread_cond_signal(&s->changed);
	pthread_mutex_unlock(&s->mu);
}
