/* server - see server.h */
#include "control/server.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/auto.h"
#include "base/fsx.h"
#include "base/log.h"
#include "control/protocol.h"

#define PEERS_MAX 16
#define IDLE_MS   30000

enum right { RIGHT_ASK, RIGHT_ACT };

static const struct {
	const char *name;
	enum right right;
	size_t offset; /* of its function in struct control_commands */
} table[] = {
#define COMMAND(name, right, args, help)                                                           \
	{ #name, RIGHT_##right, offsetof(struct control_commands, name) },
#include "control/commands.def"
#undef COMMAND
};

struct control {
	int fd;
	char *path;
	int wake[2]; /* a pipe whose closing ends the accepting thread */
	pthread_t thread;
	bool started;
	const struct control_commands *commands;
	void *arg;
	pthread_mutex_t mu;
	pthread_cond_t gone;  /* a peer has ended */
	int peers[PEERS_MAX]; /* under mu; -1 = free */
	unsigned peer_count;  /* under mu */
};

/* A connection and the slot it holds. */
struct peer {
	struct control *control;
	unsigned slot;
	int fd;
	bool may_act;
	uid_t uid;
};

struct control *
control_new(int fd, const char *path)
{
	struct control *c = g_new0(struct control, 1);

	c->fd = fd;
	c->path = g_strdup(path);
	c->wake[0] = c->wake[1] = -1;
	pthread_mutex_init(&c->mu, NULL);
	pthread_cond_init(&c->gone, NULL);
	for (unsigned i = 0; i < PEERS_MAX; i++)
		c->peers[i] = -1;
	return c;
}

static control_fn *
find_command(const struct control *c, const struct control_request *rq, GError **err)
{
	for (size_t i = 0; i < G_N_ELEMENTS(table); i++) {
		control_fn *fn;

		if (strcmp(table[i].name, rq->words[0]) != 0)
			continue;
		if (table[i].right == RIGHT_ACT && !rq->may_act) {
			g_set_error(err, G_FILE_ERROR, G_FILE_ERROR_PERM,
			    "%s: only root and the daemon's own user may ask for this",
			    rq->words[0]);
			return NULL;
		}
		memcpy(&fn, (const char *)c->commands + table[i].offset, sizeof(fn));
		return fn;
	}
	g_set_error(err, G_FILE_ERROR, G_FILE_ERROR_INVAL, "%s: unknown command", rq->words[0]);
	return NULL;
}

static bool
reply(int fd, const char *status, json_t *body)
{
	char *text = json_dumps(body, JSON_COMPACT | JSON_ENSURE_ASCII);
	g_autofree char *line = g_strdup_printf("%s %s", status, text);
	const bool ok = control_line_write(fd, line, -1, NULL);

	free(text);
	json_decref(body);
	return ok;
}

static void
say(void *arg, const char *text)
{
	const struct peer *p = arg;

	/* A peer that has gone is noticed at the answer. */
	(void)reply(p->fd, "progress", json_pack("{s:s}", "text", text));
}

static bool
answer(struct peer *p, const char *line, int passed)
{
	g_autoptr(GError) err = NULL;
	g_auto(GStrv) words = control_split(line, &err);
	const struct control_request rq = { .words = words,
		.fd = passed,
		.may_act = p->may_act,
		.uid = p->uid,
		.say = say,
		.say_arg = p };
	control_fn *fn = words != NULL ? find_command(p->control, &rq, &err) : NULL;
	json_t *body = fn != NULL ? fn(p->control->arg, &rq, &err) : NULL;

	if (body != NULL)
		return reply(p->fd, "ok", body);
	return reply(p->fd, "error", json_pack("{s:s}", "error", err->message));
}

static void
end_peer(struct peer *p)
{
	struct control *c = p->control;

	pthread_mutex_lock(&c->mu);
	close(p->fd);
	c->peers[p->slot] = -1;
	c->peer_count--;
	pthread_cond_signal(&c->gone);
	pthread_mutex_unlock(&c->mu);
	g_free(p);
}

static void *
serve_peer(void *arg)
{
	struct peer *p = arg;
	struct control_line in;
	bool more = control_line_write(p->fd, CONTROL_GREETING " avmilter " AVM_VERSION, -1, NULL);

	log_context("control");
	control_line_init(&in, p->fd, CONTROL_REQUEST_MAX);
	while (more) {
		g_autofree char *line = control_line_read(&in, IDLE_MS, NULL);

		more = line != NULL && answer(p, line, in.passed);
		fd_close(&in.passed);
	}
	control_line_clear(&in);
	end_peer(p);
	return NULL;
}

static bool
take_slot(struct control *c, struct peer *p)
{
	bool taken = false;

	pthread_mutex_lock(&c->mu);
	for (unsigned i = 0; i < PEERS_MAX && !taken; i++) {
		if (c->peers[i] >= 0)
			continue;
		c->peers[i] = p->fd;
		c->peer_count++;
		p->slot = i;
		taken = true;
	}
	pthread_mutex_unlock(&c->mu);
	return taken;
}

static void
welcome(struct control *c, int fd)
{
	struct peer *p = g_new0(struct peer, 1);
	struct ucred who = { 0 };
	socklen_t len = sizeof(who);
	pthread_t thread;

	p->control = c;
	p->fd = fd;
	/* Rights come from the kernel's word alone; without it nobody has any. */
	p->uid = getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &who, &len) == 0 ? who.uid : (uid_t)-1;
	p->may_act = p->uid == 0 || p->uid == geteuid();
	if (!take_slot(c, p)) {
		control_line_write(fd, CONTROL_GREETING " busy, try again", -1, NULL);
		close(fd);
		g_free(p);
		return;
	}
	if (pthread_create(&thread, NULL, serve_peer, p) == 0)
		pthread_detach(thread);
	else
		end_peer(p);
}

