/*
 * script - the policy script of one configuration: its source, what it can do, the processes that run it
 *
 * The file is read once. Processes are started when they are needed, at most SCRIPT_PROCESSES of them, and stay; one that ran out of
 * bounds is replaced. A message has a process for as long as a hook runs.
 */
#ifndef AVM_SCRIPT_SCRIPT_H
#define AVM_SCRIPT_SCRIPT_H

#include "conf/conf.h"
#include "script/process.h"
#include "worker/proto_script.h"

#define SCRIPT_PROCESSES 32
#define LOG_LINES_MAX	 100	/* that one call, or the loading, may write */

struct script;

/*
 * Read and load the script of lua.script in a first process. scanner_path, scanner_log: as of the scanning processes; copied.
 *
 * Returns: NULL and *err, which names file and line
 * Blocks:  until it is loaded, at most some seconds
 */
struct script *script_new(const struct conf *conf, const char *scanner_path, const char *scanner_log, GError **err);
/* No message may use it. Accepts NULL. */
void	 script_free(struct script **s);

/* Has it this function? NULL has none. */
bool	 script_has(const struct script *s, enum proto_hook hook);
/* Its file name, for messages. */
const char *script_name(const struct script *s);

/* A process with the script in it, for one message. NULL and *err. Any thread. Blocks within the wait's deadline, ticking. */
struct process *script_borrow(struct script *s, struct wait *wait, GError **err);
/* Give it back; broken: it must end. */
void	 script_return(struct script *s, struct process *p, bool broken);

#endif
