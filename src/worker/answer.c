/*
 * answer - the checks
 */
#include "worker/answer.h"

#include <string.h>

#include "base/log.h"
#include "message/object.h"
#include "verdict/evasion.h"

static bool
refuse(const char **why, const char *text)
{
	*why = text;
	return false;
}

void
answer_list_init(struct answer_list *l, const struct answer_bounds *b)
{
	*l = (struct answer_list){ .bounds = *b, .pieces = g_ptr_array_new_with_free_func(g_free) };
}

void
answer_list_clear(struct answer_list *l)
{
	g_clear_pointer(&l->pieces, g_ptr_array_unref);
}

/* Identity: ids in order, the message first and nowhere else. */
static const char *
wrong_identity(const struct answer_list *l, const struct proto_object *o)
{
	if (o->id != l->pieces->len)
		return "object out of order";
	if (o->id > l->bounds.count_max)
		return "more objects than it may list";
	if (o->kind != (o->id == 0 ? OBJECT_MESSAGE : OBJECT_PART))
		return "object of an unexpected kind";
	if (o->store != STORE_SPOOL && (o->store != STORE_ARENA || o->id == 0))
		return "object in an unexpected place";
	if (o->name_count > PROTO_NAMES_MAX)
		return "object with too many names";
	return NULL;
}

/* Place: inside its store, inside every limit, no arena byte in two objects. */
static const char *
wrong_place(const struct answer_list *l, const struct proto_object *o)
{
	uint64_t store = o->store == STORE_ARENA ? l->bounds.arena_size : l->bounds.spool_size;

	if (o->offset > store || o->size > store - o->offset)
		return "object outside its store";
	if (o->id == 0)
		return o->offset == 0 && o->size == l->bounds.spool_size
		    ? NULL
		    : "message of another size";
	if (o->size > l->bounds.object_max)
		return "object larger than max_extract_size";
	if (o->size > l->bounds.total_max - l->total)
		return "objects larger than max_cumulative_extract_size together";
	if (o->store == STORE_ARENA && o->size > l->bounds.arena_size - l->in_arena)
		return "objects overlap in the arena";
	return NULL;
}

/* "" or numbers with dots between them. */
static bool
path_ok(const char *s, bool message)
{
	if (message || *s == '\0')
		return *s == '\0';
	return strspn(s, "0123456789.") == strlen(s);
}

/* The strings, which stand in piece->text already. */
static const char *
wrong_strings(struct piece *piece, size_t len)
{
	struct packet_text t = { .at = piece->text, .left = len };

	piece->path = packet_string(&t);
	piece->type = piece->path ? packet_string(&t) : NULL;
	if (!piece->type)
		return "object with an open string";
	if (!path_ok(piece->path, piece->o.id == 0))
		return "object with an impossible path";
	for (uint32_t i = 0; i < piece->o.name_count; i++) {
		/* Into our own copy, so the constness is packet_string()'s only. */
		const char *name = packet_string(&t);

		if (!name)
			return "object with an open string";
		piece->names[i] = piece->text + (name - piece->text);
	}
	return t.left == 0 ? NULL : "object with a tail";
}

bool
answer_object(struct answer_list *l, const struct packet *p, const char **why)
{
	g_autofree struct piece *piece = NULL;
	struct proto_object o;
	struct packet_text t;

	if (!packet_fixed(p, &o, sizeof(o), &t))
		return refuse(why, "object cut short");
	*why = wrong_identity(l, &o);
	if (!*why)
		*why = wrong_place(l, &o);
	if (!*why && t.left > PROTO_STRINGS_MAX - l->strings)
		*why = "objects with too many names";
	if (*why)
		return false;
	piece = g_malloc0(sizeof(*piece) + t.left);
	piece->o = o;
	memcpy(piece->text, t.at, t.left);
	*why = wrong_strings(piece, t.left);
	if (*why)
		return false;
	l->strings += t.left;
	l->total += o.id > 0 ? o.size : 0;
	l->in_arena += o.store == STORE_ARENA ? o.size : 0;
	g_ptr_array_add(l->pieces, g_steal_pointer(&piece));
	return true;
}

