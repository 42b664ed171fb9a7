/* top - see top.h */
#include "ctl/top.h"

#include <errno.h>
#include <langinfo.h>
#include <locale.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include "base/deadline.h"
#include "base/fsx.h"

#define INTERVAL_MS 2000

/* Of a pipe, and of a terminal that does not tell. */
#define WIDTH  120
#define HEIGHT 24

#define CTRL_C 3
#define CTRL_D 4

/* Alternate screen, no cursor, no wrapping; and back. */
#define ENTER      "\033[?1049h\033[?25l\033[?7l"
#define LEAVE      "\033[?7h\033[?25h\033[?1049l"
#define HOME       "\033[H"
#define CLEAR_LINE "\033[K"
#define CLEAR_REST "\033[J"

/* What a signal has to say. */
static volatile sig_atomic_t ended;

static void
on_signal(int sig)
{
	if (sig != SIGWINCH) /* that one only ends the waiting */
		ended = sig;
}

/* Signals are held back but while we wait, so that none is missed. */
static void
catch_signals(sigset_t *waiting)
{
	static const int signals[] = { SIGINT, SIGTERM, SIGHUP, SIGWINCH };
	struct sigaction sa = { .sa_handler = on_signal };
	sigset_t set;

	sigemptyset(&set);
	for (size_t i = 0; i < G_N_ELEMENTS(signals); i++) {
		sigaddset(&set, signals[i]);
		sigaction(signals[i], &sa, NULL);
	}
	sigprocmask(SIG_BLOCK, &set, waiting);
	for (size_t i = 0; i < G_N_ELEMENTS(signals); i++)
		sigdelset(waiting, signals[i]);
}

static bool
is_utf8(void)
{
	setlocale(LC_CTYPE, "");
	return strcmp(nl_langinfo(CODESET), "UTF-8") == 0;
}

static void
size_of_window(unsigned *width, unsigned *height)
{
	struct winsize ws = { 0 };

	*width = WIDTH;
	*height = HEIGHT;
	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &ws) == 0 && ws.ws_col > 0 && ws.ws_row > 0) {
		*width = ws.ws_col;
		*height = ws.ws_row;
	}
}

static void
draw(const json_t *now, const json_t *before, bool utf8)
{
	unsigned width, height;
	GString *view;

	size_of_window(&width, &height);
	/* The last line stays free, or the screen would scroll. */
	view = top_view(now, before, width, height > 1 ? height - 1 : 1, utf8);
	fputs(HOME, stdout);
	for (const char *p = view->str; *p != '\0'; p++) {
		if (*p == '\n')
			fputs(CLEAR_LINE "\r", stdout);
		putchar(*p);
	}
	fputs("q quits" CLEAR_LINE CLEAR_REST, stdout);
	fflush(stdout);
	g_string_free(view, TRUE);
}

/* Wait for a key, a signal or the next time. False: enough. */
static bool
wait_key(struct deadline dl, const sigset_t *waiting, bool *redraw)
{
	struct pollfd p = { .fd = STDIN_FILENO, .events = POLLIN };
	const int64_t left = deadline_left(dl);
	const struct timespec ts = { left / 1000, left % 1000 * 1000000 };
	const int rc = ppoll(&p, 1, &ts, waiting);
	char key = 0;

	*redraw = rc < 0; /* a signal: the window has another size */
	if (rc <= 0)
		return ended == 0 && (rc == 0 || errno == EINTR);
	if (read(STDIN_FILENO, &key, 1) <= 0)
		return false;
	return key != 'q' && key != 'Q' && key != CTRL_C && key != CTRL_D;
}

static bool
live(top_ask *ask, void *arg, const sigset_t *waiting, GError **err)
{
	const bool utf8 = is_utf8();
	json_t *before = NULL, *now;
	bool go_on = true;

	while (go_on && (now = ask(arg, err)) != NULL) {
		const struct deadline next = deadline_in(INTERVAL_MS);
		bool redraw;

		draw(now, before, utf8);
		while ((go_on = wait_key(next, waiting, &redraw)) && !deadline_passed(next))
			if (redraw)
				draw(now, before, utf8);
		json_decref(before);
		before = now;
	}
	json_decref(before);
	return !go_on;
}

static bool
once(top_ask *ask, void *arg, GError **err)
{
	json_t *now = ask(arg, err);
	GString *view;

	if (now == NULL)
		return false;
	view = top_view(now, NULL, WIDTH, 0, is_utf8());
	fputs(view->str, stdout);
	g_string_free(view, TRUE);
	json_decref(now);
	return true;
}

bool
top_run(top_ask *ask, void *arg, GError **err)
{
	struct termios was, raw;
	sigset_t waiting;
	bool ok;

	if (!isatty(STDOUT_FILENO) || tcgetattr(STDIN_FILENO, &was) != 0)
		return once(ask, arg, err);
	catch_signals(&waiting);
	raw = was;
	raw.c_lflag &= ~(tcflag_t)(ICANON | ECHO | ISIG);
	raw.c_cc[VMIN] = 1;
	raw.c_cc[VTIME] = 0;
	if (tcsetattr(STDIN_FILENO, TCSAFLUSH, &raw) != 0)
		return fsx_fail(err, "terminal", "take over");
	fputs(ENTER, stdout);
	ok = live(ask, arg, &waiting, err);
	fputs(LEAVE, stdout);
	fflush(stdout);
	tcsetattr(STDIN_FILENO, TCSAFLUSH, &was);
	return ok;
}
