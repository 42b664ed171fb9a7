/*
 * folders - the folders of ours that must be there and writable
 */
#ifndef AVM_DAEMON_FOLDERS_H
#define AVM_DAEMON_FOLDERS_H

#include "conf/conf.h"
#include "daemon/privileges.h"

/* Make what is missing (mode 0700, P36) and give it to owner when we are root. False and *err. */
bool	 folders_make(const struct conf *conf, const struct identity *owner, GError **err);

/* What would go wrong: one line for each folder. Makes nothing. */
void	 folders_check(const struct conf *conf, const struct identity *owner, GPtrArray *errors);

#endif
