/*
 * page - the status page: one overview (numbers.h) as HTML for people
 *
 * Everything is in the page itself: a style, whose hash the policy names, a picture made of SVG, no script. Names of viruses,
 * queue ids and whatever else comes from outside are escaped; addresses of mails are not shown.
 *
 * Threads: any
 */
#ifndef AVM_DAEMON_PAGE_H
#define AVM_DAEMON_PAGE_H

#include <glib.h>
#include <jansson.h>

/* The page. overview is borrowed; what is missing in it is left out. The caller frees. */
GString *page_html(const json_t *overview);

/* The Content-Security-Policy that fits it. The caller frees. */
char	*page_policy(void);

#endif
