/* notify - see notify.h */
#include "daemon/notify.h"

#ifdef HAVE_SYSTEMD
#include <glib.h>
#include <inttypes.h>
#include <systemd/sd-daemon.h>

void
notify_ready(const char *status)
{
	sd_notifyf(0, "READY=1\nSTATUS=%s", status);
}

void
notify_reloading(void)
{
	sd_notifyf(0, "RELOADING=1\nMONOTONIC_USEC=%" PRId64, g_get_monotonic_time());
}

void
notify_stopping(void)
{
	sd_notify(0, "STOPPING=1\nSTATUS=finishing the mail in hand");
}

int64_t
notify_watchdog_ms(void)
{
	uint64_t us = 0;

	return sd_watchdog_enabled(0, &us) > 0 ? (int64_t)(us / 2000) : 0;
}

void
notify_alive(void)
{
	sd_notify(0, "WATCHDOG=1");
}

const char *
notify_feature(void)
{
	return "systemd";
}
#else
void
notify_ready(const char *status)
{
	(void)status;
}

void
notify_reloading(void)
{
}

void
notify_stopping(void)
{
}

int64_t
notify_watchdog_ms(void)
{
	return 0;
}

void
notify_alive(void)
{
}

const char *
notify_feature(void)
{
	return "no systemd";
}
#endif
