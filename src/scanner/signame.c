#include "scanner/signame.h"

#include <string.h>

#include "verdict/clamav_names.h"

void
signame_judge(struct verdict *v, const char *name, const char *path, bool time_used)
{
	struct clamav_meaning m = clamav_meaning(name);

	if (m.kind != FINDING_NONE)
		verdict_find(v, m.kind, name, path, NULL);
	else if (m.partial != REASON_LIMIT_TIME)
		verdict_partial(v, m.partial, "libclamav: %s", name);
	else if (time_used)
		verdict_partial(v, m.partial, "max_extract_time of processor time used up");
	else
		verdict_fail(v, REASON_TIMEOUT,
		    "max_extract_time passed while the machine was busy elsewhere");
}
