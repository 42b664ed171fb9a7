/*
 * action - names and order of what can be done with a mail
 */
#include "verdict/action.h"

#include <string.h>

static const char *const words[] = {
#define ACTION(id, word, help) [ACTION_##id] = word,
#include "verdict/actions.def"
#undef ACTION
};

const char *
action_name(enum action a)
{
	return (unsigned)a < ACTION_COUNT ? words[a] : "?";
}

bool
action_parse(const char *word, enum action *out)
{
	for (unsigned i = 0; i < ACTION_COUNT; i++)
		if (strcmp(words[i], word) == 0) {
			*out = (enum action)i;
			return true;
		}
	return false;
}

enum action
action_stricter(enum action a, enum action b)
{
	return a > b ? a : b;
}
