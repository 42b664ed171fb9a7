/* print - see print.h */
#include "ctl/print.h"

#include <glib.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#define KEY_WIDTH 26
#define INDENT    2

/* Texts come from mail, and a terminal obeys control characters: none gets through. */
static void
print_text(const char *s)
{
	while (*s != '\0') {
		const size_t len = g_utf8_skip[(unsigned char)*s]; /* JSON is valid UTF-8 */

		if (g_unichar_iscntrl(g_utf8_get_char(s)))
			printf("\\x%02X", g_utf8_get_char(s));
		else
			fwrite(s, 1, len, stdout);
		s += len;
	}
}

static void
print_scalar(const json_t *v)
{
	if (json_is_string(v)) {
		print_text(json_string_value(v));
		putchar('\n');
	} else if (json_is_integer(v)) {
		printf("%" JSON_INTEGER_FORMAT "\n", json_integer_value(v));
	} else if (json_is_real(v)) {
		printf("%.3f\n", json_real_value(v));
	} else if (json_is_boolean(v)) {
		printf("%s\n", json_is_true(v) ? "yes" : "no");
	} else {
		printf("-\n");
	}
}

static void print_object(const json_t *o, int depth);

static void
print_list(const json_t *list, int depth)
{
	const json_t *v;
	size_t i;

	json_array_foreach (list, i, v) {
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

/* The kept mails, one line each. */
static void
print_mails(const json_t *o)
{
	static const char *const columns[] = { "ref", "date", "state", "class", "size", "from",
		"to" };
	const json_t *mails = json_object_get(o, "mails"), *m;
	size_t i;

	json_array_foreach (mails, i, m) {
		for (size_t c = 0; c < G_N_ELEMENTS(columns); c++) {
			const json_t *v = json_object_get(m, columns[c]);

			if (json_is_integer(v))
				printf("%" JSON_INTEGER_FORMAT, json_integer_value(v));
			else
				print_text(json_is_string(v) ? json_string_value(v) : "?");
			putchar(' ');
		}
		print_text(json_is_string(json_object_get(m, "virus"))
			? json_string_value(json_object_get(m, "virus"))
			: "-");
		putchar('\n');
	}
	printf("%" JSON_INTEGER_FORMAT " of %" JSON_INTEGER_FORMAT " mails, %" JSON_INTEGER_FORMAT
	       " bytes\n",
	    json_integer_value(json_object_get(o, "shown")),
	    json_integer_value(json_object_get(o, "entries")),
	    json_integer_value(json_object_get(o, "bytes")));
}

void
print_answer(const char *command, const json_t *o, bool json)
{
	if (json) {
		char *text = json_dumps(o, JSON_INDENT(2) | JSON_ENSURE_ASCII);

		puts(text);
		free(text);
	} else if (strcmp(command, "quarantine") == 0 && json_object_get(o, "mails") != NULL) {
		print_mails(o);
	} else if (strcmp(command, "stats") == 0) {
		json_t *rest = json_copy((json_t *)(uintptr_t)o);

		print_engine_stats(json_object_get(o, "engines"));
		json_object_del(rest, "engines");
		print_object(rest, 0);
		json_decref(rest);
	} else {
		print_object(o, 0);
	}
}
