/*
 * sssp_reply - the grammar of SSSP/1.0's answers to a scan, and what they mean
 *
 * Behind the ACC of the request: lines about files in it, one DONE, and an empty line, which alone ends an answer:
 *
 *	VIRUS EICAR-AV-Test /path/in/archive
 *	OK 0203 /path
 *	FAIL 0212 /path/of/an/encrypted/member
 *	DONE OK 0203 Virus found during virus scan
 *
 * Clean is DONE OK 0000 (or 021E, old definitions) without VIRUS, OK 0203 and FAIL before it. Instead of everything there may
 * be a REJ with a number. Busy and a missing licence have no form.
 */
#ifndef AVM_ENGINE_SSSP_REPLY_H
#define AVM_ENGINE_SSSP_REPLY_H

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#include "verdict/verdict.h"

#define SSSP_LINES_MAX 65536	/* of one answer */

/* Where an answer stands; zero-initialise. */
struct sssp_answer {
	unsigned lines;
	bool	 done;		/* DONE was read */
	bool	 done_ok;
	uint16_t done_code;
	bool	 said_infected;	/* a code said so */
	GArray	*failed;	/* of uint16_t: codes of FAIL lines, each once; NULL = none */
	bool	 stale;		/* the server calls its definitions old */
};

void	 sssp_clear(struct sssp_answer *a);

/*
 * Take one line behind ACC.
 *
 * label, title, where: as for savapi_take()
 * Returns: true when the answer is over; v then has a state. A virus stands in v as soon as it was read.
 */
bool	 sssp_take(struct sssp_answer *a, const char *line, const char *label, const char *title, const char *where,
	    struct verdict *v);

/* "ACC 5B992B5C/1" */
bool	 sssp_is_accepted(const char *line);
/* What anything else in the place of ACC means: FAILED or PARTIAL. */
void	 sssp_judge_refusal(const char *line, const char *where, struct verdict *v);
/* "key: value" split in place of a copy; false when it is not that. Both are freed by the caller. */
bool	 sssp_fact(const char *line, char **key, char **value);

#endif
