/*
 * icap_findings - X-Violations-Found, X-Infection-Found and their many relatives
 */
#include "engine/icap_findings.h"

#include <string.h>

#include "verdict/clamav_names.h"

#define LINES_EACH 4 /* of a violation: file, name, id, disposition */
#define UNNAMED    "unknown"
/* The fourth line; "0" = nothing was done. */
#define DISPOSITION_REPAIRED "1"
#define DISPOSITION_DELETED  "2"

/* What a name or a reason means when it holds these words, compared in lower case; the first row
 * that fits holds. */
static const struct word_row {
	const char *all[2];     /* both must occur; NULL = one is enough */
	enum finding_kind kind; /* FINDING_NONE: PARTIAL(partial) */
	enum reason partial;
} word_rows[] = {
	{ { "encrypted container", NULL }, FINDING_ENCRYPTED, REASON_NONE },
	{ { "password", "protected" }, FINDING_ENCRYPTED, REASON_NONE },
	{ { "password_protected", NULL }, FINDING_ENCRYPTED, REASON_NONE },
	{ { "malformed container", NULL }, FINDING_NONE, REASON_CORRUPT },
	{ { "decode_error", NULL }, FINDING_NONE, REASON_CORRUPT },
	{ { "archive not supported", NULL }, FINDING_NONE, REASON_UNSUPPORTED },
	{ { "container size", NULL }, FINDING_NONE, REASON_LIMIT_SIZE },
	{ { "container", "depth" }, FINDING_NONE, REASON_LIMIT_DEPTH },
	{ { "container", "time" }, FINDING_NONE, REASON_LIMIT_TIME },
	{ { "max_archive_layers_exceeded", NULL }, FINDING_NONE, REASON_LIMIT_DEPTH },
	{ { "archive", "limit" }, FINDING_NONE, REASON_LIMIT_SIZE },
	{ { "file_type_blocked", NULL }, FINDING_BLOCKED, REASON_NONE },
	{ { "file_extension_blocked", NULL }, FINDING_BLOCKED, REASON_NONE },
};

/* Symantec's categories behind "| NonViralThreat="; any other is malware (interface.md P15). */
static const char *const unwanted[] = { "Adware", "Trackware", "Dialers", "Joke Programs",
	"Security Risks" };

/* Fields whose value is a name or a list of names. */
static const char *const name_fields[] = { "X-Virus-Name", "X-Virus-ID",
	"X-FSecure-Infection-Name" };
/* Fields that say why something was blocked. */
static const char *const reason_fields[] = { "X-Blocked-Reason", "X-MWG-Block-Reason",
	"X-Block-Reason" };
/* Values that mean "nothing". */
static const char *const nothing[] = { "", "-", "no threats", "none", "clean", "passed", "allowed",
	"0" };

static bool
is_nothing(const char *value)
{
	for (size_t i = 0; i < G_N_ELEMENTS(nothing); i++)
		if (g_ascii_strcasecmp(value, nothing[i]) == 0)
			return true;
	return false;
}

static const struct word_row *
find_words(const char *text)
{
	g_autofree char *low = g_ascii_strdown(text, -1);

	for (size_t i = 0; i < G_N_ELEMENTS(word_rows); i++)
		if (strstr(low, word_rows[i].all[0]) &&
		    (!word_rows[i].all[1] || strstr(low, word_rows[i].all[1])))
			return &word_rows[i];
	return NULL;
}

static bool
judge_words(const char *text, const char *label, const char *title, struct verdict *v)
{
	const struct word_row *row = find_words(text);

	if (!row)
		return false;
	if (row->kind != FINDING_NONE)
		verdict_find(v, row->kind, text, label, title);
	else
		verdict_partial(v, row->partial, "engine %s: %s: %s", title, label, text);
	return true;
}

bool
icap_judge_error(const char *code, const char *label, const char *title, struct verdict *v)
{
	bool known = judge_words(code, label, title, v);

	if (known && v->kinds != 0)
		verdict_complete(v);
	return known;
}

