/* console_allow - see console_allow.h */
#include "daemon/console_allow.h"

#include <string.h>

#include "base/auto.h"
#include "effect/quarantine_about.h"
#include "effect/quarantine_desk.h"
#include "policy/facts.h"
#include "policy/whitelist_line.h"

#define DAYS      30  /* unless --until says otherwise */
#define LINES_MAX 100 /* of one mail */

/* What is being put together. */
struct draft {
	const struct conf *conf;
	const char *ref;
	GPtrArray *to; /* of char *, owned */
	char *from, *until;
	int64_t now;
	json_t *findings; /* borrowed from the description */
	json_t *lists, *remarks;
	unsigned lines;
};

static void
draft_clear(struct draft *d)
{
	g_clear_pointer(&d->to, g_ptr_array_unref);
	g_free(d->from);
	g_free(d->until);
	json_decref(d->lists);
	json_decref(d->remarks);
}

static bool
refuse(GError **err, const char *ref, const char *why)
{
	g_set_error(err, G_FILE_ERROR, G_FILE_ERROR_INVAL, "allow: %s: %s", ref, why);
	return false;
}

static bool
parse(struct draft *d, char *const *words, GError **err)
{
	bool ok = true;

	for (; *words != NULL && ok; words++) {
		if (strcmp(*words, "--for") == 0 && words[1] != NULL)
			g_ptr_array_add(d->to, g_strdup(*++words));
		else if (strcmp(*words, "--until") == 0 && words[1] != NULL && d->until == NULL)
			d->until = g_strdup(*++words);
		else if ((*words)[0] != '-' && d->ref == NULL)
			d->ref = *words;
		else
			ok = false;
	}
	if (!ok || d->ref == NULL)
		g_set_error_literal(err, G_FILE_ERROR, G_FILE_ERROR_INVAL,
		    "allow: wanted is REF [--for RCPT]... [--until YYYY-MM-DD]");
	return ok && d->ref != NULL;
}

static void
set_until(struct draft *d)
{
	g_autoptr(GDateTime) now = g_date_time_new_from_unix_utc(d->now);
	g_autoptr(GDateTime) last = g_date_time_add_days(now, DAYS);

	if (d->until == NULL)
		d->until = g_date_time_format(last, "%Y-%m-%d");
}

/* Sender and recipients of the mail, as a list knows them. */
static bool
set_envelope(struct draft *d, const json_t *about, GError **err)
{
	g_autofree char *sender = about_bytes_get(json_object_get(about, "sender"));
	g_autoptr(GPtrArray) to = about_list_get(json_object_get(about, "recipients"));
	const bool all =
	    json_integer_value(json_object_get(about, "recipients_total")) <= (json_int_t)to->len;

	d->from = facts_address(sender != NULL ? sender : "");
	if (d->to->len > 0)
		return true;
	if (!all || to->len == 0)
		return refuse(err, d->ref, "not all of its recipients are known; say --for RCPT");
	for (guint i = 0; i < to->len; i++)
		g_ptr_array_add(d->to, facts_address(g_ptr_array_index(to, i)));
	for (guint i = 0; i < d->to->len; i++)
		if (strpbrk(g_ptr_array_index(d->to, i), "*?"))
			return refuse(
			    err, d->ref, "a recipient has * or ? in the address; say --for RCPT");
	return true;
}

/* The lines of one file. */
static json_t *
lines_of(struct draft *d, const char *path)
{
	json_t *list, *o;
	size_t i;

	json_array_foreach (d->lists, i, list)
		if (strcmp(json_string_value(json_object_get(list, "list")), path) == 0)
			return json_object_get(list, "lines");
	o = json_pack("{s:s, s:[]}", "list", path, "lines");
	json_array_append_new(d->lists, o);
	return json_object_get(o, "lines");
}

/* Is it read as what was meant, and does it hold today? */
static bool
check_line(const struct draft *d, const char *line, const char *name, GError **err)
{
	struct whitelist_entry *e = NULL;
	g_autofree char *why = NULL;
	bool ok = g_utf8_validate(line, -1, NULL) && whitelist_line(line, &e, &why) && e != NULL &&
	    e->name != NULL && strcmp(e->name, name) == 0;
	const bool over = ok && e->ends <= d->now;

	if (e != NULL)
		whitelist_entry_free(e);
	if (over)
		return refuse(err, d->until, "that day is over");
	return ok ||
	    refuse(err, d->ref, why != NULL ? why : "its names are no text for a whitelist");
}

static bool
has_blank(const char *text)
{
	return strpbrk(text, " \t") != NULL;
}

/* sha256: "" = whatever the content. */
static bool
add_line(struct draft *d, const struct conf_engine *e, const char *name, const char *to,
    const char *sha256, GError **err)
{
	const char *from = *d->from ? d->from : "<>";
	g_autofree char *quoted = whitelist_quote(name), *line = NULL;

	if (has_blank(from) || has_blank(to) || has_blank(e->title) || strpbrk(from, "*?"))
		return refuse(err, d->ref,
		    "an address or the engine's title cannot stand in a whitelist; write a policy");
	line = g_strdup_printf("%s engine=%s from=%s to=%s%s%s until=%s", quoted, e->title, from,
	    *to ? to : "<>", *sha256 ? " sha256=" : "", sha256, d->until);
	if (++d->lines > LINES_MAX)
		return refuse(err, d->ref, "more than 100 lines would be needed; say --for RCPT");
	if (!check_line(d, line, name, err))
		return false;
	json_array_append_new(lines_of(d, e->whitelist), json_string(line));
	return true;
}

