/* database_files - see database_files.h */
#include "verdict/database_files.h"

#include <glib.h>
#include <string.h>

/* The extensions that cl_load() of 1.4 reads (CLI_DBEXT of its readdb.h). */
static const struct {
	const char *extension;
	enum database_kind kind;
} files[] = {
	{ "cat", DATABASE_WHOLE },
	{ "cbc", DATABASE_WHOLE },
	{ "cdb", DATABASE_LINES },
	{ "cfg", DATABASE_WHOLE },
	{ "cld", DATABASE_CONTAINER },
	{ "crb", DATABASE_LINES },
	{ "cud", DATABASE_WHOLE },
	{ "cvd", DATABASE_CONTAINER },
	{ "db", DATABASE_LINES },
	{ "fp", DATABASE_LINES },
	{ "ftm", DATABASE_LINES },
	{ "gdb", DATABASE_LINES },
	{ "hdb", DATABASE_LINES },
	{ "hdu", DATABASE_LINES },
	{ "hsb", DATABASE_LINES },
	{ "hsu", DATABASE_LINES },
	{ "idb", DATABASE_LINES },
	{ "ign", DATABASE_LINES },
	{ "ign2", DATABASE_LINES },
	{ "imp", DATABASE_LINES },
	{ "info", DATABASE_WHOLE },
	{ "ioc", DATABASE_WHOLE },
	{ "ldb", DATABASE_LINES },
	{ "ldu", DATABASE_LINES },
	{ "mdb", DATABASE_LINES },
	{ "mdu", DATABASE_LINES },
	{ "msb", DATABASE_LINES },
	{ "msu", DATABASE_LINES },
	{ "ndb", DATABASE_LINES },
	{ "ndu", DATABASE_LINES },
	{ "pdb", DATABASE_LINES },
	{ "pwdb", DATABASE_LINES },
	{ "rmd", DATABASE_LINES },
	{ "sdb", DATABASE_LINES },
	{ "sfp", DATABASE_LINES },
	{ "wdb", DATABASE_LINES },
	{ "yar", DATABASE_WHOLE },
	{ "yara", DATABASE_WHOLE },
	{ "zmd", DATABASE_LINES },
};

enum database_kind
database_kind(const char *name)
{
	const char *dot = strrchr(name, '.');

	for (size_t i = 0; dot && i < G_N_ELEMENTS(files); i++)
		if (g_ascii_strcasecmp(dot + 1, files[i].extension) == 0)
			return files[i].kind;
	return DATABASE_NONE;
}
