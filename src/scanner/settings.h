/*
 * settings - are these settings that a scanner can work with?
 */
#ifndef AVM_SCANNER_SETTINGS_H
#define AVM_SCANNER_SETTINGS_H

#include <glib.h>
#include <stdbool.h>

#include "worker/proto.h"

/* Check every field. False and *err, which names the first bad one. */
bool	 settings_check(const struct proto_settings *s, GError **err);

#endif
