/*
 * verdict - sets of states, findings and reasons, and their union
 *
 * Every field is joined by a maximum or a union over a total order, which is why the order of joins
 * cannot matter: states and kinds are bit sets, reasons take the larger pair (reason, text),
 * findings the first 64 of one sorted set.
 */
#include "verdict/verdict.h"

#include <string.h>

#define NAME_MAX_LEN   200
#define OBJECT_MAX_LEN 400
#define WHY_MAX_LEN    400
#define SHA256_LEN     64

#define BIT(n) (1u << (unsigned)(n))

static const char *const state_names[] = { "unknown", "failed", "partial", "complete" };
static const char *const kind_names[] = { "none", "macro", "encrypted", "suspicious", "blocked",
	"evasion", "infected" };
static const char *const class_names[] = {
	"clean",
	"macro",
	"encrypted",
	"suspicious",
	"unscannable",
	"error",
	"blocked",
	"evasion",
	"infected",
};
static const enum verdict_class kind_class[] = {
	CLASS_CLEAN,
	CLASS_MACRO,
	CLASS_ENCRYPTED,
	CLASS_SUSPICIOUS,
	CLASS_BLOCKED,
	CLASS_EVASION,
	CLASS_INFECTED,
};
static const char *const reason_words[] = {
#define REASON(id, word, help) [REASON_##id] = word,
#include "verdict/reasons.def"
#undef REASON
};

const char *
scan_state_name(enum scan_state s)
{
	return (size_t)s < G_N_ELEMENTS(state_names) ? state_names[s] : "?";
}

const char *
finding_kind_name(enum finding_kind k)
{
	return (size_t)k < G_N_ELEMENTS(kind_names) ? kind_names[k] : "?";
}

const char *
verdict_class_name(enum verdict_class c)
{
	return (size_t)c < G_N_ELEMENTS(class_names) ? class_names[c] : "?";
}

bool
verdict_class_parse(const char *name, enum verdict_class *out)
{
	for (size_t i = 0; i < G_N_ELEMENTS(class_names); i++)
		if (strcmp(class_names[i], name) == 0) {
			*out = (enum verdict_class)i;
			return true;
		}
	return false;
}

const char *
reason_name(enum reason r)
{
	return (unsigned)r < REASON_COUNT ? reason_words[r] : "?";
}

enum verdict_class
finding_class(enum finding_kind k)
{
	/* A kind that does not exist is somebody's error, not a clean mail. */
	return (size_t)k < G_N_ELEMENTS(kind_class) ? kind_class[k] : CLASS_ERROR;
}

static void
finding_free(void *p)
{
	struct finding *f = p;

	g_free(f->name);
	g_free(f->object);
	g_free(f->engine);
	g_free(f->sha256);
	g_free(f);
}

void
verdict_clear(struct verdict *v)
{
	g_free(v->partial_why);
	g_free(v->failed_why);
	g_clear_pointer(&v->findings, g_ptr_array_unref);
	g_clear_pointer(&v->partial_by, g_ptr_array_unref);
	g_clear_pointer(&v->failed_by, g_ptr_array_unref);
	*v = (struct verdict){ 0 };
}

void
verdict_complete(struct verdict *v)
{
	v->states |= BIT(SCAN_COMPLETE);
}

/* Keep the larger of (*r, *why) and (with, text). */
static void
raise_reason(enum reason *r, char **why, enum reason with, const char *text)
{
	if (with < *r || (with == *r && g_strcmp0(text, *why) <= 0))
		return;
	*r = with;
	g_free(*why);
	*why = g_strdup(text);
}

static char *format_why(const char *fmt, va_list ap) PRINTF(1, 0);

static char *
format_why(const char *fmt, va_list ap)
{
	char *why = g_strdup_vprintf(fmt, ap);

	if (strlen(why) > WHY_MAX_LEN)
		why[WHY_MAX_LEN] = '\0';
	return why;
}

void
verdict_fail(struct verdict *v, enum reason r, const char *fmt, ...)
{
	g_autofree char *why = NULL;
	va_list ap;

	va_start(ap, fmt);
	why = format_why(fmt, ap);
	va_end(ap);
	v->states |= BIT(SCAN_FAILED);
	raise_reason(&v->failed, &v->failed_why, r, why);
}

void
verdict_partial(struct verdict *v, enum reason r, const char *fmt, ...)
{
	g_autofree char *why = NULL;
	va_list ap;

	va_start(ap, fmt);
	why = format_why(fmt, ap);
	va_end(ap);
	v->states |= BIT(SCAN_PARTIAL);
	raise_reason(&v->partial, &v->partial_why, r, why);
}

/* A copy in printable ASCII of at most max bytes. */
static char *
sanitised(const char *s, size_t max)
{
	char *out = g_strndup(s ? s : "", max);

	for (char *p = out; *p; p++)
		if (*p < ' ' || *p > '~')
			*p = '_';
	return out;
}

