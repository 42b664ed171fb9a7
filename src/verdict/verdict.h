/*
 * verdict - what is known about an object or a message, and how two such facts become one
 *
 * A verdict is the set of scan states that were met, the findings, and the reasons for what is missing. Zero-initialised
 * memory means "we know nothing" and is an error, never clean. Joining is the union of sets: commutative, associative,
 * idempotent, and no join ever makes an outcome weaker (decisions 1 and 2). The first join into an empty verdict is a copy.
 *
 * One function of the whole program says clean: verdict_is_clean().
 *
 * Threads: a verdict belongs to one thread at a time; there is no lock here.
 */
#ifndef AVM_VERDICT_VERDICT_H
#define AVM_VERDICT_VERDICT_H

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/auto.h"

/* How far a scan got. */
enum scan_state {
	SCAN_UNKNOWN = 0,	/* nothing has been established */
	SCAN_FAILED,		/* tried; the engine or the transport broke */
	SCAN_PARTIAL,		/* some bytes or parts were not examined */
	SCAN_COMPLETE,		/* every byte offered was examined */
};

/* What was found, in rising strength. */
enum finding_kind {
	FINDING_NONE = 0,
	FINDING_MACRO,
	FINDING_ENCRYPTED,
	FINDING_SUSPICIOUS,
	FINDING_BLOCKED,
	FINDING_EVASION,
	FINDING_INFECTED,
};

/* What policy, header and log speak of, in the order in which the highest is shown. */
enum verdict_class {
	CLASS_CLEAN = 0,
	CLASS_MACRO,
	CLASS_ENCRYPTED,
	CLASS_SUSPICIOUS,
	CLASS_UNSCANNABLE,
	CLASS_ERROR,
	CLASS_BLOCKED,
	CLASS_EVASION,
	CLASS_INFECTED,
};
#define CLASS_COUNT (CLASS_INFECTED + 1)

enum reason {
#define REASON(id, word, help) REASON_##id,
#include "verdict/reasons.def"
#undef REASON
	REASON_COUNT
};

const char *scan_state_name(enum scan_state s);		/* "unknown" "failed" "partial" "complete" */
const char *finding_kind_name(enum finding_kind k);	/* "none" "macro" ... "infected" */
const char *verdict_class_name(enum verdict_class c);	/* "clean" ... "infected" */
bool	 verdict_class_parse(const char *name, enum verdict_class *out);
const char *reason_name(enum reason r);			/* the word of reasons.def */
enum verdict_class finding_class(enum finding_kind k);

/* One thing that an engine named. All strings are owned, printable ASCII or NULL. */
struct finding {
	enum finding_kind kind;
	char	*name;		/* signature name, sanitised */
	char	*object;	/* label of the object, inner path of archives behind it */
	char	*engine;	/* title of the engine's section */
	char	*sha256;	/* of the object, 64 hexadecimal digits; "" = the whole message, or not known */
	bool	 listed;	/* its engine named all that it knows of in the object; else more may hide behind it */
};

/* Findings kept per verdict at most; the strongest stay, of the rest the kind is kept. */
#define VERDICT_FINDINGS_MAX 64

struct verdict {
	unsigned	 states;	/* bit set of 1 << enum scan_state; 0 = unknown */
	enum reason	 partial;	/* strongest reason of a PARTIAL, else REASON_NONE */
	enum reason	 failed;	/* strongest reason of a FAILED, else REASON_NONE */
	char		*partial_why;	/* operator text for it, or NULL */
	char		*failed_why;
	GPtrArray	*partial_by;	/* of char *: titles of the engines it was, "" = none of them; NULL = not said yet */
	GPtrArray	*failed_by;	/* the same for FAILED and UNKNOWN: their own actions hold (P1) */
	GPtrArray	*findings;	/* of struct finding *, strongest first, then by name; NULL = none */
	unsigned	 kinds;		/* bit set of 1 << enum finding_kind, the findings beyond the maximum included */
	bool		 more;		/* there were findings beyond VERDICT_FINDINGS_MAX; a count could not be joined twice */
};

/* Empty what v holds and make it unknown again. Accepts zero-initialised memory; usable with AUTO(). */
void	 verdict_clear(struct verdict *v);

/* The engine examined every byte that it was offered. Findings, if any, stay. */
void	 verdict_complete(struct verdict *v);
/* The scan broke, or stopped at a limit; fmt is for the operator. Each adds to what is known already. */
void	 verdict_fail(struct verdict *v, enum reason r, const char *fmt, ...) PRINTF(3, 4);
void	 verdict_partial(struct verdict *v, enum reason r, const char *fmt, ...) PRINTF(3, 4);

/* Add a finding; equal ones are kept once. Copies its arguments; name and object are sanitised: bytes outside printable
 * ASCII become '_', name is cut at 200, object at 400. */
void	 verdict_find(struct verdict *v, enum finding_kind k, const char *name, const char *object, const char *engine);

/* The same for an object whose sha256 is known, in hexadecimal digits. */
void	 verdict_find_in(struct verdict *v, enum finding_kind k, const char *name, const char *object, const char *engine,
	    const char *sha256);
/* The findings of v that name no sha256 yet are of the object with this one. */
void	 verdict_locate(struct verdict *v, const char *sha256);

/* Add a copy of another verdict's finding; object: what it is in here, NULL = the same. */
void	 verdict_adopt(struct verdict *v, const struct finding *f, const char *object);
/* The engine looked for more behind what it found: the findings of v are all there are. */
void	 verdict_listed(struct verdict *v);
/* Is this finding to be forgotten? */
typedef bool finding_test(const struct finding *f, void *arg);
/* Take out the findings that test names; returns how many. What was not kept (more) is never forgotten. Findings that hide others
 * leave PARTIAL (hidden-by-ignored) behind, to the blame of their engine. */
unsigned verdict_forget(struct verdict *v, finding_test *test, void *arg);

/* Whatever in v is not COMPLETE and has nobody to blame yet was the engine of that title. */
void	 verdict_blame(struct verdict *v, const char *engine);

/* Join v into *into. A v that knows nothing adds SCAN_UNKNOWN: a forgotten scan cannot disappear. */
void	 verdict_join(struct verdict *into, const struct verdict *v);

/* True only for "every state met is COMPLETE, at least one was met, nothing was found". The one place in the program
 * where a mail becomes clean. */
bool	 verdict_is_clean(const struct verdict *v);

/* The weakest state met. */
enum scan_state verdict_state(const struct verdict *v);
/* The highest class of all items. */
enum verdict_class verdict_class(const struct verdict *v);
/* Bit set of 1 << enum verdict_class: every finding's class, plus unscannable, plus error; CLASS_CLEAN alone if clean. */
unsigned verdict_items(const struct verdict *v);
/* The strongest finding, or NULL. Borrowed. */
const struct finding *verdict_top(const struct verdict *v);
/* The reason word and text behind class error or unscannable, by that class; "" and NULL if there is none. Borrowed. */
const char *verdict_reason(const struct verdict *v, enum verdict_class c);
const char *verdict_why(const struct verdict *v, enum verdict_class c);

#endif
