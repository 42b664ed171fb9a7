/*
 * program - run a program, with its time and its output bounded
 *
 * Started by posix_spawn(): no shell, no fork of this process, an environment of PATH and LANG alone, /dev/null as input, one
 * pipe for both outputs, a process group of its own. When it has ended, or its time is over, the whole group is killed:
 * nothing of it stays behind. What it writes beyond output_max is read and thrown away, so that it never blocks.
 *
 * Diagnostics: none are logged.
 * Threads:     any, many at once.
 */
#ifndef AVM_BASE_PROGRAM_H
#define AVM_BASE_PROGRAM_H

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/deadline.h"

struct program {
	char	*const *argv;		/* argv[0] is an absolute path; NULL at the end */
	const char *directory;		/* to run in */
	size_t	 output_max;
};

enum program_end {
	PROGRAM_EXITED,		/* number = its exit code */
	PROGRAM_SIGNALLED,	/* number = the signal that ended it */
	PROGRAM_TIMEOUT,	/* it was killed when the wait was over */
};

/*
 * Run it to its end.
 *
 * output: gets what it wrote to standard output and standard error, as it came
 * Returns: false and *err (G_FILE_ERROR) when it could not be started
 * Blocks:  no longer than the wait (and a second to see a killed one go); ticks
 */
bool	 program_run(const struct program *p, struct wait *wait, GString *output, enum program_end *end, int *number, GError **err);

#endif
