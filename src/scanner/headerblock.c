#include "scanner/headerblock.h"

#include <string.h>

#include "scanner/encname.h"
#include "scanner/lines.h"
#include "verdict/evasion.h"

#define PREFIX        "content-"
#define LEAD_MAX      64            /* bytes before a name that are stepped over */
#define DELIMITER_MAX 200           /* bytes of a delimiter line that are told apart */
#define FIELDS_EACH   8             /* on average: what memory allows */
#define BLOCK_MAX     (1024 * 1024) /* bytes of one block: what follows is body in any reader */

struct walk {
	const struct blocks_job *job;
	struct blocks *out;
	GHashTable *delimiters; /* texts behind "--" that delimit parts */
	GHashTable *closed;     /* those that were met with "--" behind them */
	struct block now;
	bool open;                   /* now is being read */
	bool folding;                /* the last field may go on */
	unsigned any, known, header; /* first block whose end of that kind is not known yet */
	bool after_delimiter;        /* the line before was one that begins with "--" ... */
	const unsigned char *dash;   /* ... this one */
	const unsigned char *dash_end;
	const unsigned char *body_at; /* where a message/ block's body begins */
};

static bool
begins(const unsigned char *p, const unsigned char *end, const char *word)
{
	size_t n = strlen(word);

	return (size_t)(end - p) >= n && g_ascii_strncasecmp((const char *)p, word, n) == 0;
}

/* The name of a Content-* field, behind whatever a tolerant reader ignores; NULL if there is none. */
static const unsigned char *
find_name(const struct line *l)
{
	const unsigned char *p = l->p, *stop = MIN(l->end, l->p + LEAD_MAX);

	while (p < stop &&
	    (*p <= ' ' || *p == 0x7f || *p == 0xa0 || *p == 0xef || *p == 0xbb || *p == 0xbf))
		p++;
	return begins(p, l->end, PREFIX) ? p : NULL;
}

/* Does the line look like any field? Letters, then perhaps blanks, then a colon. */
static bool
is_field(const struct line *l)
{
	const unsigned char *p = l->p;

	while (p<l->end && * p> ' ' && *p < 0x7f && *p != ':')
		p++;
	if (p == l->p)
		return false;
	while (p < l->end && (*p == ' ' || *p == '\t'))
		p++;
	return p < l->end && *p == ':';
}

static enum field_kind
kind_of(const unsigned char *p, const unsigned char *end)
{
	p += strlen(PREFIX);
	if (begins(p, end, "type"))
		return FIELD_TYPE;
	if (begins(p, end, "transfer") || begins(p, end, "encoding"))
		return FIELD_ENCODING;
	if (begins(p, end, "disposition"))
		return FIELD_DISPOSITION;
	return FIELD_OTHER;
}

static void
add_field(struct walk *w, const struct line *l, const unsigned char *name)
{
	struct field f = {
		.kind = kind_of(name, l->end), .line = l->p, .name = name, .end = l->end
	};
	const unsigned char *p = name;

	while (p < l->end && (g_ascii_isalnum(*p) || *p == '-' || *p == '_'))
		p++;
	f.name_end = p;
	const unsigned char *colon = memchr(p, ':', (size_t)(l->end - p));
	f.value = colon ? colon + 1 : p;
	if (w->out->fields->len >= w->job->max * FIELDS_EACH) {
		w->out->over = true;
		return;
	}
	g_array_append_val(w->out->fields, f);
	w->now.fields++;
	w->now.behind = l->next;
	w->folding = true;
}

static struct field *
last_field(struct walk *w)
{
	return &g_array_index(w->out->fields, struct field, w->out->fields->len - 1);
}

/* The text of a delimiter line, without "--" around it. The caller frees. */
static char *
delimiter_text(const unsigned char *p, const unsigned char *end)
{
	while (p < end && *p <= ' ')
		p++;
	p += MIN((ptrdiff_t)2, end - p);
	while (end > p && end[-1] <= ' ')
		end--;
	if (end - p > 2 && end[-1] == '-' && end[-2] == '-')
		end -= 2;
	return g_strndup((const char *)p, MIN((size_t)(end - p), DELIMITER_MAX));
}

static void
know(struct walk *w, char *text)
{
	if (*text != '\0' && g_hash_table_size(w->delimiters) < w->job->max)
		g_hash_table_add(w->delimiters, text);
	else
		g_free(text);
}

