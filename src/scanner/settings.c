#include "scanner/settings.h"

#include <string.h>

#include "verdict/evasion.h"

#define FLAGS_ALL    (((uint64_t)PROTO_LOGIC_SHORTCUT << 1) - 1)
#define DEPTH_MAX    90 /* libclamav nests at most 100, and needs some levels for itself */
#define SIZE_LIMIT   (UINT64_C(1) << 40)
#define TIME_MS_MAX  (24u * 3600 * 1000)
#define FILES_MAX    UINT32_MAX
#define AC_DEPTH_MAX 16

static bool
refuse(GError **err, const char *what)
{
	g_set_error(err, G_FILE_ERROR, G_FILE_ERROR_INVAL,
	    "settings from avmilter: %s; do avmilter and avmilter-scanner come from "
	    "one build?",
	    what);
	return false;
}

static bool
is_path(const char path[PROTO_PATH_MAX])
{
	return memchr(path, '\0', PROTO_PATH_MAX) != NULL && path[0] == '/';
}

bool
settings_check(const struct proto_settings *s, GError **err)
{
	if (s->flags & ~FLAGS_ALL)
		return refuse(err, "unknown flags");
	if (s->max_extract_size == 0 || s->max_extract_size > SIZE_LIMIT)
		return refuse(err, "max_extract_size");
	if (s->max_cumulative_extract_size == 0 || s->max_cumulative_extract_size > SIZE_LIMIT)
		return refuse(err, "max_cumulative_extract_size");
	if (s->max_file_count > FILES_MAX)
		return refuse(err, "max_file_count");
	if (s->max_extract_time_ms == 0 || s->max_extract_time_ms > TIME_MS_MAX)
		return refuse(err, "max_extract_time");
	if (s->max_extract_depth == 0 || s->max_extract_depth > DEPTH_MAX)
		return refuse(err, "max_extract_depth");
	if (s->header_max == 0 || s->header_max > SIZE_LIMIT)
		return refuse(err, "header_max");
	if (s->evasion & ~EVASION_ALL)
		return refuse(err, "paranoid_codes");
	if (s->memory_max > SIZE_LIMIT)
		return refuse(err, "memory_max");
	if (s->ac_depth > AC_DEPTH_MAX)
		return refuse(err, "ac_depth");
	if (!is_path(s->scratch))
		return refuse(err, "scratch_base is no absolute path");
	if ((s->flags & PROTO_ENGINE) && !is_path(s->database))
		return refuse(err, "database is no absolute path");
	return true;
}
