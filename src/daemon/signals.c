/* signals - see signals.h */
#include "daemon/signals.h"

#include <errno.h>
#include <signal.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

#include "base/deadline.h"
#include "base/log.h"
#include "daemon/notify.h"

/* How often the main thread looks around: always, and while a reload waits for its workers. */
#define TICK_MS      1000
#define TEND_TICK_MS 100

static void
wanted(sigset_t *set)
{
	sigemptyset(set);
	sigaddset(set, SIGHUP);
	sigaddset(set, SIGUSR1);
	sigaddset(set, SIGTERM);
	sigaddset(set, SIGINT);
}

void
signals_block(void)
{
	sigset_t set;

	wanted(&set);
	pthread_sigmask(SIG_BLOCK, &set, NULL);
	signal(SIGPIPE, SIG_IGN);
	/* Whoever started us may ignore it, which outlives execve(2): no exit status of a child would be known. */
	signal(SIGCHLD, SIG_DFL);
	signal(SIGUSR2, SIG_IGN);
}

void
server_ask_reload(void)
{
	kill(getpid(), SIGHUP);
}

static int
next_signal(int64_t ms)
{
	const struct timespec t = { .tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000 };
	sigset_t set;
	int sig;

	wanted(&set);
	sig = sigtimedwait(&set, NULL, &t);
	return sig < 0 ? 0 : sig;
}

int
signals_loop(struct server *s)
{
	const int64_t watchdog = notify_watchdog_ms();
	bool tending = false;

	for (;;) {
		const int64_t tick = tending ? TEND_TICK_MS : TICK_MS;

		switch (next_signal(watchdog > 0 ? MIN(tick, watchdog) : tick)) {
		case SIGHUP:
		case SIGUSR1:
			server_reload(s);
			break;
		case SIGTERM:
			server_stop(s, true);
			return EX_OK;
		case SIGINT:
			server_stop(s, false);
			return EX_OK;
		default:
			break;
		}
		if (watchdog > 0)
			notify_alive();
		tending = server_tend(s);
		if (atomic_load(&s->milter_ended)) {
			log_err("libmilter has stopped serving although nobody asked for it; "
				"ending, so that I am started anew");
			server_stop(s, true);
			return EX_SOFTWARE;
		}
	}
}
