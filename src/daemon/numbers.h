/*
 * numbers - what the daemon does, as JSON: the engines' part of avmilterctl stats, and the overview that top and the
 * status page are made from
 *
 * Threads: any
 */
#ifndef AVM_DAEMON_NUMBERS_H
#define AVM_DAEMON_NUMBERS_H

#include <glib.h>
#include <jansson.h>

struct server;

/* {TITLE: {"messages_checked", "parts_checked", "parts_covered", "viruses_detected", "viruses_cured", "failures",
 * "average_ms_per_message", "average_ms_per_part"}} of the engines of the configuration in use. */
json_t	*numbers_engines(struct server *s);
/* {"waiting", "threadpools": {NAME: {"places", "inside", "waiting"}}} */
json_t	*numbers_queue(struct server *s);
/* {"slot_seconds", "slot_began" (the last one, wall clock), "kinds": [...], "slots": [[...]...],
 * "findings": [{"when", "class", "action", "id", "name", "engine"}]} */
json_t	*numbers_history(struct server *s);

/* {"avmilter", "time", "status", "stats", "engines", "history"}. NULL and *err while starting or stopping. */
json_t	*numbers_overview(struct server *s, GError **err);

#endif
