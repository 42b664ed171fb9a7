/*
 * page_in - what the files of the status page share
 */
#ifndef AVM_DAEMON_PAGE_IN_H
#define AVM_DAEMON_PAGE_IN_H

#include <glib.h>
#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

/* The text of the style element. */
const char *page_style(void);

/* Append text so that no browser takes any of it for markup, between tags and inside of quotes; control characters become U+FFFD. */
void	 page_esc(GString *out, const char *text);

/* The value at "a.b.c" of o, or NULL; as a number, 0 when there is none; as text, "" when there is none. */
const json_t *page_at(const json_t *o, const char *path);
int64_t	 page_number(const json_t *o, const char *path);
double	 page_real(const json_t *o, const char *path);
const char *page_text(const json_t *o, const char *path);
bool	 page_true(const json_t *o, const char *path);

/* The picture of the last 24 hours out of "history" of the overview. */
void	 page_chart(GString *out, const json_t *overview);

/* The tables below it. */
void	 page_engines(GString *out, const json_t *overview);
void	 page_findings(GString *out, const json_t *overview);
void	 page_details(GString *out, const json_t *overview);

#endif
