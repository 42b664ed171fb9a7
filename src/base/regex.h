/*
 * regex - regular expressions of the administrator on words of an attacker: PCRE2 with bounds (decision 20)
 *
 * A match may cost 10 000 steps on the first 1 KiB of the subject; what needs more is neither a yes nor a no, and whoever asks
 * takes that answer which is the safer one. Compiled once, immutable: any thread.
 */
#ifndef AVM_BASE_REGEX_H
#define AVM_BASE_REGEX_H

#include <glib.h>

struct regex;

enum regex_answer { REGEX_NO = 0, REGEX_UNKNOWN, REGEX_YES };

/* Compile. NULL and *err (G_FILE_ERROR_INVAL) says what is wrong at which byte. */
struct regex *regex_new(const char *text, GError **err);
void	 regex_free(struct regex **r);
/* The text it was made from. Borrowed. */
const char *regex_text(const struct regex *r);
/* Does it match somewhere in the subject? UNKNOWN: a bound was reached; the first time for each regex that is logged. */
enum regex_answer regex_match(const struct regex *r, const char *subject);
/* What the first group caught in the first match, the whole match if the regex has no group; NULL = no match, or a bound was
 * reached (logged as above). The caller frees. */
char	*regex_group(const struct regex *r, const char *subject);

#endif
