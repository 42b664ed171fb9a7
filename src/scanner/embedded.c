#include "scanner/embedded.h"

#include <string.h>

#include "scanner/base64.h"
#include "scanner/binhex.h"
#include "scanner/lines.h"
#include "scanner/partname.h"
#include "scanner/uu.h"
#include "scanner/views.h"
#include "scanner/yenc.h"
#include "verdict/evasion.h"

#define ADDRESS_MAX  2048 /* bytes of an address in front of a run */
#define UU_FULL      61   /* letters of a full line, its length included */
#define UU_LINES_MIN 1    /* full ones, where nothing says "begin" */

struct find {
	struct offer *o;
	const struct source *src;
	const unsigned char *stop;
	const unsigned char *run, *run_end; /* lines of nothing but base64 so far */
	size_t letters;
	unsigned uu_lines;       /* full lines of uuencode in a row ... */
	const unsigned char *uu; /* ... from here */
	/* Where what such a line announced ended. It hides nothing of another kind. */
	const unsigned char *yenc, *binhex;
	bool decoded; /* a leaf was made of this line: runs in it are no text of their own */
};

static bool
begins(const struct line *l, const char *word)
{
	size_t n = strlen(word);

	return (size_t)(l->end - l->p) >= n && memcmp(l->p, word, n) == 0;
}

static bool
contains(const struct line *l, const char *word)
{
	return memmem(l->p, (size_t)(l->end - l->p), word, strlen(word)) != NULL;
}

static void
offer_base64(struct find *f, const unsigned char *p, const unsigned char *end)
{
	struct base64_look look;

	if (!offer_work(f->o, (size_t)(end - p)))
		return;
	base64_look(p, (size_t)(end - p), &look);
	views_base64(f->o, p, end, &look);
}

static void
end_run(struct find *f)
{
	const unsigned char *run = f->run;

	f->run = NULL;
	if (run && f->letters >= EMBEDDED_RUN_MIN)
		offer_base64(f, run, f->run_end);
	f->letters = 0;
}

/* What comes is named so until name_end(). */
static char **
name_begin(struct find *f, const unsigned char *p, const unsigned char *end)
{
	bool more = false;
	char **names = partname_of_text(p, (size_t)(end - p), &more);

	offer_names(f->o, names, more);
	return names;
}

static void
name_end(struct find *f, char **names)
{
	offer_names(f->o, NULL, false);
	g_strfreev(names);
}

/* Uuencoded lines from p; returns where they end. */
static const unsigned char *
offer_uu(struct find *f, const unsigned char *p, bool strict)
{
	struct sink s = offer_sink(f->o);
	size_t took = uu_decode(p, (size_t)(f->stop - p), strict, &s);

	if (took > 0 && offer_work(f->o, took)) {
		f->o->odd |= EVASION_BIT(UU_INLINE);
		offer_decoded(f->o, &s, 0, s.used);
	}
	return p + took;
}

/* To a line of "====". */
static const unsigned char *
offer_begin_base64(struct find *f, const unsigned char *p)
{
	const unsigned char *end = p;
	struct lines it;
	struct line line;

	lines_init(&it, p, (size_t)(f->stop - p));
	while (lines_next(&it, &line) && !begins(&line, "====") &&
	    base64_run(line.p, line.end) == (size_t)(line.end - line.p))
		end = line.next;
	if (end > p)
		offer_base64(f, p, end);
	return end;
}

static void
offer_yenc(struct find *f, const unsigned char *p)
{
	struct sink s = offer_sink(f->o);
	size_t took = yenc_decode(p, (size_t)(f->stop - p), &s);

	if (offer_work(f->o, took))
		offer_decoded(f->o, &s, 0, s.used);
	f->yenc = p + took;
}

static void
offer_binhex(struct find *f, const unsigned char *p)
{
	struct sink s = offer_sink(f->o);
	struct binhex forks;
	size_t took = binhex_decode(p, (size_t)(f->stop - p), &s, &forks);

	if (took > 0 && offer_work(f->o, took)) {
		offer_decoded(f->o, &s, forks.data, forks.data_len);
		if (forks.resource_len > 0)
			offer_decoded(f->o, &s, forks.resource, forks.resource_len);
	}
	f->binhex = p + took;
}

/* Is the run from p part of an address ("://" in front of it in the same word)? Those are long, and not data. */
static bool
in_address(const unsigned char *start, const unsigned char *p)
{
	const unsigned char *q = p;

	if (p - start > ADDRESS_MAX)
		start = p - ADDRESS_MAX;
	while (q > start && q[-1] > ' ' && q[-1] != '"' && q[-1] != '\'' && q[-1] != '<' &&
	    q[-1] != '(' && q[-1] != ',')
		q--;
	return memmem(q, (size_t)(p - q), "://", 3) != NULL ||
	    (p - q >= 1 && memmem(q, (size_t)(p - q), "mailto:", 7) != NULL);
}

