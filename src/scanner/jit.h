/*
 * jit - the regular expressions of signatures as machine code
 *
 * libclamav 1.4 compiles them for PCRE2's interpreter only. The program's own pcre2_compile() and
 * pcre2_match() are found before the library's: the first adds machine code while signatures are
 * loaded, before any sandbox forbids it; the second asks the interpreter where the machine code gave up
 * at a limit of its own, so that no match is lost to it. A build with sanitizers has none of it.
 */
#ifndef AVM_SCANNER_JIT_H
#define AVM_SCANNER_JIT_H

struct jit_counts {
	unsigned compiled;	/* expressions that became machine code */
	unsigned refused;	/* that did not: the interpreter takes them */
};

/* From now on, or no longer: expressions become machine code. Begins to count anew. Threads: the one that
 * loads. */
void	 jit_begin(void);
struct jit_counts jit_end(void);

#endif
