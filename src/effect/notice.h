/*
 * notice - the readable text that takes the place of a part, as a MIME part of its own
 *
 * Text: repair_notice, a file in UTF-8 with %{name} %{type} %{virus} %{engine} %{class} %{ref} %{qid} %{host}, or our own. What comes
 * from the mail or from an engine is shown without control characters and without marks that turn the direction of text.
 */
#ifndef AVM_EFFECT_NOTICE_H
#define AVM_EFFECT_NOTICE_H

#include <glib.h>

#define NOTICE_MAX (64 * 1024)	/* bytes of the file */

/* The values; NULL = "". */
struct notice_words {
	const char *name, *type, *virus, *engine, *class_name, *ref, *qid, *host;
};

/* The text of the file, or our own: "" is our own, and so is what cannot be read, which is logged. The caller frees. */
char	*notice_template(const char *file);

/* Header, empty line and text; ends with a line end, holds no line that begins with two hyphens. */
GBytes	*notice_part(const char *template, const struct notice_words *w);

/* Bytes as base64 in lines of 76, each ended by CRLF. */
GString	*notice_base64(const void *data, size_t len);

#endif
