/*
 * console - what the commands of the control socket do
 */
#ifndef AVM_DAEMON_CONSOLE_H
#define AVM_DAEMON_CONSOLE_H

#include "control/server.h"

/* The functions take the struct server as their argument. */
extern const struct control_commands console_commands;

#endif
