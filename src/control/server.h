/*
 * server - the daemon's end of the control socket
 *
 * One thread accepts, each connection has a thread of its own, at most 16 at a time. What a command does is a function of
 * the daemon, handed over in a table with one field for each row of commands.def; who may ask for it is decided here.
 */
#ifndef AVM_CONTROL_SERVER_H
#define AVM_CONTROL_SERVER_H

#include <glib.h>
#include <jansson.h>
#include <stdbool.h>
#include <sys/types.h>

struct control;

/* Send a line of progress before the answer. */
typedef void control_say(void *arg, const char *text);

/* One request. Everything is borrowed. */
struct control_request {
	char *const	*words;		/* the command and its arguments, NULL at the end */
	int		 fd;		/* descriptor that came along, or -1 */
	bool		 may_act;	/* root or the daemon's own user */
	uid_t		 uid;		/* of who asks, as the kernel says; (uid_t)-1 = it does not */
	control_say	*say;		/* for commands that take long; never NULL */
	void		*say_arg;
};

/* The answer as a JSON object (owned by the caller), or NULL and *err. Many threads at once. */
typedef json_t *control_fn(void *arg, const struct control_request *rq, GError **err);

struct control_commands {
#define COMMAND(name, right, args, help) control_fn *name;
#include "control/commands.def"
#undef COMMAND
};

/* Over a bound and listening unix socket, which it takes; path is removed at the end. */
struct control *control_new(int fd, const char *path);
/* Start to serve; commands and arg must outlive control_free(). False and *err. After the giving up of root's rights. */
bool	 control_start(struct control *c, const struct control_commands *commands, void *arg, GError **err);
/* End all connections, wait for what is under way, close, remove the socket. Accepts NULL. */
void	 control_free(struct control **c);

#endif