bool
answer_finding(const struct packet *p, enum finding_kind *kind, const char **name,
    const char **inner, const char **why)
{
	struct proto_finding f;
	struct packet_text t;

	if (!packet_fixed(p, &f, sizeof(f), &t))
		return refuse(why, "finding cut short");
	if (f.kind <= FINDING_NONE || f.kind > FINDING_INFECTED)
		return refuse(why, "finding of an unknown kind");
	*kind = (enum finding_kind)f.kind;
	*name = packet_string(&t);
	*inner = *name ? packet_string(&t) : NULL;
	if (!*inner || t.left > 0)
		return refuse(why, "finding with an open string or a tail");
	return true;
}

void
answer_cover_init(struct answer_cover *c, uint32_t count)
{
	*c = (struct answer_cover){ .count = count, .ids = g_new0(uint8_t, count) };
}

void
answer_cover_clear(struct answer_cover *c)
{
	g_clear_pointer(&c->ids, g_free);
	c->count = 0;
}

bool
answer_covered(struct answer_cover *c, const struct packet *p, const char **why)
{
	const uint8_t *at = p->body;
	uint32_t id;

	if (p->len == 0 || p->len % sizeof id != 0)
		return refuse(why, "list of covered objects cut short");
	for (size_t i = 0; i < p->len; i += sizeof id) {
		memcpy(&id, at + i, sizeof id);
		if (id <= c->last || id >= c->count)
			return refuse(why, "covered object out of order");
		c->last = id;
		c->ids[id] = 1;
	}
	return true;
}

bool
answer_hints(const struct packet *p, uint64_t *codes, const char **why)
{
	struct proto_hints h;
	struct packet_text t;

	if (!packet_fixed(p, &h, sizeof(h), &t) || t.left > 0)
		return refuse(why, "hints of a wrong length");
	if (h.codes == 0 || (h.codes & ~EVASION_ALL) || *codes != 0)
		return refuse(why, "hints that say nothing, too much, or come twice");
	*codes = h.codes;
	return true;
}

bool
answer_place(const struct packet *p, uint64_t spool_size, struct proto_place *out, const char **why)
{
	const struct proto_place nowhere = { .placing = 0 };
	struct proto_place at;
	struct packet_text t;

	if (!packet_fixed(p, out, sizeof(*out), &t) || t.left > 0)
		return refuse(why, "place of a wrong length");
	if (out->placing == 0 || out->placing > PLACING_LAST || out->plain > 1)
		return refuse(why, "place of an unknown kind");
	at = *out;
	at.placing = 0;
	if (out->placing != PLACING_FOUND)
		return memcmp(&at, &nowhere, sizeof(at)) == 0 ||
		    refuse(why, "place of what has none");
	if (at.begin > at.field || at.field > at.field_end || at.field_end > at.blank ||
	    at.blank >= at.body || at.body > at.end || at.end > spool_size)
		return refuse(why, "place outside of the message, or out of order");
	return true;
}

static uint32_t
state_of(const struct proto_done *d)
{
	if (d->failed != REASON_NONE)
		return SCAN_FAILED;
	return d->partial != REASON_NONE ? SCAN_PARTIAL : SCAN_COMPLETE;
}

bool
answer_done(const struct packet *p, struct proto_done *done, const char **text, const char **why)
{
	struct packet_text t;

	if (!packet_fixed(p, done, sizeof(*done), &t))
		return refuse(why, "answer cut short");
	if (done->partial >= REASON_COUNT || done->failed >= REASON_COUNT)
		return refuse(why, "answer with an unknown reason");
	if (done->state == SCAN_UNKNOWN || done->state != state_of(done))
		return refuse(why, "answer whose state is not what its reasons say");
	*text = packet_string(&t);
	if (!*text || t.left > 0)
		return refuse(why, "answer with an open string or a tail");
	return true;
}

void
answer_apply(const struct proto_done *done, const char *text, struct verdict *v)
{
	g_autoptr(GString) s = g_string_new(NULL);
	bool failed = done->failed != REASON_NONE;

	log_esc(s, text, strlen(text), PROTO_TEXT_MAX);
	if (failed)
		verdict_fail(v, (enum reason)done->failed, "%s", s->str);
	if (done->partial != REASON_NONE)
		verdict_partial(v, (enum reason)done->partial, "%s", failed ? "" : s->str);
	if (done->state == SCAN_COMPLETE)
		verdict_complete(v);
}
