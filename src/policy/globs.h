/*
 * globs - a list of texts with * and ?, without regard to the case of ASCII letters
 *
 * As addresses: a text without @ and * is a domain or a whole address (example.com holds anybody there, root holds root); <> is the null
 * sender. file:/PATH stands for the lines of that file: one text each, # begins a comment, read when the list is made.
 * Texts without * and ? are looked up in a table, so long lists cost nothing. Immutable once made: any thread.
 */
#ifndef AVM_POLICY_GLOBS_H
#define AVM_POLICY_GLOBS_H

#include <glib.h>
#include <stdbool.h>

struct globs;

enum globs_kind { GLOBS_TEXTS, GLOBS_ADDRESSES };

/* Make a list of texts, NULL at the end. NULL and *err names the file that cannot be read. */
struct globs *globs_new(char *const *texts, enum globs_kind kind, GError **err);
void	 globs_free(struct globs **g);
bool	 globs_empty(const struct globs *g);
/* subject: an address as facts_address() gives it, or any text. */
bool	 globs_match(const struct globs *g, const char *subject);

/* One pattern: * any bytes, ? one. Both in the same case. */
bool	 glob_match(const char *pattern, const char *subject);

#endif
