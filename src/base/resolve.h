/*
 * resolve - host names to addresses, with an end to the waiting
 *
 * getaddrinfo() may hang for minutes. It runs in a thread of its own that is left behind when the wait is over; at most
 * RESOLVE_MAX of them exist, so a dead name server cannot eat the process.
 */
#ifndef AVM_BASE_RESOLVE_H
#define AVM_BASE_RESOLVE_H

#include <glib.h>
#include <netdb.h>

#include "base/deadline.h"

#define RESOLVE_MAX 32

/*
 * The stream addresses of host and port.
 *
 * Returns: a list for freeaddrinfo(); NULL and *err (NET_ERROR)
 * Blocks:  until the wait's deadline, or cancel_fd (unless -1) is readable; not at all for a literal address
 */
struct addrinfo *resolve(const char *host, const char *port, int cancel_fd, struct wait *wait, GError **err);

#endif
