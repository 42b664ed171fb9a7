/*
 * action - what can be done with a mail, ordered by strictness
 */
#ifndef AVM_VERDICT_ACTION_H
#define AVM_VERDICT_ACTION_H

#include <stdbool.h>

enum action {
#define ACTION(id, word, help) ACTION_##id,
#include "verdict/actions.def"
#undef ACTION
	ACTION_COUNT
};

const char *action_name(enum action a);
bool	 action_parse(const char *word, enum action *out);
/* The one that holds when both are asked for: reject > quarantine > redirect > discard > tempfail > repair > pass. */
enum action action_stricter(enum action a, enum action b);

#endif
