/*
 * zygote - what it says, turned into events and log lines
 */
#include "worker/zygote.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/auto.h"
#include "base/deadline.h"
#include "base/fsx.h"
#include "base/log.h"

#define LINE_MAX_BYTES 1024
#define LINES_A_SECOND 50
#define SECOND_MS      1000
#define COMPLAIN_MS    60000
#define LOG_MODE       0640

const char *
ending_text(int status, char buf[ENDING_TEXT_MAX])
{
	const char *name;

	if (WIFEXITED(status)) {
		snprintf(buf, ENDING_TEXT_MAX, "exit status %d", WEXITSTATUS(status));
		return buf;
	}
	if (!WIFSIGNALED(status))
		return "unknown";
	if (WTERMSIG(status) == SIGSYS)
		return "SIGSYS (sandbox)";
	name = sigabbrev_np(WTERMSIG(status));
	snprintf(buf, ENDING_TEXT_MAX, "SIG%s", name ? name : "?");
	return buf;
}

/* May one more line be written? Workers write to the same output: what they say is rationed. */
static bool
is_within_ration(struct zygote *z, enum log_level level)
{
	int64_t now = now_ms();

	if (now - z->ration_ms >= SECOND_MS) {
		if (z->ration > LINES_A_SECOND)
			log_msg(level, "scanner: %u lines more", z->ration - LINES_A_SECOND);
		z->ration_ms = now;
		z->ration = 0;
	}
	return ++z->ration <= LINES_A_SECOND;
}

/* One line of the scanner's into our log. */
static void
say(struct zygote *z, enum log_level level, const char *text, size_t len)
{
	g_autoptr(GString) s = g_string_new("scanner: ");

	if (!is_within_ration(z, level))
		return;
	log_esc(s, text, len, LINE_MAX_BYTES);
	log_msg(level, "%s", s->str);
}

bool
zygote_log_append(const char *path, const char *text, size_t len, GError **err)
{
	AUTO(fd_close)
	int fd =
	    open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY | O_NONBLOCK, LOG_MODE);

	if (fd < 0)
		return fsx_fail(err, path, "open scanner_log");
	errno = ENOSPC; /* of what was written in part */
	return len == 0 || write(fd, text, len) == (ssize_t)len || fsx_fail(err, path, "write");
}

/* One line of its output into scanner_log, opened by name for each, so that it may be moved away;
 * without that file into our log. */
static void
keep(struct zygote *z, const char *text, size_t len)
{
	g_autoptr(GString) s = g_string_new(NULL);
	g_autoptr(GError) err = NULL;
	unsigned held;

	if (z->log[0] == '\0') {
		say(z, LOGLV_WARNING, text, len);
		return;
	}
	if (!is_within_ration(z, LOGLV_WARNING))
		return;
	log_esc(s, text, len, LINE_MAX_BYTES);
	g_string_append_c(s, '\n');
	if (zygote_log_append(z->log, s->str, s->len, &err))
		return;
	if (log_limit_pass(&z->complaints, COMPLAIN_MS, &held))
		log_err("scanner: %s; its lines stand here", err->message);
	log_warn("scanner: %.*s", (int)(s->len - 1), s->str);
}

void
zygote_read_output(struct zygote *z)
{
	char chunk[4096];
	ssize_t n;

	if (z->output < 0)
		return;
	n = read(z->output, chunk, sizeof(chunk));
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		fd_close(&z->output);
		return;
	}
	for (ssize_t i = 0; i < n; i++) {
		if (chunk[i] != '\n')
			g_string_append_c(z->line, chunk[i]);
		if (z->line->len > 0 && (chunk[i] == '\n' || z->line->len >= LINE_MAX_BYTES)) {
			keep(z, z->line->str, z->line->len);
			g_string_truncate(z->line, 0);
		}
	}
}

/* The text of a packet into ev, escaped; never more than fits. */
static void
set_text(struct zygote_event *ev, enum zygote_event_kind kind, const char *text)
{
	g_autoptr(GString) s = g_string_new(NULL);

	log_esc(s, text, strlen(text), PROTO_TEXT_MAX);
	ev->kind = kind;
	g_strlcpy(ev->text, s->str, sizeof(ev->text));
}

static const char *
packet_words(const struct packet *p)
{
	struct packet_text t = { .at = (const char *)p->body, .left = p->len };
	const char *s = packet_string(&t);

	return s ? s : "(no text)";
}

static bool
take_found(const struct zygote *z, const struct packet *p, struct zygote_event *ev)
{
	if (z->ready || p->len != sizeof(ev->ready))
		return false;
	memcpy(&ev->ready, p->body, sizeof(ev->ready));
	ev->kind = ZYGOTE_FOUND;
	return memchr(ev->ready.engine_version, '\0', sizeof(ev->ready.engine_version)) != NULL;
}

