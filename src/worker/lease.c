/*
 * lease - one message in one worker: decompose it, scan its objects, believe nothing that was not
 * checked
 *
 * The worker is killed when its time is over or when it breaks the protocol; from then on the lease
 * is dead and every call fails with the first cause. Only this message pays for it.
 */
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "base/log.h"
#include "verdict/evasion.h"
#include "worker/answer.h"
#include "worker/arena.h"
#include "worker/exchange.h"
#include "worker/pool.h"

#define STRUCTURE "structure" /* what names findings of the MIME structure as their engine */
#define TOO_MANY  "more findings than one answer may have"

struct lease {
	struct exchange x;
	bool holds; /* the worker has a message of ours */
	int arena;  /* of the set that was handed out, borrowed; -1 = none */
	bool arena_sent;
	uint32_t objects; /* of the set that was handed out */
	uint64_t placed;  /* size of its message, which can be asked for places; 0 = it cannot */
	struct answer_cover cover; /* by the last scan of the whole; no ids = nothing is covered */
};

struct lease *
workers_borrow(struct workers *p, struct wait *wait, GError **err)
{
	struct worker *w = pool_take(p, wait, err);
	struct lease *l;

	if (!w)
		return NULL;
	l = g_new0(struct lease, 1);
	l->arena = -1;
	exchange_init(&l->x, p, w);
	return l;
}

uint64_t
lease_worker(const struct lease *l)
{
	return l->x.id;
}

const uint8_t *
lease_generation(const struct lease *l)
{
	return l->x.generation;
}

void
lease_return(struct lease **lease)
{
	struct lease *l = *lease;

	if (!l)
		return;
	*lease = NULL;
	exchange_end(&l->x, l->holds);
	answer_cover_clear(&l->cover);
	g_free(l);
}

/* One packet before DONE that names a finding. */
static bool
take_finding(const struct packet *p, const char *object, const char *engine, struct verdict *v,
    const char **why)
{
	g_autofree char *where = NULL;
	enum finding_kind kind;
	const char *name, *inner;

	if (!answer_finding(p, &kind, &name, &inner, why))
		return false;
	where = *inner ? g_strconcat(object, "/", inner, NULL) : g_strdup(object);
	verdict_find(v, kind, name, where, engine);
	return true;
}

/* What looked odd about the structure, and is no finding. */
static void
tell_hints(uint64_t codes)
{
	g_autoptr(GString) names = g_string_new(NULL);

	for (unsigned e = 0; e < EVASION_COUNT; e++)
		if (codes & UINT64_C(1) << e)
			g_string_append_printf(
			    names, "%s%s", names->len > 0 ? " " : "", evasion_name(e));
	if (names->len > 0)
		log_info("paranoid: no finding, but odd: %s", names->str);
}

/* Read the answer to DECOMPOSE until DONE. False: the lease is dead and v knows why. */
static bool
read_objects(struct lease *l, struct answer_list *list, struct wait *wait, struct verdict *v,
    struct proto_done *done, char **text)
{
	const char *why = NULL, *words;
	unsigned findings = 0;
	uint64_t hints = 0;
	struct packet p;

	while (exchange_receive(&l->x, wait, v, &p)) {
		bool ok = false, last = p.op == PROTO_DONE;

		if (p.op == PROTO_OBJECT)
			ok = answer_object(list, &p, &why);
		else if (p.op == PROTO_FINDING && ++findings <= PROTO_FINDINGS_MAX)
			ok = take_finding(&p, "message", STRUCTURE, v, &why);
		else if (p.op == PROTO_HINTS)
			ok = answer_hints(&p, &hints, &why);
		else if (last && (ok = answer_done(&p, done, &words, &why)))
			*text = g_strdup(words);
		if (findings > PROTO_FINDINGS_MAX)
			why = TOO_MANY;
		if (ok && last && list->pieces->len == 0) {
			why = "no message among the objects";
			ok = false;
		}
		if (!ok) {
			exchange_break(&l->x, v, why ? why : "unexpected packet");
			return false;
		}
		if (last) {
			tell_hints(hints);
			return true;
		}
	}
	return false;
}

/* Make objects of the pieces: from here on the bytes are fixed, and the front hashes them. */
static struct objects *
build(struct lease *l, struct spool *sp, int arena, const struct answer_list *list,
    struct wait *wait, struct verdict *v)
{
	struct objects *set = objects_new(sp, arena, arena >= 0 ? list->bounds.arena_size : 0);
	g_autoptr(GError) err = NULL;

