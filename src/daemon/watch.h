/*
 * watch - the definitions on disk: have they changed?
 *
 * inotify tells at once, where the file system tells it; a look at names, sizes and times finds what it does not (network file
 * systems). Only files that libclamav reads count. Where the folder is missing, or was replaced, the next look finds it.
 *
 * Threads: one
 * Blocks:  on the file system of the folder, so not for a thread that others wait for
 */
#ifndef AVM_DAEMON_WATCH_H
#define AVM_DAEMON_WATCH_H

#include <stdbool.h>
#include <stdint.h>

#include "base/digest.h"

struct watch;

/* What a look has found. */
struct watch_look {
	uint8_t	 print[DIGEST_LEN];	/* another one when a file is another one */
	uint64_t bytes;			/* of all files */
	unsigned files;
	int64_t	 newest;		/* time of the last change, wall clock; 0 = there is no file */
};

/* path: a folder or a file, as in option database. Never fails: without inotify only looks help. */
struct watch *watch_new(const char *path);
void	 watch_free(struct watch **w);

/* The folder of the definitions. Borrowed. */
const char *watch_folder(const struct watch *w);

/* Becomes readable when inotify has something to tell; -1: never. */
int	 watch_fd(const struct watch *w);
/* Read what it tells. True when a file of definitions is touched. */
bool	 watch_hear(struct watch *w);
/* Look at every file, and have inotify watch the folder if it does not yet. */
void	 watch_look(struct watch *w, struct watch_look *out);

#endif
