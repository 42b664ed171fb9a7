/* repair - see repair.h */
#include "effect/repair.h"

#include <string.h>

#include "effect/cure.h"
#include "effect/notice.h"
#include "effect/splice.h"
#include "policy/ignore.h"
#include "worker/worker.h"

#define BASE64_FIELD "Content-Transfer-Encoding: base64\r\n"

/* What names findings of the MIME structure as their engine (worker/lease.c). */
#define STRUCTURE "structure"

/* One repair under way. */
struct work {
	const struct repair *r;
	GPtrArray *guilty; /* of struct finding *, borrowed: what is not to be delivered */
	struct lease *lease;
	struct objects *objects;
	GPtrArray *cuts; /* of struct cut * */
	unsigned cured;  /* cuts that have a content */
	char **why;
};

/* A part that goes. */
struct cut {
	struct proto_place at;
	const struct object *object; /* the first that was found in it */
	const struct object
	    *leaf;     /* the content of the part itself, if something was found in that */
	GBytes *cured; /* what an engine has made of it, or NULL */
	const struct finding *top;
	GPtrArray *names; /* of char *, borrowed */
};

static void
cut_free(void *p)
{
	struct cut *c = p;

	g_ptr_array_unref(c->names);
	g_clear_pointer(&c->cured, g_bytes_unref);
	g_free(c);
}

static bool
refuse(const struct work *w, const char *why)
{
	*w->why = g_strdup(why);
	return false;
}

static bool
refuse_verdict(const struct work *w, const char *what, const struct verdict *v)
{
	const char *text = v->failed_why ? v->failed_why : v->partial_why;

	*w->why = g_strdup_printf("%s: %s", what, text ? text : "nothing is known");
	return false;
}

/* Is somebody to have the mail for whom these items say something else than pass? */
static bool
is_barred(const struct repair *r, const struct message *m, const struct verdict *v)
{
	const GPtrArray *removed = r->decision->removed;
	struct outcomes o;
	struct facts f;
	bool barred = false;

	facts_of(m, &f);
	policy_walk(r->rules, &f, v, &o);
	for (guint i = 0; i < o.of->len; i++) {
		const bool gone = !o.one && removed != NULL &&
		    g_ptr_array_find_with_equal_func((GPtrArray *)(uintptr_t)removed,
			g_ptr_array_index(m->recipients, i), g_str_equal, NULL);

		barred |= !gone && g_array_index(o.of, struct outcome, i).action != ACTION_PASS;
	}
	outcomes_clear(&o);
	facts_clear(&f);
	return barred;
}

/* Would this finding alone keep the mail back? What may pass stays in it. */
static bool
is_guilty(const struct repair *r, const struct finding *f)
{
	AUTO(verdict_clear) struct verdict v = { 0 };

	verdict_find_in(&v, f->kind, f->name, f->object, f->engine, f->sha256);
	verdict_complete(&v);
	return is_barred(r, r->message, &v);
}

static bool
has_field(const struct message *m, const char *name)
{
	return message_header_count(m, name) > 0;
}

/* Will the second scan ask it about the mail as a whole, so that its silence means something? Backups and engines
 * that only scripts ask may not be. */
static bool
is_asked_again(const struct repair *r, const char *title)
{
	const struct engine *e = engines_find(r->engines, title);

	return strcmp(title, STRUCTURE) == 0 || (e && engine_is_active(e));
}

/* What need not be tried. */
static bool
is_worth_it(struct work *w)
{
	const struct repair *r = w->r;
	const struct verdict *v = &r->scan->verdict;

	if (verdict_state(v) != SCAN_COMPLETE || r->message->error || r->message->headers_over)
		return refuse(w, "not all of the mail could be examined");
	if (v->more)
		return refuse(w, "more was found than is kept");
	if (r->leaves && !r->conf->antivirus.repair_relayed &&
	    has_field(r->message, "DKIM-Signature"))
		return refuse(
		    w, "it is signed with DKIM and leaves for elsewhere (repair_relayed)");
	for (guint i = 0; v->findings && i < v->findings->len; i++) {
		struct finding *f = g_ptr_array_index(v->findings, i);

		if (!is_guilty(r, f))
			continue;
		if (f->kind == FINDING_EVASION)
			return refuse(w, "its structure tries to evade the scan");
		if (!*f->sha256 && !is_asked_again(r, f->engine))
			return refuse(w,
			    "an engine that would not be asked again has found "
			    "something in the mail as a whole");
		g_ptr_array_add(w->guilty, f);
	}
	if (w->guilty->len == 0)
		return refuse(w, "nothing was found that could be taken out");
	return r->workers || refuse(w, "there are no scanning processes");
}

