/*
 * grammar - the strict forms of the header fields that a fingerprint may leave out
 *
 * Every function is total and pure. The grammar_* of one field see a flat value: folds are blanks, outer blanks are gone, and
 * grammar_flatten() has admitted its characters.
 */
#ifndef AVM_SCAN_GRAMMAR_H
#define AVM_SCAN_GRAMMAR_H

#include <stdbool.h>
#include <stddef.h>

/*
 * Unfold a value as received into flat.
 *
 * Returns: false when it does not fit (size counts the NUL), holds a character other than letters, digits, blanks and
 *          . , : ; @ < > ( ) [ ] _ + = / -, a line that is blank or begins with "--", a line end that is not a fold, the token
 *          "content-" in any case, or "://"
 */
bool	 grammar_flatten(const char *value, char *flat, size_t size);

bool	 grammar_msgid(const char *s);		/* <left@right> */
bool	 grammar_path(const char *s);		/* <> or <local@domain> */
bool	 grammar_date(const char *s);		/* RFC 5322 3.3, with at most one comment */
bool	 grammar_received(const char *s);	/* clauses with comments; date */
bool	 grammar_tags(const char *s);		/* RFC 6376 3.2: the tags of DKIM and ARC, each once */
bool	 grammar_results(const char *s);	/* RFC 8601 2.2 behind i=N; */

#endif
