/* whitelist_line - see whitelist_line.h */
#include "policy/whitelist_line.h"

#include <string.h>

#include "base/regex.h"
#include "policy/globs.h"

#define BLANKS     " \t"
#define SHA256_LEN 64

void
whitelist_entry_free(void *p)
{
	struct whitelist_entry *e = p;

	g_free(e->name);
	regex_free(&e->regex);
	g_free(e->engine);
	globs_free(&e->from);
	globs_free(&e->to);
	g_free(e->sha256);
	g_free(e);
}

/* What stands between the delimiter at *p and the next one, which a backslash hides; *p ends behind
 * it. keep: the backslash stays, unless it hid the delimiter. NULL: there is no next one. */
static char *
delimited(const char **p, bool keep)
{
	const char stop = **p, *s = *p + 1;
	GString *out = g_string_new("");

	for (; *s && *s != stop; s++) {
		if (*s == '\\' && s[1]) {
			if (keep && s[1] != stop)
				g_string_append_c(out, *s);
			s++;
		}
		g_string_append_c(out, *s);
	}
	if (!*s) {
		g_string_free(out, TRUE);
		return NULL;
	}
	*p = s + 1;
	return g_string_free(out, FALSE);
}

static bool
parse_regex(const char *text, struct whitelist_entry *e, char **why)
{
	g_autoptr(GError) err = NULL;

	if (*text && (e->regex = regex_new(text, &err)))
		return true;
	*why = g_strdup_printf("/%s/: %s", text, err ? err->message : "write a regex in between");
	return false;
}

/* The name or regex at *p. */
static bool
parse_name(const char **p, struct whitelist_entry *e, char **why)
{
	g_autofree char *text = NULL;
	const bool regex = **p == '/', quoted = **p == '"';

	if (regex || quoted) {
		text = delimited(p, regex);
		if (text && **p && !strchr(BLANKS, **p))
			g_clear_pointer(&text, g_free);
		if (!text) {
			*why = g_strdup(regex ? "a regex ends with / and a blank; a / in it is \\/"
					      : "a quoted name ends with \" and a blank");
			return false;
		}
	} else {
		const size_t n = strcspn(*p, BLANKS);

		text = g_strndup(*p, n);
		*p += n;
	}
	if (regex)
		return parse_regex(text, e, why);
	if (*text && !strchr(text, '=')) {
		e->name = g_steal_pointer(&text);
		return true;
	}
	if (quoted && *text) {
		e->name = g_steal_pointer(&text);
		return true;
	}
	*why = g_strdup("a line begins with the name of a signature, or a regex as in /^PUA[.]/");
	return false;
}

static bool
parse_until(const char *value, struct whitelist_entry *e)
{
	g_autofree char *iso = g_strdup_printf("%sT00:00:00Z", value);
	g_autoptr(GDateTime) begin =
	    strlen(value) == strlen("YYYY-MM-DD") ? g_date_time_new_from_iso8601(iso, NULL) : NULL;
	g_autoptr(GDateTime) end = begin ? g_date_time_add_days(begin, 1) : NULL;

	if (end)
		e->ends = g_date_time_to_unix(end);
	return end != NULL;
}

static bool
parse_sha256(const char *value, struct whitelist_entry *e)
{
	e->sha256 = g_ascii_strdown(value, -1);
	return strlen(value) == SHA256_LEN && strspn(e->sha256, "0123456789abcdef") == SHA256_LEN;
}

static bool
parse_glob(const char *value, struct globs **to)
{
	char *list[] = { (char *)(uintptr_t)value, NULL };

	if (!g_str_has_prefix(value, "file:"))
		*to = globs_new(list, GLOBS_ADDRESSES, NULL);
	return *to != NULL;
}

/* KEY=VALUE. */
static bool
parse_condition(const char *word, struct whitelist_entry *e, char **why)
{
	const char *eq = strchr(word, '='), *value = eq ? eq + 1 : "";
	const size_t n = eq ? (size_t)(eq - word) : 0;
	bool ok = false, twice = false;

#define IS(key) (n == strlen(key) && memcmp(word, key, n) == 0)
	if (!*value)
		ok = false;
	else if (IS("engine"))
		ok = !(twice = e->engine != NULL) && (e->engine = g_strdup(value));
	else if (IS("from"))
		ok = !(twice = e->from != NULL) && parse_glob(value, &e->from);
	else if (IS("to"))
		ok = !(twice = e->to != NULL) && parse_glob(value, &e->to);
	else if (IS("sha256"))
		ok = !(twice = e->sha256 != NULL) && parse_sha256(value, e);
	else if (IS("until"))
		ok = !(twice = e->ends != INT64_MAX) && parse_until(value, e);
#undef IS
	if (!ok)
		*why = g_strdup_printf("\"%s\"%s; write engine=TITLE, from=GLOB, to=GLOB, "
				       "sha256=64 hexadecimal digits or until=YYYY-MM-DD",
		    word, twice ? " is there twice" : "");
	return ok;
}

static bool
parse_conditions(const char *p, struct whitelist_entry *e, char **why)
{
	for (p += strspn(p, BLANKS); *p && *p != '#'; p += strspn(p, BLANKS)) {
		const size_t n = strcspn(p, BLANKS);
		g_autofree char *word = g_strndup(p, n);

		if (!parse_condition(word, e, why))
			return false;
		p += n;
	}
	return true;
}

bool
whitelist_line(const char *line, struct whitelist_entry **out, char **why)
{
	struct whitelist_entry *e;
	const char *p = line + strspn(line, BLANKS);

	*out = NULL;
	if (!*p || *p == '#')
		return true;
	for (const char *c = p; *c; c++)
		if (*c != '\t' && g_ascii_iscntrl(*c)) {
			*why = g_strdup("a control character");
			return false;
		}
	e = g_new0(struct whitelist_entry, 1);
	e->ends = INT64_MAX;
	if (!parse_name(&p, e, why) || !parse_conditions(p, e, why)) {
		whitelist_entry_free(e);
		return false;
	}
	*out = e;
	return true;
}

char *
whitelist_quote(const char *name)
{
	GString *s;

	if (*name && !strpbrk(name, BLANKS "\"/#=\\"))
		return g_strdup(name);
	s = g_string_new("\"");
	for (; *name; name++) {
		if (*name == '"' || *name == '\\')
			g_string_append_c(s, '\\');
		g_string_append_c(s, *name);
	}
	g_string_append_c(s, '"');
	return g_string_free(s, FALSE);
}
