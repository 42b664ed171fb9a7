/*
 * web - control.http: which pages there are, and their coming and going with the configuration
 *
 * Mail goes before numbers: an address that cannot be used is an error in the log, and the next reload tries again.
 *
 * Threads: the main thread
 */
#ifndef AVM_DAEMON_WEB_H
#define AVM_DAEMON_WEB_H

struct conf;
struct server;

/* Serve what this configuration asks for: begin, go on, move to another address, or end. */
void	 web_apply(struct server *s, const struct conf *conf);
/* Before what the pages tell of goes. */
void	 web_stop(struct server *s);

#endif
