/*
 * console_alert - the command alert, and what stats says of alerts
 */
#ifndef AVM_DAEMON_CONSOLE_ALERT_H
#define AVM_DAEMON_CONSOLE_ALERT_H

#include <glib.h>
#include <jansson.h>
#include <stdatomic.h>

#include "effect/alert.h"

/* words: "test". */
json_t	*console_alert(struct alerts *a, char *const *words, const atomic_int_fast64_t *cut, GError **err);
json_t	*console_alert_stats(struct alerts *a);

#endif
