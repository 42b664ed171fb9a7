/* print - see print.h */
#include "ctl/print.h"

#include <glib.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#define KEY_WIDTH 26
#define INDENT    2

static void
print_scalar(const json_t *v)
{
	if (json_is_string(v))
		printf("%s\n", json_string_value(v));
	else if (json_is_integer(v))
		printf("%" JSON_INTEGER_FORMAT "\n", json_integer_value(v));
	else if (json_is_real(v))
		printf("%.3f\n", json_real_value(v));
	else if (json_is_boolean(v))
		printf("%s\n", json_is_true(v) ? "yes" : "no");
	else
		printf("-\n");
}

static void print_object(const json_t *o, int depth);

static void
print_list(const json_t *list, int depth)
{
	const json_t *v;
	size_t i;

	json_array_foreach(list, i, v)
	{
		if (json_is_object(v)) {
			print_object(v, depth);
			if (i + 1 < json_array_size(list))
				putchar('\n');
		} else {
			printf("%*s", depth * INDENT, "");
			print_scalar(v);
		}
	}
}

/* Keys are written with blanks in the place of underscores; what is empty is left out. */
static void
print_object(const json_t *o, int depth)
{
	void *it;

	for (it = json_object_iter((json_t *)(uintptr_t)o); it != NULL;
	     it = json_object_iter_next((json_t *)(uintptr_t)o, it)) {
		const json_t *v = json_object_iter_value(it);
		g_autofree char *key = g_strdelimit(g_strdup(json_object_iter_key(it)), "_", ' ');

		if (json_is_null(v) || (json_is_string(v) && json_string_length(v) == 0) ||
		    (json_is_array(v) && json_array_size(v) == 0))
			continue;
		printf("%*s", depth * INDENT, "");
		if (json_is_object(v)) {
			printf("%s\n", key);
			print_object(v, depth + 1);
		} else if (json_is_array(v)) {
			printf("%s\n", key);
			print_list(v, depth + 1);
		} else {
			printf("%-*s ", KEY_WIDTH - depth * INDENT, key);
			print_scalar(v);
		}
	}
}

void
print_answer(const char *command, const json_t *o, bool json)
{
	(void)command;
	if (json) {
		char *text = json_dumps(o, JSON_INDENT(2) | JSON_ENSURE_ASCII);

		puts(text);
		free(text);
	} else {
		print_object(o, 0);
	}
}
