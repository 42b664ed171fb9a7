/*
 * proto_script - what avmilter and a script process (avmilter-scanner --script) say to each other
 *
 * Packets of proto.h on descriptor PROTO_ZYGOTE_FD of the process, one message at a time:
 *	front: SCRIPT (struct proto_script + path, NUL) with one descriptor: the source, sealed
 *	process: SCRIPT_READY (struct proto_script_ready) or FAILED text; then, for each message:
 *	front: CALL (struct proto_call) with one descriptor: a bundle
 *	process: any number of
 *		LOG text			what the script says to the log
 *		ASK (struct proto_ask + title of an engine or "", NUL)
 *		    front: ANSWER (struct proto_answer) with one descriptor: a bundle
 *	process, when the hooks have returned: any number of
 *		SET (name, NUL, value, NUL; the value is left out to unset it)
 *		OUTCOME (struct proto_outcome + text, NUL)
 *	then DONE (no body), or, instead of all these, FAILED text: nothing that the script has said counts.
 * The front believes nothing but words that it knows; the process ends when its socket closes, and is killed when it is out of time.
 *
 * A bundle is a tree of values as bytes, mapped by the process: each value is a letter, a key with a NUL ("" in a list), and
 *	s text NUL	a text
 *	n digits NUL	a whole number
 *	t, f		true, false
 *	{ values }	a table
 * and the whole is one table without key and letter: values, then }.
 */
#ifndef AVM_WORKER_PROTO_SCRIPT_H
#define AVM_WORKER_PROTO_SCRIPT_H

#include <stdint.h>

#include "worker/proto.h"

#define PROTO_SCRIPT_ARGUMENT	"--script"
#define PROTO_SCRIPT_MAX	(1024 * 1024)	/* bytes of source */
#define PROTO_SET_MAX		1024		/* variables that one call may set */
#define PROTO_SET_BYTES		4096		/* of name and value */
#define PROTO_OUTCOME_BYTES	512		/* of its text */
#define PROTO_BUNDLE_DEPTH	8

/* Bits of proto_script_ready.hooks and values of proto_call.hooks. */
enum proto_hook {
	PROTO_ON_MESSAGE	= 1u << 0,
	PROTO_ON_VERDICT	= 1u << 1,
	PROTO_ON_RECIPIENT	= 1u << 2,
};

struct proto_script {
	uint64_t memory_max;	/* bytes that a script may use */
	uint64_t time_max_ms;	/* of processor time that a call may take */
	uint64_t size;		/* of the source, never 0 */
	uint32_t require_sandbox;
	uint32_t reserved;
};

struct proto_script_ready {
	uint32_t hooks;		/* the functions that the script has */
	uint32_t sandbox;
};

struct proto_call {
	uint32_t hooks;		/* ON_MESSAGE alone, or what else is to be called */
	uint32_t reserved;
	uint64_t size;		/* of the bundle */
};

enum proto_question { PROTO_ASK_PARTS = 1, PROTO_ASK_SCAN, PROTO_ASK_PART };

struct proto_ask {
	uint32_t question;
	uint32_t part;		/* id of ASK_PART */
};

struct proto_answer {
	uint64_t size;		/* of the bundle */
};

#define PROTO_EVERYBODY UINT32_MAX

struct proto_outcome {
	uint32_t recipient;	/* its place in the list, from 0; PROTO_EVERYBODY */
	uint32_t action;	/* enum action */
	uint32_t line;		/* where the hook stands in the script */
	uint32_t reserved;
};

/* What av.scan() and av.scan_part() return first, by the name that it has in Lua. */
#define PROTO_SCAN_STATES(X)                                                                                           \
	X(CLEAN) X(INFECTED) X(UNSCANNABLE) X(ERROR) X(PART_IS_CONTAINER) X(NO_ENGINE) X(NAME_TOO_LONG) X(NOT_SUITABLE_FOR_STREAMING)

enum proto_scan_state {
#define X(name) PROTO_AV_##name,
	PROTO_SCAN_STATES(X)
#undef X
};

#endif
