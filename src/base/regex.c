/* regex - see regex.h */
#include "base/regex.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>
#include <stdatomic.h>
#include <string.h>

#include "base/log.h"

#define STEPS_MAX   10000
#define DEPTH_MAX   1000
#define SUBJECT_MAX 1024

struct regex {
	char *text;
	pcre2_code *code;
	pcre2_match_context *bounds;
	atomic_bool *complained; /* of its own, so that the rest can be const */
};

struct regex *
regex_new(const char *text, GError **err)
{
	PCRE2_UCHAR why[128];
	PCRE2_SIZE at;
	int code;
	pcre2_code *compiled =
	    pcre2_compile((PCRE2_SPTR)text, PCRE2_ZERO_TERMINATED, 0, &code, &at, NULL);
	struct regex *r;

	if (compiled == NULL) {
		pcre2_get_error_message(code, why, sizeof(why));
		g_set_error(err, G_FILE_ERROR, G_FILE_ERROR_INVAL,
		    "'%.100s' is no regex: %s at its byte %zu", text, (const char *)why,
		    (size_t)at);
		return NULL;
	}
	r = g_new0(struct regex, 1);
	r->text = g_strdup(text);
	r->code = compiled;
	r->bounds = pcre2_match_context_create(NULL);
	g_assert(r->bounds != NULL);
	pcre2_set_match_limit(r->bounds, STEPS_MAX);
	pcre2_set_depth_limit(r->bounds, DEPTH_MAX);
	r->complained = g_new0(atomic_bool, 1);
	return r;
}

void
regex_free(struct regex **rp)
{
	struct regex *r = *rp;

	*rp = NULL;
	if (r == NULL)
		return;
	pcre2_match_context_free(r->bounds);
	pcre2_code_free(r->code);
	g_free(r->complained);
	g_free(r->text);
	g_free(r);
}

const char *
regex_text(const struct regex *r)
{
	return r->text;
}

static void
complain(const struct regex *r)
{
	if (!atomic_exchange(r->complained, true))
		log_warn("the regex '%.100s' needs more than %d steps: make it simpler; it counts "
			 "as a match where that is the stricter answer",
		    r->text, STEPS_MAX);
}

/* PCRE2's answer for the bounded subject. */
static int
match(const struct regex *r, const char *subject, pcre2_match_data *found)
{
	g_assert(found != NULL);
	return pcre2_match(
	    r->code, (PCRE2_SPTR)subject, strnlen(subject, SUBJECT_MAX), 0, 0, found, r->bounds);
}

enum regex_answer
regex_match(const struct regex *r, const char *subject)
{
	pcre2_match_data *found = pcre2_match_data_create(1, NULL);
	int rc = match(r, subject, found);

	pcre2_match_data_free(found);
	if (rc >= 0)
		return REGEX_YES;
	if (rc == PCRE2_ERROR_NOMATCH)
		return REGEX_NO;
	complain(r);
	return REGEX_UNKNOWN;
}

char *
regex_group(const struct regex *r, const char *subject)
{
	pcre2_match_data *found = pcre2_match_data_create_from_pattern(r->code, NULL);
	int rc = match(r, subject, found);
	const PCRE2_SIZE *at = pcre2_get_ovector_pointer(found);
	char *text = NULL;

	if (rc > 1 && at[2] != PCRE2_UNSET && at[3] >= at[2])
		text = g_strndup(subject + at[2], at[3] - at[2]);
	else if (rc == 1 && at[1] >= at[0])
		text = g_strndup(subject + at[0], at[1] - at[0]);
	pcre2_match_data_free(found);
	if (rc < 0 && rc != PCRE2_ERROR_NOMATCH)
		complain(r);
	return text;
}
