/*
 * age - dates of definitions
 */
#include "engine/age.h"

#include <glib.h>
#include <string.h>
#include <time.h>

#include "conf/conf.h"
#include "engine/engine.h"
#include "engine/upstream.h"
#include "worker/worker.h"

#define SECOND_MS   1000
#define DAY_SECONDS 86400
#define DATE_DIGITS 8
#define YEAR_FIRST  1990
#define YEAR_LAST   2099

static int64_t
made_here(struct engine *e)
{
	struct proto_ready ready;

	return e->workers != NULL && workers_ready_info(e->workers, &ready) ? ready.definitions_time
									    : 0;
}

int64_t
age_made(struct engine *e)
{
	if (e->inner != NULL)
		return age_made(e->inner);
	if (e->ops->caps & ENGINE_CAP_WORKER)
		return made_here(e);
	return e->upstream != NULL ? upstream_made(e->upstream) : 0;
}

bool
age_is_stale(struct engine *e, int64_t *days)
{
	const int64_t max = e->conf->definitions_max_age;
	const int64_t made = max > 0 ? age_made(e) : 0;
	const int64_t age = made > 0 ? (int64_t)time(NULL) - made : 0;

	*days = age / DAY_SECONDS;
	return made > 0 && age > max / SECOND_MS;
}

int64_t
age_of_name(const char *name)
{
	struct tm tm = { 0 };
	long n;

	if (strspn(name, "0123456789") != DATE_DIGITS)
		return 0;
	n = strtol(name, NULL, 10);
	tm.tm_year = (int)(n / 10000) - 1900;
	tm.tm_mon = (int)(n / 100 % 100) - 1;
	tm.tm_mday = (int)(n % 100);
	if (n / 10000 < YEAR_FIRST || n / 10000 > YEAR_LAST || tm.tm_mon < 0 || tm.tm_mon > 11 ||
	    tm.tm_mday < 1 || tm.tm_mday > 31)
		return 0;
	return timegm(&tm);
}

int64_t
age_of_text(const char *text)
{
	struct tm tm = { 0 };
	const char *end = strptime(text, "%a %b %d %H:%M:%S %Y", &tm);

	/* Local time of the server, which we do not know: a few hours do not matter here. */
	return end != NULL && (*end == '\0' || *end == '\n') ? timegm(&tm) : 0;
}
