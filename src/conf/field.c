/*
 * field - what can be done with a field of the configuration when only its row of options.def is
 * known
 */
#include "conf/field.h"

#include <string.h>

#include "conf/check.h"
#include "conf/hint.h"
#include "conf/structs.h"
#include "conf/value.h"

static void
pair_free(void *data)
{
	struct conf_pair *p = data;

	g_free(p->name);
	g_free(p->value);
	g_free(p);
}

static GPtrArray *
map_new(void)
{
	return g_ptr_array_new_with_free_func(pair_free);
}

static void
map_add(GPtrArray *map, const char *name, const char *value)
{
	struct conf_pair *p = g_new0(struct conf_pair, 1);

	p->name = g_strdup(name);
	p->value = g_strdup(value);
	g_ptr_array_add(map, p);
}

static bool
refuse(const struct conf_option *o, const char *text, char **why)
{
	g_autofree char *range = field_range(o);

	*why = g_strdup_printf("'%.60s': write %s", text, range);
	return false;
}

static bool
set_number(const struct conf_option *o, void *field, const char *text, char **why)
{
	uint64_t n;
	bool good = o->type == CONF_T_TIME ? value_time(text, &n)
	    : o->type == CONF_T_SIZE       ? value_size(text, &n)
	    : o->type == CONF_T_MODE       ? value_mode(text, &n)
					   : value_number(text, &n);

	if (!good || n < o->min || n > o->max)
		return refuse(o, text, why);
	if (o->type == CONF_T_TIME)
		*(int64_t *)field = (int64_t)n;
	else if (o->type == CONF_T_MODE)
		*(unsigned *)field = (unsigned)n;
	else
		*(uint64_t *)field = n;
	return true;
}

static bool
word_index(const struct conf_option *o, const char *text, int *out)
{
	for (int i = 0; o->words[i]; i++) {
		if (g_ascii_strcasecmp(o->words[i], text) == 0) {
			*out = i;
			return true;
		}
	}
	return false;
}

static bool
set_enum(const struct conf_option *o, int *field, const char *text, char **why)
{
	bool on;

	if (word_index(o, text, field))
		return true;
	/* A set that has true and false has their other spellings too. */
	if (hint_boolean(text, &on) && word_index(o, on ? "true" : "false", field))
		return true;
	return refuse(o, text, why);
}

static bool
set_action(const struct conf_option *o, int *field, const char *text, char **why)
{
	enum action a;

	if (action_parse(text, &a))
		*field = (int)a;
	else if ((o->flags & ONACTION) && strcmp(text, "action") == 0)
		*field = CONF_ACTION_ACTION;
	else if ((o->flags & ONACTION) && strcmp(text, "auto") == 0)
		*field = CONF_ACTION_AUTO;
	else
		return refuse(o, text, why);
	return true;
}

static bool
set_text(const struct conf_option *o, char **field, const char *text, char **why)
{
	size_t len = strlen(text);
	g_autofree char *wrong = NULL;

	if (len < o->min || len > o->max) {
		g_autofree char *range = field_range(o);

		*why = len == 0 ? g_strdup_printf("is empty: write %s", range)
				: g_strdup_printf("has %zu bytes: write %s", len, range);
		return false;
	}
	wrong = check_text(o, text);
	if (wrong) {
		*why = g_strdup_printf("'%.60s' %s", text, wrong);
		return false;
	}
	g_free(*field);
	*field = g_strdup(text);
	return true;
}

static bool
set_list(
    const struct conf_option *o, char ***field, const char *const *values, unsigned n, char **why)
{
	g_auto(GStrv) list = g_new0(char *, n + 1);

	if (n < o->min || n > o->max) {
		g_autofree char *range = field_range(o);

		*why = g_strdup_printf("has %u elements: write %s", n, range);
		return false;
	}
	for (unsigned i = 0; i < n; i++) {
		g_autofree char *wrong =
		    *values[i] ? check_text(o, values[i]) : g_strdup("is empty: take it away");

		if (wrong) {
			*why = g_strdup_printf("'%.60s' %s", values[i], wrong);
			return false;
		}
		list[i] = g_strdup(values[i]);
	}
	g_strfreev(*field);
	*field = g_steal_pointer(&list);
	return true;
}

static bool
set_set(
    const struct conf_option *o, uint64_t *field, const char *const *values, unsigned n, char **why)
{
	uint64_t bits = 0;

	for (unsigned i = 0; i < n; i++) {
		int word;

		if (!word_index(o, values[i], &word))
			return refuse(o, values[i], why);
		bits |= UINT64_C(1) << word;
	}
	*field = bits;
	return true;
}

