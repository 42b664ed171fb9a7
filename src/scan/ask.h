/*
 * ask - scans of one message that somebody asks for by name: a script, the console
 *
 * Besides the scan that every mail gets, and with engines that are asked by nobody else (enabled = passive). What is known of other
 * messages is used, and remembered, as there.
 *
 * Threads: the session's own
 */
#ifndef AVM_SCAN_ASK_H
#define AVM_SCAN_ASK_H

#include "message/object.h"
#include "scan/scan.h"

struct lease;

/* Everything but the last three fields is borrowed and set by the caller. */
struct ask {
	const struct conf *conf;
	struct engines	*engines;
	struct workers	*workers;	/* or NULL */
	const struct message *message;
	struct wait	*wait;
	struct lease	*lease;		/* the worker that holds the message, or NULL */
	struct objects	*objects;
	struct verdict	 apart;		/* how far it could be taken apart */
};

void	 ask_clear(struct ask *a);

/* What the message consists of; the first is the message. Borrowed until the next ask_*(). NULL and *err. */
const struct objects *ask_objects(struct ask *a, GError **err);

/* Scan the whole message: with one engine, or with e NULL those that every message is shown to. out as of scan_message(). */
void	 ask_scan(struct ask *a, struct engine *e, struct scan_result *out);
/* Scan one object by its id; filters do not count. The same. */
void	 ask_scan_part(struct ask *a, uint32_t id, struct engine *e, struct scan_result *out);

/* The set with one engine more that is asked like the active ones, or with it alone; borrows everything. */
struct asked {
	struct engines	 set;
	GPtrArray	*copies;
};
void	 asked_one(struct asked *to, const struct engines *all, const struct engine *e);
/* All of them, the passive ones too. */
void	 asked_all(struct asked *to, const struct engines *all);
void	 asked_clear(struct asked *to);

#endif
