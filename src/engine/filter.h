/*
 * filter - which parts an engine's section wants to see: scan_text_mime, scan_image_mime, mime_parts_filter_regex,
 * mime_parts_filter_ext, extension_list
 *
 * One word that asks for a part is enough; what cannot be decided (a regex at its bound, an archive whose names nobody reads) asks for
 * it too. A section without filters wants everything.
 */
#ifndef AVM_ENGINE_FILTER_H
#define AVM_ENGINE_FILTER_H

#include <glib.h>
#include <stdbool.h>

#include "message/candidates.h"

struct conf_engine;
struct filter;

/* Compile. NULL and *err says which option is wrong. conf must outlive it. */
struct filter *filter_new(const struct conf_engine *conf, GError **err);
void	 filter_free(struct filter **f);

/* False: every part is wanted, and nobody need look for candidates. */
bool	 filter_chooses(const struct filter *f);
/* Does the section want a part with these? */
bool	 filter_wants(const struct filter *f, const struct candidates *c);

#endif
