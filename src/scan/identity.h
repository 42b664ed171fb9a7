/*
 * identity - what a verdict depends on besides the content: engines, their options, their definitions
 */
#ifndef AVM_SCAN_IDENTITY_H
#define AVM_SCAN_IDENTITY_H

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/digest.h"
#include "engine/engine.h"

struct conf;

/* Every option that may change a verdict. All of antivirus and of the engine sections count but those that are listed, in
 * identity.c, as having to do with places, waiting or what is done with a verdict. Costs about 0.1 ms. */
void	 identity_options(const struct conf *conf, uint8_t out[DIGEST_LEN]);

/* How an engine's verdicts may be kept. */
enum keeping {
	KEEP_NEVER = 0,		/* they depend on more than the content, or its servers differ */
	KEEP_A_WHILE,		/* it does not tell its definitions */
	KEEP,			/* under its tag */
};

/* The tag of what e scans with: of the newest definitions that are known. *tag is "" but for KEEP; the caller frees. */
enum keeping identity_tag(struct engine *e, char **tag);
/* The tag of an engine that scans inside a worker of that generation. The caller frees. */
char	*identity_generation_tag(const uint8_t generation[DIGEST_LEN]);

/* What the engine is: kind and title. The caller frees. */
char	*identity_engine(const struct engine *e);

/* Engines that are told about the envelope may judge by it: then it goes into options, so that only messages with the same
 * envelope (as far as it is told) share a verdict. */
void	 identity_envelope(const struct engines *engines, const struct message *m, uint8_t options[DIGEST_LEN]);

/* The plan of a message: options, active engines in order, tags[i] of the i-th engine of the set. */
void	 identity_plan(const struct engines *engines, const uint8_t options[DIGEST_LEN], const GPtrArray *tags,
	    uint8_t out[DIGEST_LEN]);

#endif
