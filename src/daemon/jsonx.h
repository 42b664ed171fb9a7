/*
 * jsonx - one line for each key of a JSON object
 */
#ifndef AVM_DAEMON_JSONX_H
#define AVM_DAEMON_JSONX_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

/* Text from elsewhere may be no UTF-8: jansson then refuses it, and the key says so instead of vanishing. NULL becomes null. */
static inline void
put_text(json_t *o, const char *key, const char *text)
{
	json_t *v = text != NULL ? json_string(text) : json_null();

	json_object_set_new(o, key, v != NULL ? v : json_string("(not UTF-8)"));
}

static inline void
put_number(json_t *o, const char *key, uint64_t n)
{
	json_object_set_new(o, key, json_integer((json_int_t)n));
}

static inline void
put_real(json_t *o, const char *key, double n)
{
	json_object_set_new(o, key, json_real(n));
}

static inline void
put_bool(json_t *o, const char *key, bool yes)
{
	json_object_set_new(o, key, json_boolean(yes));
}

#endif
