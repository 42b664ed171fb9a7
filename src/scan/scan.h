/*
 * scan - from a sealed message to one verdict
 *
 * Decompose, plan (which engine sees which object), scan, join. Each planned pair of engine and
 * object has a slot whose verdict starts UNKNOWN, and the join runs over all slots: a slot that was
 * forgotten makes the message class error.
 */
#ifndef AVM_SCAN_SCAN_H
#define AVM_SCAN_SCAN_H

#include <glib.h>
#include <stdbool.h>

#include "base/deadline.h"
#include "engine/engine.h"
#include "message/message.h"
#include "verdict/verdict.h"

struct conf;

/* What one engine contributed. */
struct scan_part {
	char *title;
	char *definitions; /* "27980", or NULL = not known */
	enum verdict_class cls;
};

/* One object that was scanned, for the log (log.kinds = file_scan). */
struct scan_file {
	char *label;
	char *name; /* of the strongest finding, or NULL */
	enum verdict_class cls;
};

/* What a scan tells besides the verdict: for header, log line and statistics. */
struct scan_result {
	struct verdict verdict;
	unsigned objects;  /* examined, the message included */
	unsigned ignored;  /* findings that a whitelist let go; they are no longer in the verdict */
	unsigned left_out; /* not examined because the configuration says so */
	const char *cache; /* "hit", "miss", "off": static */
	char *engines;     /* "clamav" or "a,b": titles that took part */
	char *definitions; /* "27980", or "a:27980,b:1" */
	GPtrArray *parts;  /* of struct scan_part *, one for each engine that was asked, in order */
	GPtrArray *files;  /* of struct scan_file *, in order; NULL unless file_scan is logged, or when the
			    * verdict on the whole message was known */
	/* "filters" when the configuration leaves out every object, so that nothing was examined;
	 * else NULL. The verdict is then unknown, class error: whoever lets such a mail pass does
	 * it by this word, as Skipped (decision 31). */
	const char *skipped;
	/* What was found was taken out of the mail that is delivered: X-Virus-Status says Repaired. */
	bool repaired;
	/* What judged it, engines, options and definitions, as one digest: for seals. Known only
	 * when all of the plan was scanned with definitions that are known. */
	bool plan_known;
	uint8_t plan[DIGEST_LEN];
};

/* An empty one; what it held before is not looked at. */
void	 scan_result_begin(struct scan_result *r);
void	 scan_result_clear(struct scan_result *r);
/* The findings have changed: the engines' shares follow. */
void	 scan_result_share(struct scan_result *r);
/* Definitions of the engine with that title, or NULL. Borrowed. */
const char *scan_result_definitions(const struct scan_result *r, const char *title);

/*
 * Scan one sealed message with the engines of a snapshot.
 *
 * Returns: through *out, always filled: verdict.states is never 0
 * Threads: any, many at once
 * Blocks:  until the verdict is there or the wait's deadline is over; ticks meanwhile
 */
void	 scan_message(const struct conf *conf, struct engines *engines, struct workers *workers,
                  const struct message *m, struct wait *wait, struct scan_result *out);

/*
 * What would judge this message now, as scan_result.plan has it. False when that is not known: definitions that are not
 * told, or a configuration that keeps no verdicts.
 */
bool	 scan_plan_now(const struct conf *conf, struct engines *engines, const struct message *m, uint8_t plan[DIGEST_LEN]);

#endif