static bool
take_ready(struct zygote *z, const struct packet *p, struct zygote_event *ev)
{
	if (z->ready || p->len != sizeof(ev->ready))
		return false;
	memcpy(&ev->ready, p->body, sizeof(ev->ready));
	if (!memchr(ev->ready.engine_version, '\0', sizeof(ev->ready.engine_version)))
		return false;
	z->ready = true;
	ev->kind = ZYGOTE_READY;
	return true;
}

static bool
take_worker(struct packet *p, struct zygote_event *ev)
{
	if (p->len != sizeof(ev->worker.id) || p->nfds != 2)
		return false;
	memcpy(&ev->worker.id, p->body, sizeof(ev->worker.id));
	if (ev->worker.id.pid <= 0)
		return false;
	ev->worker.sock = packet_steal(p, 0);
	ev->worker.pidfd = packet_steal(p, 1);
	ev->kind = ZYGOTE_WORKER;
	return true;
}

static bool
take_exit(const struct packet *p, struct zygote_event *ev)
{
	if (p->len != sizeof(ev->exit))
		return false;
	memcpy(&ev->exit, p->body, sizeof(ev->exit));
	ev->kind = ZYGOTE_EXIT;
	return true;
}

/* Make an event of a packet; kind stays NOTHING for one that is only logged. False: it breaks the
 * protocol. */
static bool
take(struct zygote *z, struct packet *p, struct zygote_event *ev)
{
	const char *words;

	switch (p->op) {
	case PROTO_LOADING:
	case PROTO_LOG:
		words = packet_words(p);
		say(z, p->op == PROTO_LOG ? LOGLV_NOTICE : LOGLV_INFO, words, strlen(words));
		return true;
	case PROTO_FOUND:
		return take_found(z, p, ev);
	case PROTO_CHECKED:
		ev->kind = ZYGOTE_CHECKED;
		return !z->ready && p->len == 0;
	case PROTO_READY:
		return take_ready(z, p, ev);
	case PROTO_FAILED:
		set_text(ev, z->ready ? ZYGOTE_NO_WORKER : ZYGOTE_FAILED, packet_words(p));
		return true;
	case PROTO_WORKER:
		return z->ready && take_worker(p, ev);
	case PROTO_EXIT:
		return take_exit(p, ev);
	default:
		return false;
	}
}

void
zygote_next(struct zygote *z, struct zygote_event *ev)
{
	struct packet p;

	ev->kind = ZYGOTE_NOTHING;
	while (ev->kind == ZYGOTE_NOTHING) {
		switch (packet_recv(z->sock, z->buf, &p)) {
		case PACKET_NONE:
			return;
		case PACKET_CLOSED:
			set_text(ev, ZYGOTE_LOST, "it closed its socket");
			return;
		case PACKET_BAD:
			/* At our limit of open files the kernel drops them: the zygote is well, and
			 * the worker ends because nobody holds its socket. */
			if (p.short_of_fds)
				set_text(ev, ZYGOTE_NO_WORKER,
				    "its descriptors were lost: too many open files");
			else
				set_text(ev, ZYGOTE_LOST, p.bad);
			return;
		case PACKET_OK:
			if (!take(z, &p, ev))
				set_text(ev, ZYGOTE_LOST, "protocol: unexpected packet");
			packet_drop(&p);
		}
	}
}

bool
zygote_fork(struct zygote *z)
{
	return packet_send(z->sock, PROTO_FORK, ++z->seq, NULL, 0, NULL, 0);
}

bool
zygote_order(struct zygote *z, enum proto_op op)
{
	return packet_send(z->sock, (uint16_t)op, z->seq, NULL, 0, NULL, 0);
}

void
zygote_dismiss(struct zygote *z)
{
	fd_close(&z->sock);
}

void
zygote_kill(struct zygote *z)
{
	pidfd_send_signal(z->pidfd, SIGKILL, NULL, 0);
}

bool
zygote_ended(struct zygote *z, int *status)
{
	pid_t pid = waitpid(z->pid, status, WNOHANG);

	/* ECHILD: somebody else has reaped it; what it ended with is not known. */
	if (pid < 0 && errno == ECHILD)
		*status = 0;
	return pid == z->pid || (pid < 0 && errno == ECHILD);
}

void
zygote_free(struct zygote **z)
{
	if (!*z)
		return;
	zygote_read_output(*z);
	fd_close(&(*z)->sock);
	fd_close(&(*z)->pidfd);
	fd_close(&(*z)->output);
	g_string_free((*z)->line, TRUE);
	g_free((*z)->log);
	g_clear_pointer(z, g_free);
}
