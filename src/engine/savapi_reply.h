/*
 * savapi_reply - the grammar of SAVAPI's answers, and what they mean
 *
 * A line is three digits, a blank and a text. An answer to SCAN is any number of lines that go on (310, 4xx) and one that
 * ends it. Text of an alert:
 *
 *	310 a.zip --> b.exe <<< Eicar-Test-Signature ; virus ; Contains code of the Eicar-Test-Signature virus
 *
 * Clean is 200 or 210 without an alert before it, or 319 behind lines that are all mere notes. Encrypted, limits other than
 * time, and busy have no code.
 */
#ifndef AVM_ENGINE_SAVAPI_REPLY_H
#define AVM_ENGINE_SAVAPI_REPLY_H

#include <stdbool.h>

#include "verdict/verdict.h"

#define SAVAPI_LINES_MAX 4096	/* of one answer */

/* Where an answer stands; zero-initialise. */
struct savapi_answer {
	unsigned lines;
	unsigned notes;		/* lines that say nothing against the object */
};

/*
 * Take one line of the answer to SCAN.
 *
 * label, title: of the object and of the engine
 * where:        "engine TITLE: SERVER: reply", for texts
 * Returns:      true when the answer is over; v then has a state. A finding stands in v as soon as it was read.
 */
bool	 savapi_take(struct savapi_answer *a, const char *line, const char *label, const char *title, const char *where,
	    struct verdict *v);

/* The value of "100 KEY:value", inside of line; NULL when it is anything else. */
const char *savapi_value(const char *line, const char *key);
/* The code of a line, 0 when it is none. */
unsigned savapi_code(const char *line);

#endif
