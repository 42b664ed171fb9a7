/*
 * sandbox - what a worker may still do once it reads bytes of a mail
 *
 * Resource limits, landlock (only the private folder exists), seccomp (a short list of system
 * calls, anything else kills the process: an error code would be turned into "clean" by libclamav,
 * facts-libraries.md D). Everything that needs files or executable memory later is opened by
 * warm_up() before the zygote forks.
 *
 * Trap: sandbox_enter() cannot be undone and holds for the calling process; it must have one
 * thread.
 */
#ifndef AVM_SCANNER_SANDBOX_H
#define AVM_SCANNER_SANDBOX_H

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

/* Bits of proto_ready.sandbox. */
enum { SANDBOX_SECCOMP = 1, SANDBOX_LANDLOCK = 2, SANDBOX_RLIMITS = 4 };
#define SANDBOX_ALL (SANDBOX_SECCOMP | SANDBOX_LANDLOCK | SANDBOX_RLIMITS)

struct sandbox {
	const char	*tmpdir;	/* the one folder that stays, readable and writable; NULL = none */
	uint64_t	 memory;	/* bytes of address space beyond what is mapped now */
	uint64_t	 file_size;	/* bytes of one file */
	unsigned	 files;		/* open descriptors */
	unsigned	 want;		/* of SANDBOX_*: what cannot be had of these is an error */
};

/* What this kernel offers. Any process. */
unsigned sandbox_offers(void);
/* Close the door behind us. False and *err when a wanted part cannot be had. */
bool	 sandbox_enter(const struct sandbox *s, GError **err);

/* Load what a scan would otherwise open by itself: time zone, OpenSSL, character sets. Once, in the
 * zygote; the caller keeps the handles as long as anybody scans, then frees them with
 * g_ptr_array_unref(). */
GPtrArray *warm_up(void);

#endif
