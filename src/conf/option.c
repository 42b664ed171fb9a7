/*
 * option - the rows of options.def, sections.def and kinds.def as tables that can be asked
 */
#include "conf/option.h"

#include <stddef.h>

#include "conf/structs.h"

#define WORDS(set, list) static const char *const words_##set[] = { list NULL };
#define W(id, word)      word,
#include "conf/words.def"
#undef WORDS

#define WORDS(set, list)                                                                           \
	const char *conf_##set##_name(int value)                                                   \
	{                                                                                          \
		return value >= 0 && value < CONF_##set##_COUNT ? words_##set[value] : "unknown";  \
	}
#include "conf/words.def"
#undef WORDS
#undef W

/* A name for the struct of each section, so that a row can find its own offset. */
#define SECTION(name, type, kind, offset, help) typedef type section_##name;
#include "conf/sections.def"
#undef SECTION

/* Columns min and words, which share a place. */
#define WORDS_STR(min)    NULL
#define WORDS_LIST(min)   NULL
#define WORDS_MAP(min)    NULL
#define WORDS_BOOL(min)   NULL
#define WORDS_NUM(min)    NULL
#define WORDS_SIZE(min)   NULL
#define WORDS_TIME(min)   NULL
#define WORDS_MODE(min)   NULL
#define WORDS_ACTION(min) NULL
#define WORDS_ENUM(set)   words_##set
#define WORDS_SET(set)    words_##set
#define MIN_STR(min)      min
#define MIN_LIST(min)     min
#define MIN_MAP(min)      min
#define MIN_BOOL(min)     min
#define MIN_NUM(min)      min
#define MIN_SIZE(min)     min
#define MIN_TIME(min)     min
#define MIN_MODE(min)     min
#define MIN_ACTION(min)   min
#define MIN_ENUM(set)     0
#define MIN_SET(set)      0

static const struct conf_option options[] = {
#define OPT(section, name, type, def, min, max, flags, help)                                       \
	{ #section, #name, CONF_T_##type, def, MIN_##type(min), max, WORDS_##type(min), flags,     \
		offsetof(section_##section, name), help },
#include "conf/options.def"
#undef OPT
};

static const size_t each_offsets[] = {
#define OPT_each(name, ...) offsetof(struct conf_engine, name),
#include "conf/options.def"
};

static const struct conf_section sections[] = {
#define SECTION(name, type, kind, offset, help) { #name, SECTION_##kind, offset, help },
#include "conf/sections.def"
#undef SECTION
};

static const struct conf_kind kinds[] = {
#define KIND(name, class, servers, help) { #name, KIND_##class, servers, help },
#include "conf/kinds.def"
#undef KIND
};

static const struct conf_alias aliases[] = {
#define ALIAS(section, alias, name, value) { #section, alias, name, value },
#include "conf/aliases.def"
#undef ALIAS
};

const struct conf_option *
conf_options(size_t *n)
{
	*n = G_N_ELEMENTS(options);
	return options;
}

const struct conf_section *
conf_sections(size_t *n)
{
	*n = G_N_ELEMENTS(sections);
	return sections;
}

const struct conf_kind *
conf_kinds(size_t *n)
{
	*n = G_N_ELEMENTS(kinds);
	return kinds;
}

const struct conf_alias *
conf_aliases(size_t *n)
{
	*n = G_N_ELEMENTS(aliases);
	return aliases;
}

const struct conf_section *
conf_section_find(const char *name)
{
	for (size_t i = 0; i < G_N_ELEMENTS(sections); i++)
		if (strcmp(sections[i].name, name) == 0)
			return &sections[i];
	return NULL;
}

const struct conf_kind *
conf_kind_find(const char *name)
{
	for (size_t i = 0; i < G_N_ELEMENTS(kinds); i++)
		if (strcmp(kinds[i].name, name) == 0)
			return &kinds[i];
	return NULL;
}

size_t
conf_option_each_offset(const struct conf_option *o)
{
	size_t nth = 0;

	g_assert(strcmp(o->section, "each") == 0);
	for (const struct conf_option *p = options; p < o; p++)
		if (strcmp(p->section, "each") == 0)
			nth++;
	return each_offsets[nth];
}

bool
conf_scope_has(const char *scope, const char *section)
{
	const struct conf_kind *kind = conf_kind_find(scope);

	if (strcmp(scope, section) == 0)
		return true;
	if (strcmp(section, "each") == 0)
		return kind || strcmp(scope, "antivirus") == 0;
	return strcmp(section, "net") == 0 && kind && kind->class == KIND_NET;
}

const struct conf_option *
conf_option_find(const char *scope, const char *name)
{
	for (size_t i = 0; i < G_N_ELEMENTS(options); i++)
		if (strcmp(options[i].name, name) == 0 && conf_scope_has(scope, options[i].section))
			return &options[i];
	return NULL;
}

const struct conf_alias *
conf_alias_find(const char *scope, const char *name)
{
	for (size_t i = 0; i < G_N_ELEMENTS(aliases); i++)
		if (strcmp(aliases[i].alias, name) == 0 &&
		    conf_scope_has(scope, aliases[i].section))
			return &aliases[i];
	return NULL;
}

bool
conf_scope_section(const char *scope, const char *name)
{
	const struct conf_section *s = conf_section_find(name);

	if (strcmp(scope, "antivirus") == 0)
		return conf_kind_find(name) != NULL;
	return strcmp(scope, "top") == 0 && s &&
	    (s->kind == SECTION_PLAIN || s->kind == SECTION_TITLED);
}

bool
conf_section_titled(const char *name)
{
	const struct conf_section *s = conf_section_find(name);

	return conf_kind_find(name) || (s && s->kind == SECTION_TITLED);
}