static bool
take_apart(struct work *w)
{
	AUTO(verdict_clear) struct verdict v = { 0 };
	g_autoptr(GError) err = NULL;

	w->lease = workers_borrow(w->r->workers, w->r->wait, &err);
	if (!w->lease)
		return refuse(w, err->message);
	w->objects = lease_decompose_placed(w->lease, w->r->message->spool, w->r->wait, &v);
	if (!w->objects || verdict_state(&v) != SCAN_COMPLETE)
		return refuse_verdict(w, "not all of the mail could be taken apart", &v);
	return true;
}

static const char *
placing_text(uint32_t placing)
{
	switch (placing) {
	case PLACING_WHOLE:
		return "what was found is all of the mail";
	case PLACING_SEALED:
		return "what was found is signed or encrypted";
	case PLACING_HIDDEN:
		return "what was found is no part of the MIME structure";
	default:
		return "the MIME structure around what was found is malformed";
	}
}

/* The cut at that place, made when it is the first there. */
static struct cut *
cut_at(struct work *w, const struct proto_place *at, const struct object *o)
{
	struct cut *c;

	for (guint i = 0; i < w->cuts->len; i++) {
		c = g_ptr_array_index(w->cuts, i);
		if (c->at.begin == at->begin && c->at.end == at->end)
			return c;
	}
	c = g_new0(struct cut, 1);
	c->at = *at;
	c->object = o;
	c->names = g_ptr_array_new();
	g_ptr_array_add(w->cuts, c);
	return c;
}

/* The findings in an object go onto the cut that it belongs to. */
static bool
cut_object(struct work *w, const struct object *o, bool *met)
{
	AUTO(verdict_clear) struct verdict v = { 0 };
	char hex[DIGEST_HEX];
	struct proto_place at;
	struct cut *c = NULL;

	digest_hex(o->sha256, hex);
	for (guint i = 0; i < w->guilty->len; i++) {
		const struct finding *f = g_ptr_array_index(w->guilty, i);

		if (strcmp(f->sha256, hex) != 0)
			continue;
		met[i] = true;
		if (!c && !lease_place(w->lease, o, w->r->wait, &at, &v))
			return refuse_verdict(w, "its parts could not be placed", &v);
		if (!c && at.placing != PLACING_FOUND)
			return refuse(w, placing_text(at.placing));
		if (!c)
			c = cut_at(w, &at, o);
		if (at.plain)
			c->leaf = o;
		if (!c->top)
			c->top = f;
		if (!g_ptr_array_find_with_equal_func(c->names, f->name, g_str_equal, NULL))
			g_ptr_array_add(c->names, f->name);
	}
	return true;
}

/* Find every part in which something was found. What was found in the mail as a whole must be gone with
 * them, which the second scan tells. */
static bool
find_cuts(struct work *w)
{
	g_autofree bool *met = g_new0(bool, w->guilty->len);

	for (guint i = 1; i < w->objects->list->len; i++)
		if (!cut_object(w, g_ptr_array_index(w->objects->list, i), met))
			return false;
	for (guint i = 0; i < w->guilty->len; i++) {
		const struct finding *f = g_ptr_array_index(w->guilty, i);

		if (*f->sha256 && !met[i])
			return refuse(w, "what was found is in no part that could be found again");
	}
	return w->cuts->len > 0 ||
	    refuse(w, "what was found is in the mail as a whole and in no part of it");
}

static GBytes *
notice_for(const struct work *w, const struct cut *c, const char *template)
{
	g_autofree char *names = NULL;
	const struct repair *r = w->r;
	struct notice_words words = {
		.name = c->object->names[0],
		.type = c->object->type,
		.engine = c->top->engine,
		.class_name = verdict_class_name(finding_class(c->top->kind)),
		.ref = r->message->ref,
		.qid = r->message->id,
		.host = r->host,
	};

	g_ptr_array_add(c->names, NULL);
	names = g_strjoinv(", ", (char **)c->names->pdata);
	g_ptr_array_set_size(c->names, (int)c->names->len - 1);
	words.virus = names;
	return notice_part(template, &words);
}