/* Runs of base64 inside a line: data: addresses, strings of scripts. */
static void
inline_runs(struct find *f, const struct line *l)
{
	const unsigned char *p = l->p;

	while (l->end - p >= EMBEDDED_RUN_MIN && !f->o->stop) {
		/* Whatever is long enough has a letter here. */
		const unsigned char *mid = p + EMBEDDED_RUN_MIN - 1, *from = mid;
		if (!base64_letter(*mid)) {
			p = mid + 1;
			continue;
		}
		while (from > p && base64_letter(from[-1]))
			from--;
		const unsigned char *to = from + base64_run(from, l->end);
		if (to - from >= EMBEDDED_RUN_MIN && !in_address(l->p, from))
			offer_base64(f, from, to);
		p = to;
	}
}

/* A line of nothing but base64, blanks around it allowed. */
static bool
is_pure(const struct line *l)
{
	const unsigned char *p = l->p, *end = l->end;

	while (p < end && (*p == ' ' || *p == '\t'))
		p++;
	while (end > p && (end[-1] == ' ' || end[-1] == '\t'))
		end--;
	return p < end && base64_run(p, end) == (size_t)(end - p);
}

/* Full lines of uuencode that nothing announces. */
static const unsigned char *
count_uu(struct find *f, const struct line *l)
{
	bool full = l->end - l->p == UU_FULL && *l->p == 'M';

	for (const unsigned char *p = l->p; full && p < l->end; p++)
		full = *p >= ' ' && *p <= '`';
	if (!full) {
		f->uu_lines = 0;
		return NULL;
	}
	if (f->uu_lines++ == 0)
		f->uu = l->p;
	if (f->uu_lines < UU_LINES_MIN)
		return NULL;
	f->uu_lines = 0;
	return offer_uu(f, f->uu, true);
}

/* Behind "name=", to the end of the line. */
static const unsigned char *
name_of_yenc(const struct line *l)
{
	static const char key[] = "name=";
	const unsigned char *p = memmem(l->p, (size_t)(l->end - l->p), key, sizeof key - 1);

	return p ? p + sizeof key - 1 : l->end;
}

/* What a line announces; where reading goes on, or NULL. */
static const unsigned char *
announced(struct find *f, const struct line *l)
{
	const unsigned char *name = l->end, *on = NULL;
	enum uu_kind uu = uu_begin(l->p, l->end, &name);
	bool yenc = uu == UU_NONE && begins(l, "=ybegin ") && (!f->yenc || l->p >= f->yenc);

	if (uu == UU_NONE && !yenc) {
		if (*l->p == '(' && contains(l, "BinHex") && (!f->binhex || l->p >= f->binhex))
			offer_binhex(f, l->next);
		return NULL;
	}
	if (yenc)
		name = name_of_yenc(l);
	char **names = name_begin(f, name, l->end);
	if (yenc) {
		f->o->odd |= EVASION_BIT(YENC);
		offer_yenc(f, l->next);
	} else {
		on = uu == UU_LINES ? offer_uu(f, l->next, false) : offer_begin_base64(f, l->next);
	}
	name_end(f, names);
	return on;
}

static const unsigned char *
take_line(struct find *f, const struct line *l)
{
	if (!f->decoded && is_pure(l)) {
		if (!f->run)
			f->run = l->p;
		f->run_end = l->end;
		f->letters += (size_t)(l->end - l->p);
		return NULL;
	}
	end_run(f);
	if (line_is_empty(l))
		return NULL;
	const unsigned char *on = announced(f, l);
	if (!on && *l->p == 'M')
		on = count_uu(f, l);
	else
		f->uu_lines = 0;
	if (!on && !f->decoded && l->end - l->p >= EMBEDDED_RUN_MIN)
		inline_runs(f, l);
	return on;
}

/* Fields with signatures and trace data are long runs, and nobody decodes them. */
static const unsigned char *
skip_header(const struct source *src)
{
	struct lines it;
	struct line line;

	lines_init(&it, src->base, src->len);
	while (lines_next(&it, &line)) {
		const unsigned char *p = line.p;
		if (line_is_empty(&line))
			return line.next;
		if (*p == ' ' || *p == '\t')
			continue;
		while (p<line.end && * p> ' ' && *p < 0x7f && *p != ':')
			p++;
		if (p == line.p || p == line.end || (*p != ':' && *p != ' '))
			return line.p;
		if (*p == ' ' && !memchr(p, ':', (size_t)(line.end - p)))
			return line.p;
	}
	return src->base + src->len;
}

/* Is p in one of them? *n goes on with p. */
static bool
is_in(const struct ranges *r, size_t *n, const unsigned char *p)
{
	while (*n < r->count && r->list[*n].end <= p)
		++*n;
	return *n < r->count && r->list[*n].p <= p;
}

void
embedded_find(struct offer *o, const struct source *src, const struct ranges *decoded,
    const struct ranges *regular)
{
	struct find f = { .o = o, .src = src, .stop = src->base + src->len };
	struct lines it;
	struct line line;
	size_t d = 0, r = 0;

	lines_init(&it, src->base, src->len);
	if (src->store == STORE_SPOOL)
		lines_skip(&it, skip_header(src));
	while (!o->stop && !o->h->stop && lines_next(&it, &line)) {
		f.decoded = is_in(decoded, &d, line.p);
		const unsigned char *on = take_line(&f, &line);
		if (on)
			lines_skip(&it, on);
		if (is_in(regular, &r, it.at)) {
			end_run(&f);
			lines_skip(&it, regular->list[r].end);
		}
	}
	end_run(&f);
}
