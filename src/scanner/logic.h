/*
 * logic - logical signatures of which nothing was found, told from the others at once
 *
 * At the end of every layer libclamav 1.x asks for each of its logical signatures, some ten thousand,
 * whether the expression over its parts holds, and reads that expression anew with sscanf(). The
 * program's own cli_ac_chklsig() is found before the library's. Where no part that an expression names
 * was counted, and it asks for nothing but parts that were, it does not hold: that is answered here.
 * Every other question goes to the library.
 *
 * It also counts the expressions that held, whatever became of them. What a signature says about the
 * containers around a file is asked only after its expression held, so a layer in which none did is the
 * same to all signatures in any container.
 *
 * The function is no part of libclamav's public interface: only versions are trusted whose own function
 * gave the right answers when it was asked (logic_prepare()). Otherwise, and in a build with sanitizers,
 * the library is on its own. Threads: the one that loads, then the one that scans.
 */
#ifndef AVM_SCANNER_LOGIC_H
#define AVM_SCANNER_LOGIC_H

#include <stdbool.h>
#include <stdint.h>

/* What logic_held() says when nobody counts. */
#define LOGIC_UNKNOWN UINT64_MAX

/* Before signatures are loaded: put questions to the library's function. True: it can be trusted; then
 * expressions that held are counted from now on and, with shortcut, the answers are given here. */
bool	 logic_prepare(bool shortcut);
/* Expressions that held since then, or LOGIC_UNKNOWN. */
uint64_t logic_held(void);

#endif
