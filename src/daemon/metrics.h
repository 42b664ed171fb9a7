/*
 * metrics - the numbers of the daemon for Prometheus: see metrics.def
 *
 * Counters begin at 0 with the process and after avmilterctl stats reset; those of scanning processes also when a reload
 * starts others.
 */
#ifndef AVM_DAEMON_METRICS_H
#define AVM_DAEMON_METRICS_H

#include <glib.h>

struct server;

/* All of them as text. Any thread, after server_start(). The caller frees. */
GString *metrics_text(struct server *s);

#endif
