/*
 * problems - errors and warnings about a configuration, collected until all is read
 */
#include "conf/problems.h"

#include <string.h>

/* More than anybody reads; a file of garbage must not fill the log. */
#define PROBLEMS_MAX 100

struct problem {
	unsigned file; /* in the order in which the files were met */
	unsigned line;
	unsigned nth;
	char *text;
};

struct problems {
	GPtrArray *files;  /* of char * */
	GPtrArray *errors; /* of struct problem * */
	GPtrArray *warnings;
};

static void
problem_free(void *data)
{
	struct problem *p = data;

	g_free(p->text);
	g_free(p);
}

struct problems *
problems_new(void)
{
	struct problems *p = g_new0(struct problems, 1);

	p->files = g_ptr_array_new_with_free_func(g_free);
	p->errors = g_ptr_array_new_with_free_func(problem_free);
	p->warnings = g_ptr_array_new_with_free_func(problem_free);
	return p;
}

void
problems_free(struct problems **p)
{
	if (!*p)
		return;
	g_ptr_array_free((*p)->files, TRUE);
	g_ptr_array_free((*p)->errors, TRUE);
	g_ptr_array_free((*p)->warnings, TRUE);
	g_clear_pointer(p, g_free);
}

static unsigned
file_index(const struct problems *p, const char *name)
{
	unsigned i = 0;

	while (i < p->files->len && strcmp(g_ptr_array_index(p->files, i), name) != 0)
		i++;
	return i;
}

const char *
problems_file(struct problems *p, const char *name)
{
	unsigned i = file_index(p, name);

	if (i == p->files->len)
		g_ptr_array_add(p->files, g_strdup(name));
	return g_ptr_array_index(p->files, i);
}

/* One line of printable text, whatever the file holds. */
static char *
clean(const char *text)
{
	GString *out = g_string_new(NULL);

	for (const char *c = text; *c; c++) {
		if ((unsigned char)*c < 0x20 || *c == 0x7f)
			g_string_append_printf(out, "\\x%02x", (unsigned char)*c);
		else
			g_string_append_c(out, *c);
	}
	return g_string_free(out, FALSE);
}

static void PRINTF(4, 0)
    add(GPtrArray *to, const struct problems *p, struct place at, const char *fmt, va_list ap)
{
	g_autofree char *text = g_strdup_vprintf(fmt, ap);
	g_autofree char *one_line = clean(text);
	struct problem *new;
	char *whole;

	if (to->len >= PROBLEMS_MAX)
		return;
	whole = at.line ? g_strdup_printf("%s:%u: %s", at.file, at.line, one_line)
			: g_strdup_printf("%s: %s", at.file, one_line);
	for (unsigned i = 0; i < to->len; i++)
		if (strcmp(((struct problem *)g_ptr_array_index(to, i))->text, whole) == 0) {
			g_free(whole);
			return;
		}
	new = g_new0(struct problem, 1);
	*new = (struct problem){
		.file = file_index(p, at.file), .line = at.line, .nth = to->len, .text = whole
	};
	g_ptr_array_add(to, new);
}

void
problems_error(struct problems *p, struct place at, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	add(p->errors, p, at, fmt, ap);
	va_end(ap);
}

void
problems_warn(struct problems *p, struct place at, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	add(p->warnings, p, at, fmt, ap);
	va_end(ap);
}

unsigned
problems_errors(const struct problems *p)
{
	return p->errors->len;
}

static int
by_place(const void *pa, const void *pb)
{
	const struct problem *a = *(struct problem *const *)pa, *b = *(struct problem *const *)pb;

	if (a->file != b->file)
		return a->file < b->file ? -1 : 1;
	if (a->line != b->line)
		return a->line < b->line ? -1 : 1;
	return a->nth < b->nth ? -1 : a->nth > b->nth;
}

static char **
texts(GPtrArray *from)
{
	char **out = g_new0(char *, from->len + 1);

	g_ptr_array_sort(from, by_place);
	for (unsigned i = 0; i < from->len; i++)
		out[i] = g_strdup(((struct problem *)g_ptr_array_index(from, i))->text);
	return out;
}

char *
problems_error_text(const struct problems *p)
{
	g_auto(GStrv) lines = texts(p->errors);

	return g_strjoinv("\n", lines);
}

char **
problems_warnings(const struct problems *p)
{
	return texts(p->warnings);
}
