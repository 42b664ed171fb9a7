/*
 * socket - the sockets that we listen on: where, whose, and what to write into the MTA's configuration
 */
#ifndef AVM_DAEMON_SOCKET_H
#define AVM_DAEMON_SOCKET_H

#include <glib.h>
#include <stdbool.h>
#include <sys/types.h>

#include "base/endpoint.h"
#include "conf/conf.h"
#include "daemon/privileges.h"

enum socket_error {
	SOCKET_E_BUSY,		/* somebody listens there: exit code EX_UNAVAILABLE */
	SOCKET_E_FAILED,
};
#define SOCKET_ERROR socket_error_quark()
GQuark	 socket_error_quark(void);

/* The group that option socket_group means: "auto" = postfix, else smmsp, else -1 (none). False and *err for an unknown name. */
bool	 socket_group(const char *option, gid_t *gid, GError **err);

/*
 * Make the way free: the socket's folder exists (made 0750 for owner and group when its parent does), and a socket that
 * nobody listens on is removed.
 *
 * Returns: false and *err; SOCKET_E_BUSY when somebody answers there
 */
bool	 socket_prepare(const struct endpoint *e, uid_t owner, gid_t group, GError **err);

/* Owner, group and mode of a fresh unix socket, which was made under umask 0777 and so was open to nobody till now. */
bool	 socket_hand_over(const char *path, uid_t owner, gid_t group, mode_t mode, GError **err);

/* A unix socket that we made, so that only this one is removed at the end and never a successor's. */
struct socket_file {
	char	*path;		/* NULL: none */
	dev_t	 dev;
	ino_t	 ino;
};

/* Open the milter socket by libmilter, prepared and handed over; remember its file. */
bool	 socket_open_milter(const struct conf *conf, const struct identity *owner, struct socket_file *file, GError **err);
/* Remove the file if it is still ours; libmilter does so only when it is not root. */
void	 socket_file_remove(struct socket_file *file);

/* Open and bind a listening unix socket of our own (control). -1 and *err. */
int	 socket_open_unix(const char *path, uid_t owner, gid_t group, mode_t mode, GError **err);

/* Lines for the operator: what to write into main.cf and sendmail.mc, and why Postfix cannot get there, if so. */
void	 socket_advice(const struct conf *conf, GPtrArray *notes, GPtrArray *warnings);

#endif