/* Behind each "boundary" of a type field, to its quote, semicolon or blank: a guess is enough. */
static void
learn_boundaries(struct walk *w, const struct field *f)
{
	for (const unsigned char *p = f->value; p < f->end; p++) {
		if ((*p | 0x20) != 'b' || !begins(p, f->end, "boundary"))
			continue;
		const unsigned char *v = memchr(p, '=', (size_t)(f->end - p));
		if (!v)
			return;
		for (v++; v < f->end && (*v <= ' ' || *v == '"' || *v == '\'');)
			v++;
		for (p = v; p<f->end && * p> ' ' && *p != '"' && *p != ';';)
			p++;
		know(w, g_strndup((const char *)v, MIN((size_t)(p - v), DELIMITER_MAX)));
	}
}

const unsigned char *
headerblock_value_end(const struct field *f)
{
	bool indented = f->line < f->name && (*f->line == ' ' || *f->line == '\t');
	const unsigned char *p =
	    indented ? memchr(f->value, ';', (size_t)(f->end - f->value)) : NULL;

	return p ? p : f->end;
}

/* The block is whole: read its fields. */
static void
close_block(struct walk *w, const unsigned char *at)
{
	struct block *b = &w->now;

	if (!w->open)
		return;
	w->open = w->folding = false;
	b->tail = at;
	for (unsigned i = b->first_field; i < b->first_field + b->fields; i++) {
		const struct field *f = &g_array_index(w->out->fields, struct field, i);
		if (f->kind == FIELD_ENCODING) {
			b->encodings |= encname_find(f->value, headerblock_value_end(f));
		} else if (f->kind == FIELD_TYPE) {
			learn_boundaries(w, f);
			unsigned t = encname_type(f->value, f->end);
			b->multipart |= (t & TYPE_MULTIPART) != 0;
			b->message |= (t & TYPE_MESSAGE) != 0;
			w->out->utf7 |= (t & TYPE_UTF7) != 0;
		}
	}
	if (w->out->list->len >= w->job->max)
		w->out->over = true;
	else
		g_array_append_val(w->out->list, *b);
	w->body_at = b->message ? b->starts[START_EMPTY] : NULL;
}

static void
open_block(struct walk *w, const unsigned char *at, bool placed)
{
	w->now = (struct block){ .head = at, .first_field = w->out->fields->len, .placed = placed };
	w->open = true;
	w->folding = false;
}

/* A line of an open block that has no Content-* name. False: the block ended with it. */
static bool
block_line(struct walk *w, const struct line *l)
{
	struct block *b = &w->now;

	if (line_is_empty(l)) {
		b->starts[START_EMPTY] = l->next;
		close_block(w, l->next);
		return false;
	}
	if (line_is_blank(l)) {
		if (!b->starts[START_BLANK])
			b->starts[START_BLANK] = l->next;
		w->folding = false;
		return true;
	}
	if (*l->p == ' ' || *l->p == '\t') {
		if (w->folding) {
			last_field(w)->end = l->end;
			b->behind = l->next;
		}
		return true;
	}
	/* A lone CR may be a line end for us and a blank for others. */
	if (w->folding && l->p > w->job->data && l->p[-1] == '\r' && !is_field(l)) {
		last_field(w)->end = l->end;
		b->behind = l->next;
	}
	w->folding = false;
	if (!is_field(l) && !b->starts[START_JUNK]) {
		b->starts[START_JUNK] = l->p;
		b->after_junk = l->next;
	}
	if (l->p - b->head > BLOCK_MAX) {
		close_block(w, l->p);
		return false;
	}
	return true;
}

enum { END_ANY, END_KNOWN, END_HEADER };

/* Every block that waits for such an end ends here. */
static void
end_bodies(struct walk *w, int what, const unsigned char *at)
{
	unsigned *from = what == END_ANY ? &w->any : what == END_KNOWN ? &w->known : &w->header;

	for (; *from < w->out->list->len; ++*from) {
		struct block *b = &g_array_index(w->out->list, struct block, *from);
		const unsigned char **end = what == END_ANY ? &b->end_any
		    : what == END_KNOWN                     ? &b->end_known
							    : &b->end_header;
		*end = at;
	}
}

