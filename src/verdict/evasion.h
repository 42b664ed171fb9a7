/*
 * evasion - the codes of paranoid mode
 *
 * What makes mail look as if it were built to mislead scanners. A set of codes is a bit set of EVASION_BIT().
 */
#ifndef AVM_VERDICT_EVASION_H
#define AVM_VERDICT_EVASION_H

#include <stdbool.h>
#include <stdint.h>

enum evasion {
#define EVASION(id, level, help) EVASION_##id,
#include "verdict/evasion.def"
#undef EVASION
	EVASION_COUNT
};

#define EVASION_BIT(id) (UINT64_C(1) << EVASION_##id)
#define EVASION_ALL	((UINT64_C(1) << EVASION_COUNT) - 1)

const char *evasion_name(enum evasion e);	/* CODE, as in paranoid_codes */
const char *evasion_help(enum evasion e);
unsigned evasion_level(enum evasion e);		/* 1 or 2 */
/* One element of paranoid_codes: P1, P2, CODE or -CODE. Changes *set accordingly; false if there is no such code. */
bool	 evasion_select(const char *word, uint64_t *set);

#endif
