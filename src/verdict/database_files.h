/*
 * database_files - which files of a folder are virus definitions: one list for loading, watching and checking
 */
#ifndef AVM_VERDICT_DATABASE_FILES_H
#define AVM_VERDICT_DATABASE_FILES_H

#include <stdbool.h>

enum database_kind {
	DATABASE_NONE = 0,	/* not read by libclamav */
	DATABASE_LINES,		/* a signature a line: any part of it that ends with a line is a database too */
	DATABASE_WHOLE,		/* a text, program or unsigned container that only makes sense in one piece */
	DATABASE_CONTAINER,	/* a signed container: .cvd as a whole, .cld by the list of digests in it */
};

/* By the end of its name. */
enum database_kind database_kind(const char *name);

#endif
