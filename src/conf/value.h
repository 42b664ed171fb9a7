/*
 * value - numbers, times, sizes, modes and booleans as they are written, and back
 *
 * Strict: no sign, no blank, no octal or hexadecimal surprise; nothing that is not zero becomes zero. Each value_x() returns
 * false and leaves *out alone when the text is none.
 */
#ifndef AVM_CONF_VALUE_H
#define AVM_CONF_VALUE_H

#include <stdbool.h>
#include <stdint.h>

/* 10, 010: ten. */
bool	 value_number(const char *text, uint64_t *out);
/* 1.5h, 90s, 250ms, bare = seconds; milliseconds. */
bool	 value_time(const char *text, uint64_t *out);
/* 10M, 1.5g, 4096; bytes. */
bool	 value_size(const char *text, uint64_t *out);
/* 0660, 660: always octal. */
bool	 value_mode(const char *text, uint64_t *out);

/* The shortest way to write it exactly; free with g_free(). */
char	*value_time_text(uint64_t ms);
char	*value_size_text(uint64_t bytes);

#endif