bool
field_set(
    const struct conf_option *o, void *field, const char *const *values, unsigned n, char **why)
{
	g_assert(o->type == CONF_T_LIST || o->type == CONF_T_SET || n == 1);
	switch (o->type) {
	case CONF_T_BOOL:
		return hint_boolean(values[0], field) || refuse(o, values[0], why);
	case CONF_T_NUM:
	case CONF_T_SIZE:
	case CONF_T_TIME:
	case CONF_T_MODE:
		return set_number(o, field, values[0], why);
	case CONF_T_ENUM:
		return set_enum(o, field, values[0], why);
	case CONF_T_ACTION:
		return set_action(o, field, values[0], why);
	case CONF_T_STR:
		return set_text(o, field, values[0], why);
	case CONF_T_LIST:
		return set_list(o, field, values, n, why);
	case CONF_T_SET:
		return set_set(o, field, values, n, why);
	case CONF_T_MAP:
		break;
	}
	g_assert_not_reached();
}

bool
field_set_pair(
    const struct conf_option *o, void *field, const char *name, const char *value, char **why)
{
	GPtrArray **map = field;
	g_autofree char *wrong = check_text(o, value);

	field_finish(o, field);
	if ((*map)->len >= o->max)
		*why = g_strdup_printf(
		    "more than %" G_GUINT64_FORMAT " names: take some away", o->max);
	else if (wrong)
		*why = g_strdup_printf("'%.60s' %s", value, wrong);
	else
		map_add(*map, name, value);
	return *why == NULL;
}

void
field_finish(const struct conf_option *o, void *field)
{
	if (o->type == CONF_T_STR && !*(char **)field)
		*(char **)field = g_strdup("");
	else if (o->type == CONF_T_LIST && !*(char ***)field)
		*(char ***)field = g_new0(char *, 1);
	else if (o->type == CONF_T_MAP && !*(GPtrArray **)field)
		*(GPtrArray **)field = map_new();
}

void
field_clear(const struct conf_option *o, void *field)
{
	if (o->type == CONF_T_STR)
		g_clear_pointer((char **)field, g_free);
	else if (o->type == CONF_T_LIST)
		g_clear_pointer((char ***)field, g_strfreev);
	else if (o->type == CONF_T_MAP)
		g_clear_pointer((GPtrArray **)field, g_ptr_array_unref);
}

/* Bytes of a field that holds no pointer. */
static size_t
plain_size(const struct conf_option *o)
{
	switch (o->type) {
	case CONF_T_BOOL:
		return sizeof(bool);
	case CONF_T_MODE:
		return sizeof(unsigned);
	case CONF_T_ENUM:
	case CONF_T_ACTION:
		return sizeof(int);
	default:
		return sizeof(uint64_t);
	}
}

void
field_copy(const struct conf_option *o, void *to, const void *from)
{
	field_clear(o, to);
	if (o->type == CONF_T_STR) {
		*(char **)to = g_strdup(*(char *const *)from);
	} else if (o->type == CONF_T_LIST) {
		*(char ***)to = g_strdupv(*(char **const *)from);
	} else if (o->type == CONF_T_MAP) {
		const GPtrArray *map = *(GPtrArray *const *)from;

		*(GPtrArray **)to = map_new();
		for (unsigned i = 0; map && i < map->len; i++) {
			const struct conf_pair *p = g_ptr_array_index(map, i);

			map_add(*(GPtrArray **)to, p->name, p->value);
		}
	} else {
		memcpy(to, from, plain_size(o));
	}
}

bool
field_equal(const struct conf_option *o, const void *a, const void *b)
{
	const GPtrArray *x, *y;

	if (o->type == CONF_T_STR)
		return strcmp(*(char *const *)a, *(char *const *)b) == 0;
	if (o->type == CONF_T_LIST)
		return g_strv_equal(*(const char *const *const *)a, *(const char *const *const *)b);
	if (o->type != CONF_T_MAP)
		return memcmp(a, b, plain_size(o)) == 0;
	x = *(GPtrArray *const *)a;
	y = *(GPtrArray *const *)b;
	if (x->len != y->len)
		return false;
	for (unsigned i = 0; i < x->len; i++) {
		const struct conf_pair *p = g_ptr_array_index(x, i), *q = g_ptr_array_index(y, i);

		if (strcmp(p->name, q->name) != 0 || strcmp(p->value, q->value) != 0)
			return false;
	}
	return true;
}
