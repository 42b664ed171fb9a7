/*
 * confuse_glue - libconfuse's tables made from options.def, and a parse of an outline with them
 *
 * Every option is a string or a list of strings for libconfuse: units, ranges and words are ours
 * (field.h), because its own integers know octal and no units, and its callbacks know no file name
 * (decision 10).
 */
#include "conf/confuse_glue.h"

#include <string.h>

#include "base/auto.h"
#include "conf/option.h"

/* The table of a section written as scope, its sections inside. Free with table_free(). */
static cfg_opt_t *
table_new(const char *scope)
{
	GArray *out = g_array_new(TRUE, TRUE, sizeof(cfg_opt_t));
	cfg_opt_t end = CFG_END();
	size_t n;
	const struct conf_option *o = conf_options(&n);
	const struct conf_section *s;
	const struct conf_kind *k;

	for (size_t i = 0; i < n; i++) {
		cfg_opt_t str = CFG_STR(o[i].name, "", CFGF_NONE),
			  list = CFG_STR_LIST(o[i].name, NULL, CFGF_NONE);
		cfg_opt_t map = CFG_SEC(o[i].name, NULL, CFGF_KEYSTRVAL);

		if (!conf_scope_has(scope, o[i].section))
			continue;
		/* += adds to the default. */
		list.def.parsed = (char *)(uintptr_t)(o[i].flags & NEEDED ? "{}" : o[i].def);
		map.subopts = g_memdup2(&end, sizeof(end));
		g_array_append_vals(out,
		    o[i].type == CONF_T_MAP                                   ? &map
			: o[i].type == CONF_T_LIST || o[i].type == CONF_T_SET ? &list
									      : &str,
		    1);
		if (o[i].type != CONF_T_MAP)
			g_free(map.subopts);
	}
	s = conf_sections(&n);
	for (size_t i = 0; i < n; i++) {
		cfg_opt_t sec = CFG_SEC(s[i].name, NULL, CFGF_NONE);

		if (strcmp(scope, "top") != 0 || !conf_scope_section(scope, s[i].name))
			continue;
		sec.subopts = table_new(s[i].name);
		if (s[i].kind == SECTION_TITLED)
			sec.flags = CFGF_MULTI | CFGF_TITLE | CFGF_NO_TITLE_DUPES;
		g_array_append_val(out, sec);
	}
	k = conf_kinds(&n);
	for (size_t i = 0; i < n; i++) {
		cfg_opt_t sec =
		    CFG_SEC(k[i].name, NULL, CFGF_MULTI | CFGF_TITLE | CFGF_NO_TITLE_DUPES);

		if (!conf_scope_section(scope, k[i].name))
			continue;
		sec.subopts = table_new(k[i].name);
		g_array_append_val(out, sec);
	}
	g_array_append_val(out, end);
	return (cfg_opt_t *)(void *)g_array_free(out, FALSE);
}

static void
table_free(cfg_opt_t *table)
{
	for (cfg_opt_t *o = table; o->name; o++)
		if (o->type == CFGT_SEC)
			table_free(o->subopts);
	g_free(table);
}

/* What libconfuse complained about last. Its error function has no argument of ours; one parse runs
 * at a time. */
static __thread struct {
	unsigned line;
	char text[200];
} last;

static void PRINTF(2, 0) remember(cfg_t *cfg, const char *fmt, va_list ap)
{
	last.line = (unsigned)cfg->line;
	vsnprintf(last.text, sizeof(last.text), fmt, ap);
}

cfg_t *
confuse_parse(const struct outline *o)
{
	cfg_opt_t *table = table_new("top");
	cfg_t *cfg = cfg_init(table, CFGF_NONE);

	g_assert(cfg);
	last.line = 0;
	last.text[0] = '\0';
	cfg_set_error_function(cfg, remember);
	/* Names of a MAP are complained about although all is well: only the return value counts.
	 */
	if (cfg_parse_buf(cfg, o->text->str) != CFG_SUCCESS) {
		problems_error(o->problems, outline_line(o, last.line), "%s",
		    last.text[0] ? last.text : "libconfuse refuses it");
		cfg_free(cfg);
		cfg = NULL;
	}
	table_free(table);
	return cfg;
}