	for (guint i = 0; i < list->pieces->len; i++) {
		const struct piece *piece = g_ptr_array_index(list->pieces, i);

		if (!objects_add(set, (enum object_kind)piece->o.kind,
			(enum object_store)piece->o.store, piece->o.offset, piece->o.size,
			piece->path, *piece->type ? piece->type : NULL, piece->names, &err)) {
			exchange_stop(&l->x, v, REASON_SPOOL, err->message);
			break;
		}
		if (!exchange_tick(wait)) {
			exchange_stop(&l->x, v, REASON_TIMEOUT,
			    "the deadline passed while objects were hashed");
			break;
		}
	}
	if (set->list->len < list->pieces->len)
		objects_free(&set);
	return set;
}

/* Send the message and an arena for what it holds. */
static bool
ask(struct lease *l, struct spool *sp, int arena, const struct answer_bounds *b, bool mime,
    bool placed, struct verdict *v)
{
	struct proto_decompose rq = {
		.size = b->spool_size, .arena_size = b->arena_size, .mime = mime, .places = placed
	};
	g_autoptr(GError) err = NULL;
	int fds[2] = { spool_fd(sp, &err), arena };

	if (fds[0] < 0) {
		exchange_stop(&l->x, v, REASON_SPOOL, err->message);
		return false;
	}
	l->holds = true;
	return exchange_send(&l->x, PROTO_DECOMPOSE, &rq, sizeof(rq), fds, 2, v);
}

static struct answer_bounds
bounds_of(const struct proto_settings *s, uint64_t size)
{
	return (struct answer_bounds){
		.spool_size = size,
		.arena_size = arena_bound(size, s->max_cumulative_extract_size),
		.object_max = s->max_extract_size,
		.total_max = s->max_cumulative_extract_size,
		.count_max = s->max_file_count ? MIN(s->max_file_count, PROTO_OBJECTS_MAX)
					       : PROTO_OBJECTS_MAX,
	};
}

/* The worker said how it ended. A failure may be its own (its folder is gone, say), and must not cost the next mail. */
static void
finish(struct lease *l, const struct proto_done *done, const char *text, struct verdict *v)
{
	answer_apply(done, text, v);
	if (done->state == SCAN_FAILED)
		l->x.w->doubtful = true;
}

static struct objects *
take_apart(
    struct lease *l, struct spool *sp, bool mime, bool placed, struct wait *wait, struct verdict *v)
{
	struct answer_bounds b = bounds_of(&l->x.pool->cfg.settings, spool_size(sp));
	AUTO(answer_list_clear) struct answer_list list = { .pieces = NULL };
	AUTO(fd_close) int arena = -1;
	g_autoptr(GError) err = NULL;
	g_autofree char *text = NULL;
	struct objects *set;
	struct proto_done done;
	struct wait own;

	l->arena = -1;
	l->arena_sent = false;
	l->objects = 0;
	l->placed = 0;
	answer_cover_clear(&l->cover);
	if (exchange_dead(&l->x, v))
		return NULL;
	/* The queue took all the time: no reason to kill a worker. */
	if (deadline_passed(wait->dl)) {
		exchange_stop(
		    &l->x, v, REASON_TIMEOUT, "the deadline passed while the message waited");
		return NULL;
	}
	arena = arena_new(b.arena_size, &err);
	if (arena < 0) {
		exchange_stop(&l->x, v, REASON_SPOOL, err->message);
		return NULL;
	}
	answer_list_init(&list, &b);
	own = exchange_patience(&l->x, wait);
	if (!ask(l, sp, arena, &b, mime, placed, v) ||
	    !read_objects(l, &list, &own, v, &done, &text))
		return NULL;
	if (list.in_arena == 0)
		fd_close(&arena);
	else if (!arena_seal(arena, b.arena_size)) {
		exchange_break(&l->x, v, "the arena is still mapped for writing");
		return NULL;
	}
	set = build(l, sp, arena, &list, &own, v);
	l->arena = set ? arena : -1;
	l->objects = set ? set->list->len : 0;
	l->placed = set && placed ? b.spool_size : 0;
	arena = -1; /* the set's, or gone with it */
	if (set)
		finish(l, &done, text, v);
	return set;
}

struct objects *
lease_decompose(struct lease *l, struct spool *sp, bool mime, struct wait *wait, struct verdict *v)
{
	return take_apart(l, sp, mime, false, wait, v);
}

