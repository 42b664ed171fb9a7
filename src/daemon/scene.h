/*
 * scene - what the daemon tells the administrator of itself: alerts with its state in them, and which events are logged
 */
#ifndef AVM_DAEMON_SCENE_H
#define AVM_DAEMON_SCENE_H

#include "daemon/server.h"

/* The alerts of this daemon, not started yet; log.kinds of the start holds from now on. */
struct alerts *scene_alerts(struct server *s);
/* Another configuration is in use. */
void	 scene_apply(struct server *s, const struct conf *conf);

#endif
