/*
 * score - what one engine has done since the start, under all configurations
 *
 * Found by the title of its section, so that a reload goes on counting where the one before was. Scores are made once and live as
 * long as the process: there are no more of them than titles that a configuration ever had.
 *
 * Threads: any, at the same time
 */
#ifndef AVM_ENGINE_SCORE_H
#define AVM_ENGINE_SCORE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/histogram.h"
#include "verdict/verdict.h"

struct score {
	char			*title;
	atomic_uint_fast64_t	 objects[CLASS_COUNT];	/* that it was asked about, by what came of it */
	atomic_uint_fast64_t	 covered;	/* parts that it examined with the whole message, and was not asked about again */
	atomic_uint_fast64_t	 messages;	/* that it had a say in */
	atomic_uint_fast64_t	 viruses;	/* of these: it called them infected */
	atomic_uint_fast64_t	 cured;		/* of these: the message was repaired */
	struct histogram	 scan;		/* each question: from its turn to its answer */
	struct score		*next;		/* see score_first(); never changes */
};

/* The score of that engine, made when there is none. */
struct score *score_of(const char *title);
/* All of them, the latest made first; go on with ->next. NULL: none. */
struct score *score_first(void);
/* Begin anew to count. */
void	 score_reset_all(void);

/* Objects it was asked about. */
uint64_t score_asked(const struct score *s);
/* One message that it had a say in. */
void	 score_message(struct score *s, enum verdict_class said, bool repaired);

#endif
