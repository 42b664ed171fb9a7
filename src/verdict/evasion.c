#include "verdict/evasion.h"

#include <glib.h>
#include <string.h>

static const struct {
	const char *name;
	unsigned level;
	const char *help;
} codes[] = {
#define EVASION(id, level, help) { #id, level, help },
#include "verdict/evasion.def"
#undef EVASION
};

const char *
evasion_name(enum evasion e)
{
	return (unsigned)e < EVASION_COUNT ? codes[e].name : "?";
}

const char *
evasion_help(enum evasion e)
{
	return (unsigned)e < EVASION_COUNT ? codes[e].help : "";
}

unsigned
evasion_level(enum evasion e)
{
	return (unsigned)e < EVASION_COUNT ? codes[e].level : 0;
}

/* The codes that a word without its minus stands for; 0 = none. */
static uint64_t
bits_of(const char *word)
{
	uint64_t bits = 0;

	for (unsigned e = 0; e < EVASION_COUNT; e++)
		if (strcmp(word, codes[e].name) == 0 ||
		    (word[0] == 'P' && word[1] == (char)('0' + codes[e].level) && word[2] == '\0'))
			bits |= UINT64_C(1) << e;
	return bits;
}

bool
evasion_select(const char *word, uint64_t *set)
{
	bool minus = *word == '-';
	uint64_t bits = bits_of(word + minus);

	if (minus)
		*set &= ~bits;
	else
		*set |= bits;
	return bits != 0;
}
