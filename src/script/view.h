/*
 * view - what a script is told: message, verdict, parts, the result of a scan
 */
#ifndef AVM_SCRIPT_VIEW_H
#define AVM_SCRIPT_VIEW_H

#include "conf/conf.h"
#include "message/context.h"
#include "message/object.h"
#include "policy/facts.h"
#include "scan/scan.h"
#include "script/bundle.h"

/* Header fields and parts that are shown; how many there are is told. */
#define VIEW_HEADERS_MAX 2000
#define VIEW_PARTS_MAX	 10000

/* Each adds one table under that key. */
void	 view_message(struct bundle *b, const char *key, const struct message *m, const struct facts *f);
void	 view_verdict(struct bundle *b, const char *key, const struct scan_result *r);
void	 view_parts(struct bundle *b, const char *key, const struct objects *objects);
void	 view_context(struct bundle *b, const char *key, const struct context *c);
void	 view_engines(struct bundle *b, const char *key, const struct engines *engines);
/* Adds what av.scan() returns: status, info, engine, code. */
void	 view_scan(struct bundle *b, const struct verdict *v);
/* And the variables of the engines that were asked, as they are in c now. */
void	 view_noted(struct bundle *b, const char *key, const struct conf *conf, const struct scan_result *r, const struct context *c);

#endif
