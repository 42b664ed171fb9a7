/*
 * streams - fflush(3) and fclose(3) as libclamav calls them
 *
 * libclamav writes the parts of a mail through stdio and asks neither function whether the last
 * block got onto the disk: on a full one it scans a shorter file and says "clean" (measured,
 * 1.4.6). The program's own functions are found before the C library's, so a loss becomes a
 * complaint, and the scan FAILED.
 */
#include <dlfcn.h>
#include <errno.h>
#include <glib.h>
#include <stdio.h>
#include <string.h>

#include "scanner/complaint.h"

#define VISIBLE __attribute__((visibility("default")))

typedef int closer(FILE *);

static void
complain(void)
{
	int saved = errno;
	g_autofree char *text =
	    g_strdup_printf("a temporary file could not be written: %s", g_strerror(saved));

	complaint_raise(text);
	errno = saved;
}

/* Declared here too: the C library's declaration carries attributes of its own. */
VISIBLE int fflush(FILE *f);
VISIBLE int fclose(FILE *f);

int
fflush(FILE *f)
{
	int rc = fflush_unlocked(f);

	if (rc != 0 || (f && ferror(f)))
		complain();
	return rc;
}

int
fclose(FILE *f)
{
	void *next = dlsym(RTLD_NEXT, "fclose");
	bool bad = ferror(f) != 0;
	closer *real;

	g_assert(next);
	memcpy(&real, &next, sizeof real);
	int rc = real(f);
	if (bad || rc != 0)
		complain();
	return rc;
}
