/* process - see process.h */
#include "script/process.h"

#include <inttypes.h>
#include <string.h>
#include <sys/random.h>
#include <sys/wait.h>
#include <time.h>

#include "worker/proto_script.h"

#define WALL_FACTOR  10 /* times time_max, for one that uses no time */
#define LOOK_MIN_MS  5  /* between two looks at its clock */
#define END_MS       10000
#define LAST_WORD_MS 1000 /* from the end of its socket to its own */

G_DEFINE_QUARK(avm_script_error, script_error)

static bool
fail(GError **err, const char *what)
{
	g_set_error(err, SCRIPT_ERROR, 0, "the script process %s", what);
	return false;
}

/* Milliseconds of processor time that it has used; it is alive or a zombie. */
static int64_t
cpu_ms(const struct process *p)
{
	struct timespec ts;
	clockid_t clock;

	if (clock_getcpuclockid(p->z->pid, &clock) != 0 || clock_gettime(clock, &ts) != 0)
		return 0;
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

struct process *
process_start(const char *scanner_path, const char *scanner_log, int64_t time_max_ms, GError **err)
{
	struct zygote *z = zygote_spawn(scanner_path, scanner_log, PROTO_SCRIPT_ARGUMENT, err);
	struct process *p;

	if (z == NULL)
		return NULL;
	p = g_new0(struct process, 1);
	p->z = z;
	p->time_max_ms = time_max_ms;
	return p;
}

void
process_end(struct process **p)
{
	const struct deadline dl = deadline_in(END_MS);
	int status = 0;

	if (*p == NULL)
		return;
	zygote_kill((*p)->z);
	for (;;) {
		struct pollfd ended = { .fd = (*p)->z->pidfd, .events = POLLIN };

		if (poll(&ended, 1, (int)deadline_left(dl)) != 0 || deadline_passed(dl))
			if (zygote_ended((*p)->z, &status) || deadline_passed(dl))
				break;
	}
	zygote_free(&(*p)->z);
	g_clear_pointer(p, g_free);
}

bool
process_idle(const struct process *p)
{
	return packet_quiet(p->z->sock);
}

bool
process_answer(
    struct process *p, enum proto_op op, const void *body, size_t len, int fd, GError **err)
{
	return packet_send(p->z->sock, op, p->z->seq, body, len, &fd, fd >= 0 ? 1 : 0) ||
	    fail(err, "has ended");
}

/* Numbers in order could be answered ahead, and the answer would wait for the next message. */
static uint32_t
other_number(uint32_t last)
{
	uint32_t n = last;

	while (n == last) {
		const ssize_t got = getrandom(&n, sizeof(n), 0);

		g_assert(got == (ssize_t)sizeof(n));
	}
	return n;
}

bool
process_request(
    struct process *p, enum proto_op op, const void *body, size_t len, int fd, GError **err)
{
	p->z->seq = other_number(p->z->seq);
	p->cpu_begin_ms = cpu_ms(p);
	p->wall_ms = 0;
	p->heard = false;
	p->gone = !process_answer(p, op, body, len, fd, err);
	return !p->gone;
}

/* How it ended, for the log; it closed its socket. */
static bool
tell_end(struct process *p, struct wait *wait, GError **err)
{
	struct pollfd ended = { .fd = p->z->pidfd, .events = POLLIN };
	struct wait soon = wait_until(wait, deadline_in(LAST_WORD_MS));
	char how[ENDING_TEXT_MAX];
	int status = 0;

	(void)wait_poll(&soon, &ended, 1);
	wait->next_tick_ms = soon.next_tick_ms;
	if (!zygote_ended(p->z, &status))
		return fail(err, "has closed its socket");
	g_set_error(err, SCRIPT_ERROR, 0, "the script process ended: %s", ending_text(status, how));
	return false;
}

bool
process_in_time(const struct process *p, const struct wait *wait, GError **err)
{
	const int64_t used = cpu_ms(p) - p->cpu_begin_ms;

	if (used >= p->time_max_ms || p->wall_ms >= p->time_max_ms * WALL_FACTOR) {
		g_set_error(err, SCRIPT_ERROR, 0,
		    "the script was killed: time_max = %" PRId64 " ms is used up", p->time_max_ms);
		return false;
	}
	if (deadline_passed(wait->dl) ||
	    (wait->cut != NULL && now_ms() >= atomic_load(wait->cut))) {
		g_set_error(
		    err, SCRIPT_ERROR, 0, "the script was killed: the time of the message is over");
		return false;
	}
	return true;
}

/* Wait until something can be read. */
static bool
await(struct process *p, struct wait *wait, GError **err)
{
	for (;;) {
		struct pollfd fd = { .fd = p->z->sock, .events = POLLIN };
		const int64_t used = cpu_ms(p) - p->cpu_begin_ms, began = now_ms();
		const int64_t left = MAX(p->time_max_ms - used, LOOK_MIN_MS);
		struct wait step = wait_until(wait, deadline_in(left));
		const int n = wait_poll(&step, &fd, 1);

		wait->next_tick_ms = step.next_tick_ms;
		p->wall_ms += now_ms() - began;
		if (n > 0)
			return true;
		if (!process_in_time(p, wait, err))
			return false;
	}
}

bool
process_receive(struct process *p, struct wait *wait, struct packet *out, GError **err)
{
	for (;;) {
		if (!await(p, wait, err))
			return false;
		zygote_read_output(p->z);
		switch (packet_recv(p->z->sock, p->z->buf, out)) {
		case PACKET_NONE:
			continue;
		case PACKET_CLOSED:
			p->gone = !p->heard;
			return tell_end(p, wait, err);
		case PACKET_BAD:
			g_set_error(err, SCRIPT_ERROR, 0,
			    "the script process sent a broken packet: %s", out->bad);
			return false;
		case PACKET_OK:
			break;
		}
		packet_drop(out);
		p->heard |= out->seq == p->z->seq;
		if (out->seq == p->z->seq)
			return true;
		p->late = true;
		if (!process_in_time(p, wait, err))
			return false;
	}
}
