/*
 * stamp - our header fields as edits
 */
#include "effect/stamp.h"

#include <string.h>
#include <strings.h>

#define NAME_MAX_LEN  200
#define VALUE_MAX_LEN 900
#define MORE          ", ..."

static void
edit_free(void *p)
{
	struct edit *e = p;

	g_free(e->name);
	g_free(e->value);
	g_free(e);
}

/* Append text as it may stand in a comment (RFC 5322 3.2.2): printable ASCII, parentheses and
 * backslash escaped. */
static void
add_comment(GString *to, const char *text, size_t max)
{
	size_t begun = to->len;

	for (; *text; text++) {
		size_t need = strchr("()\\", *text) ? 2 : 1;

		if (to->len - begun + need > max)
			return;
		if (need == 2)
			g_string_append_c(to, '\\');
		g_string_append_c(to, *text < ' ' || *text > '~' ? '_' : *text);
	}
}

static const char *
status_word(enum verdict_class c)
{
	switch (c) {
	case CLASS_MACRO:
		return "Macro";
	case CLASS_ENCRYPTED:
		return "Encrypted";
	case CLASS_SUSPICIOUS:
		return "Suspicious";
	case CLASS_UNSCANNABLE:
		return "Unscannable";
	case CLASS_BLOCKED:
		return "Blocked";
	case CLASS_EVASION:
		return "Evasion";
	case CLASS_INFECTED:
		return "Infected";
	case CLASS_CLEAN:
	case CLASS_ERROR:
		break;
	}
	return "Error";
}

/* The names of the class, each once, as many as fit. */
static void
add_names(GString *to, const struct verdict *v, enum verdict_class c)
{
	const char *last = NULL;

	for (guint i = 0; v->findings && i < v->findings->len; i++) {
		const struct finding *f = g_ptr_array_index(v->findings, i);
		g_autoptr(GString) name = g_string_new("");

		/* Sorted by kind and name: equal names are neighbours. */
		if (finding_class(f->kind) != c || g_strcmp0(f->name, last) == 0)
			continue;
		add_comment(name, f->name, NAME_MAX_LEN);
		if (to->len + name->len + strlen(", " MORE ")") > VALUE_MAX_LEN) {
			g_string_append(to, MORE);
			return;
		}
		g_string_append_printf(to, "%s%s", last ? ", " : "", name->str);
		last = f->name;
	}
}

char *
stamp_status(const struct verdict *v, const char *skipped)
{
	enum verdict_class c = verdict_class(v);
	GString *s = g_string_new("");

	if (skipped) {
		g_string_append(s, "Skipped (");
		add_comment(s, skipped, NAME_MAX_LEN);
	} else if (verdict_is_clean(v)) {
		g_string_append(s, "Clean");
		return g_string_free(s, FALSE);
	} else {
		g_string_append_printf(s, "%s (", status_word(c));
		if (c == CLASS_UNSCANNABLE || c == CLASS_ERROR || c == CLASS_CLEAN)
			add_comment(s, verdict_reason(v, c), NAME_MAX_LEN);
		else
			add_names(s, v, c);
	}
	g_string_append_c(s, ')');
	return g_string_free(s, FALSE);
}

char *
stamp_repaired(const struct verdict *v)
{
	GString *s = g_string_new("Repaired (");

	add_names(s, v, verdict_class(v));
	g_string_append_c(s, ')');
	return g_string_free(s, FALSE);
}

/* "avmilter VERSION (clamav DEFINITIONS, ...) at HOST (2 objects not examined: filters)" */
char *
stamp_scanned(
    const struct conf *conf, const struct scan_result *r, const char *skipped, const char *host)
{
	const bool version = conf->header.version;
	GString *s = g_string_new(version ? "avmilter " AVM_VERSION : "avmilter");

	for (guint i = 0; !skipped && r->parts && i < r->parts->len; i++) {
		const struct scan_part *part = g_ptr_array_index(r->parts, i);

		g_string_append(s, i == 0 ? " (" : ", ");
		add_comment(s, part->title, NAME_MAX_LEN);
		if (version && part->definitions) {
			g_string_append_c(s, ' ');
			add_comment(s, part->definitions, NAME_MAX_LEN);
		}
	}
	if (!skipped && r->parts && r->parts->len > 0)
		g_string_append_c(s, ')');
	if (conf->header.host && host[0]) {
		g_string_append(s, " at ");
		add_comment(s, host, NAME_MAX_LEN);
	}
	if (!skipped && r->left_out > 0)
		g_string_append_printf(s, " (%u object%s not examined: filters)", r->left_out,
		    r->left_out == 1 ? "" : "s");
	if (s->len > VALUE_MAX_LEN)
		g_string_truncate(s, VALUE_MAX_LEN);
	return g_string_free(s, FALSE);
}

static void
delete_all(GPtrArray *edits, const struct message *m, const char *name)
{
	for (unsigned i = message_header_count(m, name); i > 0; i--) {
		struct edit *e = g_new0(struct edit, 1);

		e->op = EDIT_DELETE;
		e->name = g_strdup(name);
		e->index = (int)i;
		g_ptr_array_add(edits, e);
	}
}

GPtrArray *
stamp_removals(const struct message *m, const char *name)
{
	GPtrArray *edits = g_ptr_array_new_with_free_func(edit_free);

	delete_all(edits, m, name);
	return edits;
}

/* Takes value. */
static void
insert(GPtrArray *edits, const char *name, char *value)
{
	struct edit *e = g_new0(struct edit, 1);

	e->op = EDIT_INSERT;
	e->name = g_strdup(name);
	e->value = g_strconcat(" ", value, NULL);
	g_free(value);
	g_ptr_array_add(edits, e);
}

GPtrArray *
stamp_addition(const char *name, const char *value)
{
	GPtrArray *edits = g_ptr_array_new_with_free_func(edit_free);

	insert(edits, name, g_strdup(value));
	return edits;
}

static void
insert_reports(GPtrArray *edits, const char *name, const struct scan_result *r)
{
	for (guint i = r->parts ? r->parts->len : 0; i > 0; i--) {
		const struct scan_part *part = g_ptr_array_index(r->parts, i - 1);

		insert(edits, name,
		    g_strdup_printf("%s; %s; %s", part->title, verdict_class_name(part->cls),
			part->definitions ? part->definitions : "-"));
	}
}

GPtrArray *
stamp_edits(const struct conf *conf, const struct message *m, const struct scan_result *r,
    const char *skipped, const char *host)
{
	const char *names[] = { conf->header.scanned, conf->header.status, conf->header.report };
	GPtrArray *edits = g_ptr_array_new_with_free_func(edit_free);

	for (size_t i = 0; i < G_N_ELEMENTS(names); i++) {
		bool again = false;

		for (size_t k = 0; k < i; k++)
			again |= strcasecmp(names[i], names[k]) == 0;
		if (names[i][0] && !again)
			delete_all(edits, m, names[i]);
	}
	/* Each goes above the one before: spoken in reverse. */
	if (conf->header.report[0] && !skipped)
		insert_reports(edits, conf->header.report, r);
	if (conf->header.status[0])
		insert(edits, conf->header.status,
		    r->repaired ? stamp_repaired(&r->verdict) : stamp_status(&r->verdict, skipped));
	if (conf->header.scanned[0])
		insert(edits, conf->header.scanned, stamp_scanned(conf, r, skipped, host));
	return edits;
}