/* Total order: strongest first, then by name, object, engine, content. */
static int
finding_cmp(const struct finding *a, const struct finding *b)
{
	int c;

	if (a->kind != b->kind)
		return a->kind > b->kind ? -1 : 1;
	if ((c = strcmp(a->name, b->name)) != 0 || (c = strcmp(a->object, b->object)) != 0)
		return c;
	if ((c = strcmp(a->engine, b->engine)) != 0)
		return c;
	if ((c = strcmp(a->sha256, b->sha256)) != 0)
		return c;
	return (int)a->listed - (int)b->listed;
}

/* Put f, which is taken, in its place; drop it if it is there already, drop the weakest if the room
 * is full. */
static void
insert_finding(struct verdict *v, struct finding *f)
{
	guint i;
	int c = 1;

	v->kinds |= BIT(f->kind);
	if (!v->findings)
		v->findings = g_ptr_array_new_with_free_func(finding_free);
	for (i = 0; i < v->findings->len; i++)
		if ((c = finding_cmp(f, g_ptr_array_index(v->findings, i))) <= 0)
			break;
	if (i < v->findings->len && c == 0) {
		finding_free(f);
		return;
	}
	g_ptr_array_insert(v->findings, (gint)i, f);
	if (v->findings->len > VERDICT_FINDINGS_MAX) {
		v->more = true;
		g_ptr_array_set_size(v->findings, VERDICT_FINDINGS_MAX);
	}
}

void
verdict_find_in(struct verdict *v, enum finding_kind k, const char *name, const char *object,
    const char *engine, const char *sha256)
{
	struct finding *f;

	if (k <= FINDING_NONE || k > FINDING_INFECTED) {
		verdict_fail(v, REASON_PROTOCOL, "engine %s: a finding of unknown kind %d",
		    engine ? engine : "?", (int)k);
		return;
	}
	f = g_new0(struct finding, 1);
	f->kind = k;
	f->name = sanitised(name, NAME_MAX_LEN);
	f->object = sanitised(object, OBJECT_MAX_LEN);
	f->engine = sanitised(engine, NAME_MAX_LEN);
	f->sha256 = sanitised(sha256, SHA256_LEN);
	insert_finding(v, f);
}

void
verdict_adopt(struct verdict *v, const struct finding *from, const char *object)
{
	struct finding *f = g_new0(struct finding, 1);

	f->kind = from->kind;
	f->name = sanitised(from->name, NAME_MAX_LEN);
	f->object = sanitised(object ? object : from->object, OBJECT_MAX_LEN);
	f->engine = sanitised(from->engine, NAME_MAX_LEN);
	f->sha256 = sanitised(from->sha256, SHA256_LEN);
	f->listed = from->listed;
	insert_finding(v, f);
}

void
verdict_find(struct verdict *v, enum finding_kind k, const char *name, const char *object,
    const char *engine)
{
	verdict_find_in(v, k, name, object, engine, "");
}

void
verdict_locate(struct verdict *v, const char *sha256)
{
	GPtrArray *before = g_steal_pointer(&v->findings);

	for (guint i = 0; before && i < before->len; i++) {
		struct finding *f = g_ptr_array_index(before, i);

		if (!*f->sha256) {
			g_free(f->sha256);
			f->sha256 = g_strdup(sha256);
		}
		verdict_adopt(v, f, NULL);
	}
	if (before)
		g_ptr_array_unref(before);
}

void
verdict_listed(struct verdict *v)
{
	GPtrArray *before = g_steal_pointer(&v->findings);

	for (guint i = 0; before && i < before->len; i++) {
		struct finding *f = g_ptr_array_index(before, i);

		f->listed = true;
		verdict_adopt(v, f, NULL);
	}
	if (before)
		g_ptr_array_unref(before);
}

/* Add a title to a sorted set of them. */
static void
add_title(GPtrArray **set, const char *title)
{
	guint i = 0;

	if (!*set)
		*set = g_ptr_array_new_with_free_func(g_free);
	while (i < (*set)->len && strcmp(g_ptr_array_index(*set, i), title) < 0)
		i++;
	if (i == (*set)->len || strcmp(g_ptr_array_index(*set, i), title) != 0)
		g_ptr_array_insert(*set, (gint)i, g_strdup(title));
}

static void
add_titles(GPtrArray **to, const GPtrArray *from)
{
	for (guint i = 0; from && *to != from && i < from->len; i++)
		add_title(to, g_ptr_array_index(from, i));
}

static bool
is_partial(const struct verdict *v)
{
	return v->states & BIT(SCAN_PARTIAL);
}

/* Failed, or nobody knows: both are class error. */
static bool
is_error(const struct verdict *v)
{
	return v->states == 0 || v->states & (BIT(SCAN_FAILED) | BIT(SCAN_UNKNOWN));
}