static bool
is_unwanted(const char *category)
{
	for (size_t i = 0; i < G_N_ELEMENTS(unwanted); i++)
		if (g_ascii_strcasecmp(category, unwanted[i]) == 0)
			return true;
	return false;
}

/* A copy in printable ASCII, for texts. */
static char *
printable(const char *s)
{
	char *out = g_strdup(s);

	for (char *p = out; *p; p++)
		if (*p < ' ' || *p > '~')
			*p = '_';
	return out;
}

void
icap_judge_name(const char *raw, const char *label, const char *title, struct verdict *v)
{
	static const char category_word[] = "NonViralThreat=";
	g_autofree char *name = printable(raw);
	char *bar = strchr(name, '|');
	const char *category = NULL;

	if (bar) {
		*bar = '\0';
		category = strstr(g_strstrip(bar + 1), category_word);
		category = category ? category + strlen(category_word) : NULL;
	}
	g_strstrip(name);
	if (category)
		verdict_find(v, is_unwanted(category) ? FINDING_SUSPICIOUS : FINDING_INFECTED,
		    name[0] ? name : UNNAMED, label, title);
	else if (g_str_has_prefix(name, "not-a-virus:"))
		verdict_find(v, FINDING_SUSPICIOUS, name, label, title);
	else if (!judge_words(name, label, title, v))
		clamav_judge(v, name[0] ? name : UNNAMED, label, title);
}

/* The same name from another field of the same answer is the same finding. */
static bool
is_known(const struct verdict *v, const char *raw)
{
	g_autofree char *name = printable(raw);

	for (guint i = 0; v->findings && i < v->findings->len; i++)
		if (strcmp(((const struct finding *)g_ptr_array_index(v->findings, i))->name,
			name) == 0)
			return true;
	return false;
}

static const char *
line_at(const GPtrArray *lines, guint i)
{
	return lines && i < lines->len ? g_ptr_array_index(lines, i) : "";
}

/* Go by the lines, not by the number: some products count wrong, some cut the list. */
static bool
take_violations(const struct icap_field *f, const char *label, const char *title, struct verdict *v)
{
	guint n = f->more ? f->more->len : 0;

	if (n == 0 && is_nothing(f->value))
		return false;
	if (n == 0)
		verdict_find(v, FINDING_INFECTED, UNNAMED, label, title);
	for (guint i = 0; i < n; i += LINES_EACH) {
		const char *file = line_at(f->more, i), *name = line_at(f->more, i + 1);
		g_autofree char *where =
		    is_nothing(file) ? g_strdup(label) : g_strdup_printf("%s/%s", label, file);

		icap_judge_name(name[0] ? name : UNNAMED, where, title, v);
	}
	return true;
}

/* The value of KEY in "Type=0; Resolution=2; Threat=name;". The caller frees; NULL = not there. */
static char *
infection_key(const char *value, const char *key)
{
	g_auto(GStrv) parts = g_strsplit(value, ";", -1);

	for (char **p = parts; *p; p++) {
		char *eq = strchr(*p, '=');

		if (!eq)
			continue;
		*eq = '\0';
		if (g_ascii_strcasecmp(g_strstrip(*p), key) == 0)
			return g_strdup(g_strstrip(eq + 1));
	}
	return NULL;
}

/* Type 0 is a virus, 1 breaks the mail policy, 2 a container that could not be examined. */
static void
take_infection(const char *value, const char *label, const char *title, struct verdict *v)
{
	g_autofree char *type = infection_key(value, "Type");
	g_autofree char *threat = infection_key(value, "Threat");
	const char *name = threat ? threat
	    : type                ? UNNAMED
				  : value; /* some servers put nothing but a name there */
	g_autofree char *shown = printable(name[0] ? name : UNNAMED);

	if (is_known(v, shown))
		return;
	if (type && strcmp(type, "1") == 0) {
		verdict_find(v, FINDING_BLOCKED, shown, label, title);
	} else if (type && strcmp(type, "2") == 0) {
		if (!judge_words(shown, label, title, v))
			verdict_partial(
			    v, REASON_UNSUPPORTED, "engine %s: %s: %s", title, label, shown);
	} else {
		icap_judge_name(shown, label, title, v);
	}
}

