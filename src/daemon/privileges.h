/*
 * privileges - who we become, and what that user may do
 *
 * Order of a start (decision 28): configuration, log, folders, sockets, secrets; then privileges_drop(); only then the
 * scanning processes, threads and connections.
 */
#ifndef AVM_DAEMON_PRIVILEGES_H
#define AVM_DAEMON_PRIVILEGES_H

#include <glib.h>
#include <stdbool.h>
#include <sys/types.h>

/* A user of the system with the groups it would have after a login. */
struct identity {
	char	*name;
	uid_t	 uid;
	gid_t	 gid;
	gid_t	*groups;
	int	 group_count;
};

/* Look up "USER" or "USER:GROUP". NULL and *err, which says how to make the user. */
struct identity *identity_find(const char *text, GError **err);
void	 identity_free(struct identity **id);

/*
 * Whom option user means for this process: as root, that user; not as root, ourselves, and any other name is an error.
 */
struct identity *identity_for_process(const char *text, GError **err);

/*
 * Become id for good, and nobody can gain anything by exec or ptrace from here on (PR_SET_NO_NEW_PRIVS, PR_SET_DUMPABLE).
 *
 * Returns: false and *err; the process must then end
 * Threads: before the first thread
 */
bool	 privileges_drop(const struct identity *id, GError **err);

/*
 * May id do that with path (R_OK | W_OK | X_OK of access(2))? Asked by a child process that has become id, when we are root.
 *
 * Returns: 0, or the errno that id would see
 * Threads: before the first thread (it forks)
 */
int	 identity_access(const struct identity *id, const char *path, int mode);

/* The first folder on the way to path (path itself not included) that id cannot pass, or NULL. The caller frees. */
char	*identity_blocked_at(const struct identity *id, const char *path);

#endif
