/*
 * events - what an administrator may want to be told at once: one call for every floor
 *
 * Whoever notices something of these kinds calls event_raise() in the place of log_err() or log_notice(): the line goes to the
 * log, is counted, and is handed to the listener, if there is one. The listener is who sends alerts; it decides by kind
 * (alert.on), holds back what repeats (alert.interval) and does the sending in a thread of its own.
 *
 * Who raises what (one event for one cause; what lasts is raised again only when it has ended in between):
 *	crash		a scanning process died, was ended for breaking the protocol, failing its self-test or overstepping its time;
 *			a zygote was lost. Not: retired, replaced, stopped
 *	startup		avmilter serves
 *	shutdown	avmilter ends, asked to
 *	update		other definitions are in use than before (not at the start)
 *	update_error	definitions could not be fetched or loaded, or are older than definitions_max_age
 *	load_exceeded	more messages wait for a scanner than queue_max
 *
 * Diagnostics: the line itself, at the level of its kind.
 * Threads:     every function here, any thread.
 * Locks:       call it with no lock held: it logs.
 */
#ifndef AVM_BASE_EVENTS_H
#define AVM_BASE_EVENTS_H

#include <stdint.h>

#include "base/auto.h"

enum event_kind {
	EVENT_CRASH = 0,
	EVENT_STARTUP,
	EVENT_SHUTDOWN,
	EVENT_UPDATE,
	EVENT_UPDATE_ERROR,
	EVENT_LOAD_EXCEEDED,
	EVENT_COUNT
};

/* "crash", "startup", "shutdown", "update", "update_error", "load_exceeded": the words of alert.on and log.kinds. */
const char *event_name(enum event_kind kind);

/* Something of this kind has happened: log it, count it, tell the listener. The text is one line, fit for a log: bytes from
 * outside have passed log_esc(). */
void	 event_raise(enum event_kind kind, const char *fmt, ...) PRINTF(2, 3);

/* From now on only kinds whose bit (1 << kind) is in mask are logged; counted and told they are all the same. All at the start. */
void	 event_log_only(unsigned mask);

/* How many there were since the start of the process. */
uint64_t event_raised(enum event_kind kind);

/*
 * Gets every event from the moment of event_listen() on. text is borrowed for the time of the call.
 *
 * Threads: any, several at once; must not block (put it into a queue) and must not raise an event itself
 */
typedef void event_listener(void *arg, enum event_kind kind, const char *text);

/* There is one listener; NULL takes it away. On return no call of the one before is under way any more. */
void	 event_listen(event_listener *fn, void *arg);

#endif