void
verdict_blame(struct verdict *v, const char *engine)
{
	if (is_partial(v) && !v->partial_by)
		add_title(&v->partial_by, engine);
	if (is_error(v) && !v->failed_by)
		add_title(&v->failed_by, engine);
}

/* The engines behind what is missing; a side that does not say who it was adds "nobody in particular". */
static void
join_blame(struct verdict *into, const struct verdict *v)
{
	if (into->states)
		verdict_blame(into, "");
	add_titles(&into->partial_by, v->partial_by);
	add_titles(&into->failed_by, v->failed_by);
	if (is_partial(v) && !v->partial_by)
		add_title(&into->partial_by, "");
	if (is_error(v) && !v->failed_by)
		add_title(&into->failed_by, "");
}

void
verdict_join(struct verdict *into, const struct verdict *v)
{
	join_blame(into, v);
	into->states |= v->states ? v->states : BIT(SCAN_UNKNOWN);
	into->kinds |= v->kinds;
	into->more |= v->more;
	raise_reason(&into->partial, &into->partial_why, v->partial, v->partial_why);
	raise_reason(&into->failed, &into->failed_why, v->failed, v->failed_why);
	for (guint i = 0; into != v && v->findings && i < v->findings->len; i++) {
		const struct finding *f = g_ptr_array_index(v->findings, i);

		verdict_adopt(into, f, NULL);
	}
}

/* Behind a finding that does not count there may be one that nobody has looked for. */
static void
leave_gap(struct verdict *v, const struct finding *f)
{
	AUTO(verdict_clear) struct verdict gap = { 0 };

	if (f->listed)
		return;
	verdict_partial(&gap, REASON_HIDDEN,
	    "engine %s: %s: %s is ignored, and what else is in there was not told", f->engine,
	    f->object, f->name);
	verdict_blame(&gap, f->engine);
	verdict_join(v, &gap);
}

unsigned
verdict_forget(struct verdict *v, finding_test *test, void *arg)
{
	GPtrArray *before = g_steal_pointer(&v->findings);
	const guint n = before ? before->len : 0;
	unsigned forgotten = 0;

	/* A kind that no finding shows stays: nobody knows whose it is. */
	for (guint i = 0; i < n && !v->more; i++)
		v->kinds &= ~BIT(((const struct finding *)g_ptr_array_index(before, i))->kind);
	for (guint i = 0; i < n; i++) {
		const struct finding *f = g_ptr_array_index(before, i);

		if (!test(f, arg)) {
			verdict_adopt(v, f, NULL);
			continue;
		}
		leave_gap(v, f);
		forgotten++;
	}
	if (before)
		g_ptr_array_unref(before);
	return forgotten;
}

bool
verdict_is_clean(const struct verdict *v)
{
	return v->states == BIT(SCAN_COMPLETE) && v->kinds == 0 && !v->more &&
	    (!v->findings || v->findings->len == 0);
}

enum scan_state
verdict_state(const struct verdict *v)
{
	for (unsigned s = SCAN_UNKNOWN; s <= SCAN_COMPLETE; s++)
		if (v->states & BIT(s))
			return (enum scan_state)s;
	return SCAN_UNKNOWN;
}

unsigned
verdict_items(const struct verdict *v)
{
	unsigned items = 0;

	if (verdict_is_clean(v))
		return BIT(CLASS_CLEAN);
	for (unsigned k = FINDING_MACRO; k <= FINDING_INFECTED; k++)
		if (v->kinds & BIT(k))
			items |= BIT(kind_class[k]);
	if (is_partial(v))
		items |= BIT(CLASS_UNSCANNABLE);
	if (is_error(v) || items == 0) /* not clean and nothing that says why: somebody's error */
		items |= BIT(CLASS_ERROR);
	return items;
}

enum verdict_class
verdict_class(const struct verdict *v)
{
	unsigned items = verdict_items(v);

	for (unsigned c = CLASS_INFECTED; c > CLASS_CLEAN; c--)
		if (items & BIT(c))
			return (enum verdict_class)c;
	return items == BIT(CLASS_CLEAN) ? CLASS_CLEAN : CLASS_ERROR;
}

const struct finding *
verdict_top(const struct verdict *v)
{
	return v->findings && v->findings->len > 0 ? g_ptr_array_index(v->findings, 0) : NULL;
}

const char *
verdict_reason(const struct verdict *v, enum verdict_class c)
{
	if (c == CLASS_UNSCANNABLE)
		return reason_name(v->partial);
	if (c != CLASS_ERROR)
		return "";
	return reason_name(v->failed != REASON_NONE ? v->failed : REASON_UNKNOWN);
}

const char *
verdict_why(const struct verdict *v, enum verdict_class c)
{
	if (c == CLASS_UNSCANNABLE)
		return v->partial_why;
	return c == CLASS_ERROR ? v->failed_why : NULL;
}
