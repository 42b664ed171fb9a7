/*
 * bundle - values for a script process, as worker/proto_script.h has them
 */
#ifndef AVM_SCRIPT_BUNDLE_H
#define AVM_SCRIPT_BUNDLE_H

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

struct bundle {
	GByteArray	*bytes;
};

void	 bundle_begin(struct bundle *b);
void	 bundle_clear(struct bundle *b);

/* Add a value to the table that is open; key "" = the next of a list. A text that is NULL is left out. */
void	 bundle_text(struct bundle *b, const char *key, const char *text);
void	 bundle_number(struct bundle *b, const char *key, uint64_t n);
void	 bundle_flag(struct bundle *b, const char *key, bool flag);
/* Open a table in it, and close it. */
void	 bundle_open(struct bundle *b, const char *key);
void	 bundle_close(struct bundle *b);

/* Close the whole and put it into a sealed file. -1 and *err. */
int	 bundle_file(struct bundle *b, GError **err);
/* Any bytes in a sealed file. The same. */
int	 bundle_seal(const void *bytes, size_t len, GError **err);

#endif