/* Does the line behind a delimiter show that it is one? */
static void
judge_delimiter(struct walk *w, const struct line *l)
{
	const unsigned char *at = w->dash;
	bool header = find_name(l) != NULL || is_field(l);
	g_autofree char *text = delimiter_text(at, w->dash_end);
	bool known = g_hash_table_contains(w->delimiters, text);

	w->after_delimiter = false;
	if (header) {
		w->out->odd |= known ? 0 : EVASION_BIT(DELIM_UNDECLARED);
		w->out->odd |= *at == '-' ? 0 : EVASION_BIT(DELIM_INDENTED);
		w->out->odd |=
		    g_hash_table_contains(w->closed, text) ? EVASION_BIT(PART_AFTER_CLOSE) : 0;
		end_bodies(w, END_HEADER, at);
		know(w, g_steal_pointer(&text));
	}
	if (header || known)
		end_bodies(w, END_KNOWN, at);
	/* A part without a header of its own. */
	if ((header || known) && !find_name(l))
		open_block(w, l->p, true);
}

/* "--b--": nothing should come behind it. */
static void
note_close(struct walk *w, const struct line *l)
{
	const unsigned char *end = l->end;

	while (end > l->p && end[-1] <= ' ')
		end--;
	if (end - l->p < 5 || end[-1] != '-' || end[-2] != '-')
		return;
	char *text = delimiter_text(l->p, end);
	if (g_hash_table_contains(w->delimiters, text))
		g_hash_table_add(w->closed, text);
	else
		g_free(text);
}

/* A delimiter that no line of text follows. */
static void
end_known(struct walk *w)
{
	g_autofree char *text = delimiter_text(w->dash, w->dash_end);

	if (g_hash_table_contains(w->delimiters, text))
		end_bodies(w, END_KNOWN, w->dash);
}

static bool
is_dash(const struct line *l)
{
	const unsigned char *p = l->p;

	while (p < l->end && *p <= ' ' && p - l->p < LEAD_MAX)
		p++;
	return l->end - p >= 2 && p[0] == '-' && p[1] == '-';
}

static void
take_line(struct walk *w, const struct line *l)
{
	if (is_dash(l)) {
		if (w->after_delimiter)
			end_known(w);
		close_block(w, l->p);
		note_close(w, l);
		end_bodies(w, END_ANY, l->p);
		w->after_delimiter = true;
		w->dash = l->p;
		w->dash_end = l->end;
		return;
	}
	const unsigned char *name = find_name(l);
	bool placed = w->after_delimiter || l->p == w->job->data || l->p == w->body_at;
	if (w->after_delimiter)
		judge_delimiter(w, l);
	if (name) {
		if (!w->open)
			open_block(w, l->p, placed);
		add_field(w, l, name);
	} else if (w->open) {
		block_line(w, l);
	} else if (placed && is_field(l)) {
		open_block(w, l->p, true);
	}
}

static void
finish(struct walk *w)
{
	const unsigned char *end = w->job->data + w->job->len;

	if (w->after_delimiter)
		end_known(w);
	close_block(w, end);
	for (int what = END_ANY; what <= END_HEADER; what++)
		end_bodies(w, what, end);
}

void
blocks_find(const struct blocks_job *job, struct blocks *out)
{
	g_autoptr(GHashTable) closed = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	g_autoptr(GHashTable) delimiters =
	    g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	struct walk w = { .job = job, .out = out, .delimiters = delimiters, .closed = closed };
	struct lines it;
	struct line line;
	size_t skip = 0;

	*out = (struct blocks){ .list = g_array_new(FALSE, FALSE, sizeof(struct block)),
		.fields = g_array_new(FALSE, FALSE, sizeof(struct field)) };
	lines_init(&it, job->data, job->len);
	while (!out->over && lines_next(&it, &line)) {
		take_line(&w, &line);
		while (skip < job->skip.count && job->skip.list[skip].p < it.at)
			skip++;
		if (skip < job->skip.count && job->skip.list[skip].p == it.at && !w.open &&
		    !w.after_delimiter)
			lines_skip(&it, job->skip.list[skip].end);
	}
	finish(&w);
}

void
blocks_clear(struct blocks *b)
{
	g_clear_pointer(&b->list, g_array_unref);
	g_clear_pointer(&b->fields, g_array_unref);
}

const unsigned char *
headerblock_body_end(const unsigned char *start, const unsigned char *end)
{
	if (end > start && end[-1] == '\n')
		end--;
	while (end > start && end[-1] == '\r')
		end--;
	return end;
}