/* Let the engines repair what they can. */
static void
cure_cuts(struct work *w)
{
	for (guint i = 0; i < w->cuts->len; i++) {
		struct cut *c = g_ptr_array_index(w->cuts, i);

		if (c->leaf)
			c->cured = cure_object(w->r->engines, c->top->engine, w->r->message,
			    w->objects, c->leaf, w->r->wait);
		w->cured += c->cured != NULL;
	}
}

/* The header of the part stays, but for the field that says how its content is encoded. */
static void
put_content(GArray *splices, const struct cut *c)
{
	size_t len;
	const void *data = g_bytes_get_data(c->cured, &len);

	splices_add(splices, c->at.field, c->at.field_end,
	    g_bytes_new_static(BASE64_FIELD, strlen(BASE64_FIELD)));
	splices_add(
	    splices, c->at.body, c->at.end, g_string_free_to_bytes(notice_base64(data, len)));
}

/* Put it together. */
static struct message *
rebuild(const struct work *w, bool cured)
{
	const struct conf *conf = w->r->conf;
	const struct message_limits lim = {
		.spool = { .memory_max = conf->spool.memory_max,
		    .message_max = conf->spool.message_max,
		    .total_max = conf->spool.total_max,
		    .file_base = conf->antivirus.file_base },
		.header_max = conf->antivirus.header_max,
	};
	g_autofree char *template = notice_template(conf->antivirus.repair_notice);
	g_autoptr(GArray) splices = splices_new();
	g_autoptr(GError) err = NULL;
	struct message *m;

	for (guint i = 0; i < w->cuts->len; i++) {
		const struct cut *c = g_ptr_array_index(w->cuts, i);

		if (cured && c->cured)
			put_content(splices, c);
		else
			splices_add(splices, c->at.begin, c->at.end, notice_for(w, c, template));
	}
	m = splices_apply(w->r->message, splices, w->r->budget, &lim, &err);
	if (!m)
		refuse(w, err->message);
	return m;
}

/* Nothing but a scan from end to end tells that it may go out. */
static bool
is_sound(const struct work *w, const struct message *m)
{
	AUTO(scan_result_clear) struct scan_result again = { .cache = "off" };
	const struct repair *r = w->r;
	const struct finding *top;
	struct facts f;

	scan_message(r->conf, r->engines, r->workers, m, r->wait, &again);
	facts_of(m, &f);
	ignore_findings(r->rules, &f, &again);
	facts_clear(&f);
	if (verdict_state(&again.verdict) != SCAN_COMPLETE)
		return refuse_verdict(w, "the repaired mail could not be examined", &again.verdict);
	if (!is_barred(r, m, &again.verdict))
		return true;
	top = verdict_top(&again.verdict);
	*w->why =
	    g_strdup_printf("in the repaired mail there is still %s", top ? top->name : "more");
	return false;
}

static struct message *
attempt(const struct work *w, bool cured)
{
	struct message *m = rebuild(w, cured);

	if (m && !is_sound(w, m))
		message_free(&m);
	return m;
}

static void
work_clear(struct work *w)
{
	g_ptr_array_unref(w->guilty);
	g_ptr_array_unref(w->cuts);
	objects_free(&w->objects);
	lease_return(&w->lease);
}

bool
repair_message(const struct repair *r, struct repaired *out, char **why)
{
	AUTO(work_clear)
	struct work w = {
		.r = r,
		.guilty = g_ptr_array_new(),
		.cuts = g_ptr_array_new_with_free_func(cut_free),
		.why = why,
	};

	*out = (struct repaired){ 0 };
	if (!is_worth_it(&w) || !take_apart(&w) || !find_cuts(&w))
		return false;
	/* The second scan needs a worker itself. */
	lease_return(&w.lease);
	cure_cuts(&w);
	out->parts = w.cuts->len;
	out->cured = w.cured;
	out->message = attempt(&w, w.cured > 0);
	if (!out->message && w.cured > 0) { /* what it made of them is no better */
		g_clear_pointer(why, g_free);
		out->cured = 0;
		out->message = attempt(&w, false);
	}
	return out->message != NULL;
}

void
repaired_clear(struct repaired *r)
{
	message_free(&r->message);
	*r = (struct repaired){ 0 };
}