static bool
is_same(const json_t *f, const char *name, const char *engine)
{
	g_autofree char *other = about_bytes_get(json_object_get(f, "name"));
	g_autofree char *by = about_bytes_get(json_object_get(f, "engine"));

	return g_strcmp0(name, other) == 0 && g_strcmp0(engine, by) == 0;
}

/* The contents that the name was found in; "" alone when it was also found in something that has no
 * hash, as the whole mail has none. */
static GPtrArray *
contents(const struct draft *d, const char *name, const char *engine)
{
	GPtrArray *out = g_ptr_array_new();
	const json_t *f;
	size_t i;

	json_array_foreach (d->findings, i, f) {
		const char *sha256 = json_string_value(json_object_get(f, "sha256"));

		if (!is_same(f, name, engine))
			continue;
		if (sha256 == NULL || *sha256 == '\0') {
			g_ptr_array_set_size(out, 0);
			break;
		}
		if (!g_ptr_array_find_with_equal_func(out, sha256, g_str_equal, NULL))
			g_ptr_array_add(out, (void *)(uintptr_t)sha256);
	}
	if (out->len == 0)
		g_ptr_array_add(out, (void *)(uintptr_t) "");
	return out;
}

/* Has an earlier finding the same name and engine? */
static bool
is_again(const struct draft *d, size_t n, const char *name, const char *engine)
{
	for (size_t i = 0; i < n; i++)
		if (is_same(json_array_get(d->findings, i), name, engine))
			return true;
	return false;
}

static void
remark_hidden(struct draft *d, const json_t *f, const char *engine)
{
	char *text;

	if (!json_is_false(json_object_get(f, "listed")))
		return;
	text = g_strdup_printf("engine %s did not tell all names that it knows of: without "
			       "this one the mail is unscannable (hidden-by-ignored)",
	    engine);
	json_array_append_new(d->remarks, json_string(text));
	g_free(text);
}

static bool
add_finding(struct draft *d, size_t n, GError **err)
{
	const json_t *f = json_array_get(d->findings, n);
	g_autofree char *name = about_bytes_get(json_object_get(f, "name"));
	g_autofree char *engine = about_bytes_get(json_object_get(f, "engine"));
	const struct conf_engine *e = engine ? conf_engine_find(d->conf, engine) : NULL;
	g_autoptr(GPtrArray) sha256 = NULL;

	if (name == NULL || e == NULL)
		return refuse(err, d->ref,
		    "something was found by no engine of the configuration, which no whitelist is asked "
		    "about; write a policy");
	if (*e->whitelist == '\0')
		return refuse(err, engine,
		    "this engine has no whitelist; write whitelist = \"/etc/avmilter/whitelist\" into "
		    "antivirus, and make the file");
	if (is_again(d, n, name, engine))
		return true;
	remark_hidden(d, f, engine);
	sha256 = contents(d, name, engine);
	for (guint i = 0; i < sha256->len; i++)
		for (guint k = 0; k < d->to->len; k++)
			if (!add_line(d, e, name, g_ptr_array_index(d->to, k),
				g_ptr_array_index(sha256, i), err))
				return false;
	return true;
}

static json_t *
propose(struct draft *d, const json_t *about, GError **err)
{
	d->findings = json_object_get(about, "findings");
	set_until(d);
	if (json_array_size(d->findings) == 0) {
		refuse(err, d->ref,
		    "nothing was found in it that has a name; a whitelist cannot help");
		return NULL;
	}
	if (!set_envelope(d, about, err))
		return NULL;
	for (size_t i = 0; i < json_array_size(d->findings); i++)
		if (!add_finding(d, i, err))
			return NULL;
	if (json_is_true(json_object_get(about, "more_findings")))
		json_array_append_new(d->remarks,
		    json_string("more was found than is kept: the mail may be refused again"));
	return json_pack("{s:s, s:s, s:O, s:O}", "ref", d->ref, "until", d->until, "lists",
	    d->lists, "remarks", d->remarks);
}

json_t *
console_allow(
    struct quarantine *q, const struct conf *conf, char *const *words, int64_t now, GError **err)
{
	AUTO(draft_clear)
	struct draft d = { .conf = conf,
		.now = now,
		.to = g_ptr_array_new_with_free_func(g_free),
		.lists = json_array(),
		.remarks = json_array() };
	json_t *about, *o;

	if (!parse(&d, words, err))
		return NULL;
	if (q == NULL) {
		refuse(err, d.ref,
		    "there is no quarantine store; only a mail that is kept there can be "
		    "looked up");
		return NULL;
	}
	about = desk_show(q, d.ref, err);
	o = about != NULL ? propose(&d, about, err) : NULL;
	json_decref(about);
	return o;
}