static void *
accept_peers(void *arg)
{
	struct control *c = arg;
	struct pollfd p[2] = { { .fd = c->fd, .events = POLLIN },
		{ .fd = c->wake[0], .events = POLLIN } };

	for (;;) {
		int fd;

		if (poll(p, 2, -1) < 0 && errno != EINTR)
			break;
		if (p[1].revents != 0)
			break;
		if (p[0].revents == 0)
			continue;
		fd = accept4(c->fd, NULL, NULL, SOCK_CLOEXEC);
		if (fd >= 0)
			welcome(c, fd);
		else if (errno == EMFILE || errno == ENFILE)
			g_usleep(100 * 1000); /* it stays readable: do not spin until descriptors
			                         are free again */
	}
	return NULL;
}

bool
control_start(struct control *c, const struct control_commands *commands, void *arg, GError **err)
{
	c->commands = commands;
	c->arg = arg;
	if (pipe2(c->wake, O_CLOEXEC) != 0)
		return fsx_fail(err, c->path, "make a pipe");
	errno = pthread_create(&c->thread, NULL, accept_peers, c);
	if (errno != 0)
		return fsx_fail(err, c->path, "start a thread");
	c->started = true;
	return true;
}

static void
end_peers(struct control *c)
{
	pthread_mutex_lock(&c->mu);
	for (unsigned i = 0; i < PEERS_MAX; i++)
		if (c->peers[i] >= 0)
			shutdown(c->peers[i], SHUT_RDWR);
	while (c->peer_count > 0)
		pthread_cond_wait(&c->gone, &c->mu);
	pthread_mutex_unlock(&c->mu);
}

void
control_free(struct control **cp)
{
	struct control *c = *cp;

	*cp = NULL;
	if (c == NULL)
		return;
	fd_close(&c->wake[1]);
	if (c->started)
		pthread_join(c->thread, NULL);
	fd_close(&c->wake[0]);
	end_peers(c);
	unlink(c->path);
	fd_close(&c->fd);
	g_free(c->path);
	g_free(c);
}
