/*
 * notify - tell systemd how we are (Type=notify); silent without systemd
 */
#ifndef AVM_DAEMON_NOTIFY_H
#define AVM_DAEMON_NOTIFY_H

#include <stdint.h>

void	 notify_ready(const char *status);
void	 notify_reloading(void);
void	 notify_stopping(void);
/* Half of WatchdogSec in milliseconds, 0 = no watchdog; and the sign of life for it. */
int64_t	 notify_watchdog_ms(void);
void	 notify_alive(void);

/* "systemd" or "no systemd", for -V. */
const char *notify_feature(void);

#endif
