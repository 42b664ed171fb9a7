/*
 * fsx - the few things we do with files, done completely or reported
 *
 * Errors carry the path, the step and strerror(), in the domain of GIO-less GLib: G_FILE_ERROR.
 */
#ifndef AVM_BASE_FSX_H
#define AVM_BASE_FSX_H

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/* Write or read everything at an offset, through EINTR and short counts. fsx_pread_all() fails on an early end of file. */
bool	 fsx_pwrite_all(int fd, const void *data, size_t len, off_t at, GError **err);
bool	 fsx_pread_all(int fd, void *data, size_t len, off_t at, GError **err);

/* An open file without a name in dir (O_TMPFILE, or made and unlinked at once), mode 0600, close on exec. -1 and *err. */
int	 fsx_unnamed(const char *dir, GError **err);

/* A folder of ours: made with mode when its parent exists and it does not; an existing one is left as it is. */
bool	 fsx_folder(const char *path, mode_t mode, GError **err);

/* Remove a folder and all that is in it, never following a link and never leaving it. Missing is fine. */
bool	 fsx_remove_tree(const char *path, GError **err);

/* Set *err from errno: "PATH: step: strerror". Always returns false. */
bool	 fsx_fail(GError **err, const char *path, const char *step);

#endif
