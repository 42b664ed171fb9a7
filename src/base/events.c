/* events - see events.h */
#include "base/events.h"

#include <glib.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>

#include "base/log.h"

static const struct {
	const char *name;
	enum log_level level;
} kinds[EVENT_COUNT] = {
	[EVENT_CRASH] = { "crash", LOGLV_ERR },
	[EVENT_STARTUP] = { "startup", LOGLV_NOTICE },
	[EVENT_SHUTDOWN] = { "shutdown", LOGLV_NOTICE },
	[EVENT_UPDATE] = { "update", LOGLV_NOTICE },
	[EVENT_UPDATE_ERROR] = { "update_error", LOGLV_ERR },
	[EVENT_LOAD_EXCEEDED] = { "load_exceeded", LOGLV_ERR },
};

/* Of the process, like the log that it stands beside: every floor speaks to it. */
static struct {
	atomic_uint_fast64_t raised[EVENT_COUNT];
	atomic_uint silent; /* bits of kinds that are not logged */
	pthread_rwlock_t lock;
	event_listener *fn; /* under lock */
	void *arg;          /* under lock */
} events = { .lock = PTHREAD_RWLOCK_INITIALIZER };

const char *
event_name(enum event_kind kind)
{
	return kinds[kind].name;
}

void
event_raise(enum event_kind kind, const char *fmt, ...)
{
	g_autofree char *text = NULL;
	va_list ap;

	va_start(ap, fmt);
	text = g_strdup_vprintf(fmt, ap);
	va_end(ap);
	if (!(atomic_load(&events.silent) & 1u << kind))
		log_msg(kinds[kind].level, "%s", text);
	atomic_fetch_add(&events.raised[kind], 1);
	pthread_rwlock_rdlock(&events.lock);
	if (events.fn != NULL)
		events.fn(events.arg, kind, text);
	pthread_rwlock_unlock(&events.lock);
}

void
event_log_only(unsigned mask)
{
	atomic_store(&events.silent, ~mask);
}

uint64_t
event_raised(enum event_kind kind)
{
	return atomic_load(&events.raised[kind]);
}

void
event_listen(event_listener *fn, void *arg)
{
	pthread_rwlock_wrlock(&events.lock);
	events.fn = fn;
	events.arg = arg;
	pthread_rwlock_unlock(&events.lock);
}