/* A name, or several with commas between them, perhaps in quotes. */
static bool
take_names(const char *value, const char *label, const char *title, struct verdict *v)
{
	g_auto(GStrv) names = g_strsplit(value, ",", -1);
	bool any = false;

	for (char **n = names; *n; n++) {
		char *name = g_strstrip(*n);
		size_t len = strlen(name);

		if (len >= 2 && name[0] == '"' && name[len - 1] == '"') {
			name[len - 1] = '\0';
			name++;
		}
		if (is_nothing(name))
			continue;
		any = true;
		if (!is_known(v, name))
			icap_judge_name(name, label, title, v);
	}
	return any;
}

static bool
says_blocked(const struct icap_message *m)
{
	const char *info = icap_value(m, "X-Response-Info"), *blocked = icap_value(m, "X-Blocked");
	const char *scan = icap_value(m, "X-FSecure-Scan-Result");

	return (info && g_ascii_strncasecmp(info, "blocked", strlen("blocked")) == 0) ||
	    (blocked && !is_nothing(blocked)) || (scan && !is_nothing(scan));
}

/* Something was blocked and no name was given: the reason tells what kind of thing it is. */
static void
take_block(const char *reason, const char *label, const char *title, struct verdict *v)
{
	g_autofree char *shown = printable(reason);

	if (!judge_words(shown, label, title, v))
		verdict_find(v, FINDING_INFECTED, shown, label, title);
}

static bool
take_reasons(const struct icap_message *m, const char *label, const char *title, struct verdict *v)
{
	bool any = false;

	for (size_t i = 0; i < G_N_ELEMENTS(reason_fields); i++) {
		const char *value = icap_value(m, reason_fields[i]);

		if (!value || is_nothing(value))
			continue;
		any = true;
		take_block(value, label, title, v);
	}
	if (!any && says_blocked(m)) {
		const char *text = icap_value(m, "X-Response-Desc");

		text = text ? text : icap_value(m, "X-Response-Description");
		any = true;
		take_block(text && text[0] ? text : "blocked", label, title, v);
	}
	return any;
}

bool
icap_findings(const struct icap_message *m, const char *label, const char *title, struct verdict *v)
{
	const struct icap_field *f = icap_field_find(m, "X-Violations-Found");
	const char *infection = icap_value(m, "X-Infection-Found");
	bool any = f && take_violations(f, label, title, v);

	if (infection && !is_nothing(infection)) {
		any = true;
		take_infection(infection, label, title, v);
	}
	for (size_t i = 0; i < G_N_ELEMENTS(name_fields); i++) {
		const char *value = icap_value(m, name_fields[i]);

		if (value && take_names(value, label, title, v))
			any = true;
	}
	/* Reasons only where nothing has a name yet: they would repeat it in other words. */
	return any || take_reasons(m, label, title, v);
}

bool
icap_says_cured(const struct icap_message *m)
{
	const struct icap_field *f = icap_field_find(m, "X-Violations-Found");
	const char *infection = icap_value(m, "X-Infection-Found");
	const guint n = f && f->more ? f->more->len : 0;
	g_autofree char *resolution = infection ? infection_key(infection, "Resolution") : NULL;

	for (guint i = 0; i < n; i += LINES_EACH) {
		const char *done = line_at(f->more, i + LINES_EACH - 1);

		if (strcmp(done, DISPOSITION_REPAIRED) != 0 &&
		    strcmp(done, DISPOSITION_DELETED) != 0)
			return false;
	}
	if (n > 0)
		return true;
	return !f && resolution && strcmp(resolution, DISPOSITION_REPAIRED) == 0;
}