struct objects *
lease_decompose_placed(struct lease *l, struct spool *sp, struct wait *wait, struct verdict *v)
{
	return take_apart(l, sp, true, true, wait, v);
}

bool
lease_place(struct lease *l, const struct object *o, struct wait *wait, struct proto_place *out,
    struct verdict *v)
{
	const struct proto_place_of rq = { .object = o->id };
	const char *why = NULL, *text;
	struct proto_done done;
	bool placed = false;
	struct packet p;
	struct wait own;

	if (exchange_dead(&l->x, v))
		return false;
	if (deadline_passed(wait->dl) || l->placed == 0 || o->id >= l->objects) {
		verdict_fail(v, deadline_passed(wait->dl) ? REASON_TIMEOUT : REASON_ENGINE_ERROR,
		    "no place can be asked for");
		return false;
	}
	if (!exchange_send(&l->x, PROTO_PLACE, &rq, sizeof(rq), NULL, 0, v))
		return false;
	own = exchange_patience(&l->x, wait);
	while (exchange_receive(&l->x, &own, v, &p)) {
		if (p.op == PROTO_PLACED && !placed)
			placed = answer_place(&p, l->placed, out, &why);
		else if (p.op == PROTO_DONE && placed && answer_done(&p, &done, &text, &why) &&
		    done.state == SCAN_COMPLETE)
			return true;
		else
			placed = false;
		if (!placed) {
			exchange_break(&l->x, v, why ? why : "unexpected packet");
			return false;
		}
	}
	return false;
}

/* Read the answer to SCAN until DONE; v is already failed when this returns false. cover NULL: nobody
 * asked for it. */
static bool
read_findings(struct lease *l, const char *label, const char *engine, struct answer_cover *cover,
    struct wait *wait, struct verdict *v)
{
	const char *why = NULL, *text;
	unsigned findings = 0;
	struct proto_done done;
	struct packet p;

	while (exchange_receive(&l->x, wait, v, &p)) {
		if (p.op == PROTO_FINDING && ++findings <= PROTO_FINDINGS_MAX) {
			if (take_finding(&p, label, engine, v, &why))
				continue;
		} else if (p.op == PROTO_COVERED && cover) {
			if (answer_covered(cover, &p, &why))
				continue;
		} else if (p.op == PROTO_DONE && answer_done(&p, &done, &text, &why)) {
			if (!cover || cover->last == 0 ||
			    (findings == 0 && done.state == SCAN_COMPLETE)) {
				finish(l, &done, text, v);
				return true;
			}
			why = "covered objects, and more to say than clean";
		}
		if (findings > PROTO_FINDINGS_MAX)
			why = TOO_MANY;
		exchange_break(&l->x, v, why ? why : "unexpected packet");
		return false;
	}
	return false;
}

void
lease_scan(struct lease *l, const struct object *o, const char *engine, struct wait *wait,
    struct verdict *v)
{
	const bool cover = o->id == 0 && l->objects > 1;
	struct proto_scan rq = { .object = o->id, .flags = cover ? PROTO_SCAN_COVER : 0 };
	/* What shall be compared must be there. */
	bool with_arena = !l->arena_sent && (o->store == STORE_ARENA || (cover && l->arena >= 0));
	g_autofree char *label = NULL;

	if (o->id == 0)
		answer_cover_clear(&l->cover);
	if (exchange_dead(&l->x, v))
		return;
	if (deadline_passed(wait->dl)) {
		verdict_fail(v, REASON_TIMEOUT, "the deadline passed before the scan");
		return;
	}
	if (!l->holds || (with_arena && l->arena < 0)) {
		verdict_fail(v, REASON_ENGINE_ERROR, "object %u was not given to worker %u", o->id,
		    l->x.number);
		return;
	}
	if (!exchange_send(&l->x, PROTO_SCAN, &rq, sizeof(rq), &l->arena, with_arena ? 1 : 0, v))
		return;
	l->arena_sent |= with_arena;
	label = object_label(o);
	if (cover)
		answer_cover_init(&l->cover, l->objects);
	if (!read_findings(l, label, engine, cover ? &l->cover : NULL, wait, v) && cover)
		answer_cover_clear(&l->cover);
}

bool
lease_covers(const struct lease *l, const struct object *o)
{
	return o->id < l->cover.count && l->cover.ids[o->id] != 0;
}
