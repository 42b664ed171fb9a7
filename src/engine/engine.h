/*
 * engine - the contract between us and whatever looks for viruses
 *
 * An engine file (engine_NAME.c) holds wire grammar and the mapping of answers to verdicts, nothing else. Connecting,
 * retry, fail-over, balancing, limits, caching, counting and logging happen outside it, once, for all engines. A new
 * engine is one file, one line in engines.def, and its dialogues under tests/.
 *
 * A verdict arrives UNKNOWN. The engine calls verdict_complete() only when the whole answer equals the form that
 * says so; anything it does not understand is verdict_fail(REASON_PROTOCOL).
 */
#ifndef AVM_ENGINE_ENGINE_H
#define AVM_ENGINE_ENGINE_H

#include <glib.h>
#include <stdbool.h>

#include "base/deadline.h"
#include "message/message.h"
#include "message/object.h"
#include "verdict/action.h"
#include "verdict/verdict.h"

struct conf;
struct conf_engine;
struct conn;		/* one connection to a server of the pool; NULL for local engines */
struct engine;
struct filter;
struct lane;
struct lease;
struct memory;
struct probe;
struct score;
struct threadpool;
struct upstream;
struct workers;

enum {
	ENGINE_CAP_LOCAL	= 1u << 0,	/* needs no server */
	ENGINE_CAP_WORKER	= 1u << 1,	/* scans inside the worker that decomposed the message */
	ENGINE_CAP_STREAM	= 1u << 2,
	ENGINE_CAP_FD		= 1u << 3,
	ENGINE_CAP_PATH		= 1u << 4,
	ENGINE_CAP_TEST		= 1u << 5,	/* refused outside test mode */
	ENGINE_CAP_PARALLEL	= 1u << 7,	/* in process, but each scan waits for something of its own */
	ENGINE_CAP_PROBED	= 1u << 6,	/* a server gets no object before a probe has told what it can */
};

/* What one scan is about. Everything is borrowed for the length of the call. */
struct scan_request {
	const struct message	*message;
	const struct objects	*objects;
	const struct object	*object;
	const char		*label;		/* object_label() */
	struct lease		*lease;		/* the worker that holds the message, or NULL */
	struct wait		*wait;		/* the engine's own deadline is cut in already */
	/*
	 * Optional replacement content: NULL = nobody wants it. Else an engine that has repaired the object, as it says of
	 * everything that it found, puts it there; the caller owns it. That it is clean is for the caller to find out.
	 */
	GBytes			**cured;
};

struct engine_ops {
	const char	*name;		/* the section's word in the configuration */
	const char	*summary;	/* one line for -V, the console and the manual */
	unsigned	 caps;
	const char	*default_port;	/* NULL: no network */
	const char	*tls_port;	/* of a tls: or ...s:// address without a port; NULL: the same */

	/* Once per section, before threads start. May read files, must not connect. Optional. */
	bool	(*init)(struct engine *e, GError **err);
	/*
	 * Scan one object over one borrowed connection. Many threads at once. Must give v a state; must not outlive
	 * rq->wait's deadline. Leaves conn reusable or marks it spoilt.
	 */
	void	(*scan)(struct engine *e, struct conn *conn, const struct scan_request *rq, struct verdict *v);
	/* What the definitions are called now: "27980" or the like, for header and log; NULL = not known. The caller frees. */
	char	*(*definitions)(struct engine *e);
	void	(*fini)(struct engine *e);

	/*
	 * For engines on the network, all optional; conn->wire has begun an exchange under its own deadline.
	 */
	/* A connection has come up: greeting and set-up. False and *err (NET_ERROR): it is closed. */
	bool	(*greet)(struct engine *e, struct conn *conn, GError **err);
	/* A connection that is in order is about to be closed: say so, wait for nothing. */
	void	(*goodbye)(struct engine *e, struct conn *conn);
	/* Ask a server for limits, definitions, licence. v COMPLETE = out is filled; FAILED = this server cannot serve now. */
	void	(*probe)(struct engine *e, struct conn *conn, struct probe *out, struct verdict *v);
};

struct engine {
	const struct engine_ops	*ops;
	const struct conf_engine *conf;		/* the section, inheritance resolved; lives with the set */
	const char		*title;		/* conf->title */
	struct workers		*workers;	/* for ENGINE_CAP_WORKER */
	struct engine		*inner;		/* of engine_fault: the one it wraps; owned */
	struct upstream		*upstream;	/* of engines on the network: their servers; owned */
	struct threadpool	*pool;		/* who serves it (P7); of the set */
	struct score		*score;		/* what it has done, also under earlier configurations; of the process */
	struct filter		*filter;	/* which parts it wants; owned */
	struct lane		*gate;		/* max_concurrency; NULL = the pool decides; owned */
	const struct conf	*all;		/* the whole configuration; lives with the set */
	void			*data;		/* the engine's own */
	bool			 asked;		/* a copy that stands for an engine where it was asked for by name (scan/ask.h) */
};

/* What an engine can and needs; of engine_fault what the wrapped one can and needs. */
unsigned engine_caps(const struct engine *e);
/* What its section says should happen with that class: the answer to a finding of its own (P1). */
enum action engine_class_action(const struct conf_engine *e, enum verdict_class c);
/* What its definitions are called now, letters, digits and ._+/- only; NULL = not known. The caller frees. */
char	*engine_definitions(struct engine *e);

/* All engines of one configuration snapshot, in the order of the file. */
struct engines {
	GPtrArray	*list;	/* of struct engine *; without those that are disabled or wrapped by an engine_fault */
	struct conf	*conf;	/* a reference: sections live as long as their engines */
	struct memory	*memory; /* what scans with them remember (scan/memory.h), borrowed; NULL = nothing */
	GPtrArray	*pools;	/* of struct threadpool *: every section threadpool, CPU and IO */
};

/* One that is asked only where another failed. */
bool	 engine_is_backup(const struct engine *e);
/* True for engines that every message is handed to; backups and passive ones wait until somebody asks for them. */
bool	 engine_is_active(const struct engine *e);

/* Build the engines of a configuration. workers may be NULL when no engine needs one. test_mode admits null, fake and fault.
 * NULL and *err names section, file and line. Main thread. */
struct engines *engines_new(const struct conf *conf, struct workers *workers, bool test_mode, GError **err);
void	 engines_free(struct engines **set);

/* The one with that title, or NULL. */
struct engine *engines_find(const struct engines *set, const char *title);

/* Begin to probe servers, and warn of clear text to other hosts. Once, when threads and connections are allowed; without it an
 * engine begins with its first object. */
void	 engines_start(struct engines *set);

/* The row of engines.def with this name, or NULL. */
const struct engine_ops *engine_ops_find(const char *name);

/* May objects of one message be handed to it by several threads at once? Else the session's own thread asks it. */
bool	 engine_is_parallel(const struct engine *e);

/* A part of a message that e has examined with the whole, and is not asked about: count it. */
void	 engine_covered(struct engine *e);

/* Wait for a turn (max_concurrency, then the pool's), then scan through e under its own timeout, which begins there; fills v, never
 * leaves it UNKNOWN without a reason. Any thread. */
void	 engine_scan(struct engine *e, const struct scan_request *rq, struct verdict *v);

#endif
