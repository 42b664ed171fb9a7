/*
 * alert_write - from what waits in a stream to the mail
 *
 * Inside of alert; see alert.h. Threads: any.
 */
#ifndef AVM_EFFECT_ALERT_WRITE_H
#define AVM_EFFECT_ALERT_WRITE_H

#include <glib.h>
#include <stdint.h>

#include "conf/conf.h"
#include "effect/alert.h"
#include "effect/alert_streams.h"

/* Words and options of one configuration; shared, immutable. */
struct alert_settings {
	struct conf	*conf;
	struct alert_texts *texts;
	char		*from;		/* alert.from with the host in it */
	gint		 refs;
};
/* A message file that cannot be read is logged, and the built-in words hold. */
struct alert_settings *alert_settings_new(const struct conf *conf, const char *host);
struct alert_settings *alert_settings_ref(struct alert_settings *s);
void	 alert_settings_unref(struct alert_settings **s);

/* The word of alert.on, "notice" or "test". */
const char *alert_kind_name(unsigned kind);
/* Is the administrator told of this kind? */
bool	 alert_is_on(const struct alert_settings *s, unsigned kind);

/* What has just happened, as an item of a batch. The caller frees. */
char	*alert_write_event(const struct alert_settings *s, const char *text);

struct alert_about {
	const char	*host, *id;
	int64_t		 uptime_s;
	const struct alert_scene *scene;
};
/* The mail, and whom it is for (of char *, to be unref'ed). */
GString	*alert_write(const struct alert_settings *s, const struct alert_batch *b, const struct alert_about *about, GPtrArray **to);

#endif
