/*
 * syscalls - the system calls that a worker keeps
 *
 * Part of the sandbox: see there.
 */
#ifndef AVM_SCANNER_SYSCALLS_H
#define AVM_SCANNER_SYSCALLS_H

#include <glib.h>
#include <stdbool.h>

/*
 * From here on any other system call, and any mapping that could be executed, kills the process. In
 * sanitizer builds it is only logged by the kernel. False and *err when the filter cannot be
 * loaded.
 */
bool	 syscalls_restrict(GError **err);

#endif
