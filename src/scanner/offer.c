#include "scanner/offer.h"

#include "scanner/containers.h"

void
offer_init(struct offer *o, struct harvest *h)
{
	uint64_t size = h->job->size;

	*o = (struct offer){ .h = h,
		.out_left = MAX(OFFER_OUT_TIMES * size + OFFER_OUT_PLUS, OFFER_OUT_LEAST),
		.work_left = OFFER_WORK_TIMES * size + OFFER_WORK_PLUS,
		.decoded = g_array_new(FALSE, FALSE, sizeof(struct range)),
		.regular = g_array_new(FALSE, FALSE, sizeof(struct range)),
		.tasks = g_array_new(FALSE, FALSE, sizeof(struct task)) };
}

void
offer_clear(struct offer *o)
{
	g_clear_pointer(&o->decoded, g_array_unref);
	g_clear_pointer(&o->regular, g_array_unref);
	g_clear_pointer(&o->tasks, g_array_unref);
}

static void
end(struct offer *o, const char *why)
{
	verdict_partial(o->h->v, REASON_LIMIT_CUMULATIVE, "%s", why);
	o->stop = true;
}

bool
offer_work(struct offer *o, size_t len)
{
	if (o->stop || o->h->stop || harvest_time_is_up(o->h))
		return false;
	if (len > o->work_left) {
		end(o, "too many ways to read what may be hidden in the message");
		return false;
	}
	o->work_left -= len;
	return true;
}

struct sink
offer_sink(struct offer *o)
{
	const struct arena *a = &o->h->arena;
	uint64_t room = MIN(a->size - a->used, o->out_left);

	return (struct sink){ .base = a->base + a->used, .size = room };
}

/* Hand out bytes that are new. */
static bool
emit(struct offer *o, const struct source *src)
{
	char *no_names[] = { NULL };
	char path[16];
	struct part p = { .kind = OBJECT_PART,
		.store = src->store,
		.offset = src->offset,
		.size = src->len,
		.path = path,
		.type = "",
		.names = o->names ? o->names : no_names };

	g_snprintf(path, sizeof path, "0.%u", o->count + 1);
	if (src->len > o->out_left) {
		end(o, "more hidden content than 4 times the message");
		return false;
	}
	if (!harvest_fits(o->h, src->len, path)) {
		o->stop = true;
		return false;
	}
	o->count++;
	o->out_left -= src->len;
	harvest_emit(o->h, &p);
	if (o->depth + 1 > OFFER_DEPTH_MAX) {
		verdict_partial(o->h->v, REASON_LIMIT_DEPTH, "hidden content nested deeper than %d",
		    OFFER_DEPTH_MAX);
		o->stop = true;
	}
	return true;
}

void
offer_task(struct offer *o, const struct source *src, unsigned depth)
{
	struct task t = { *src, depth };

	g_array_append_val(o->tasks, t);
}

/* What a container held is swept like what was decoded. */
static void
sweep_content(void *arg, const struct source *src, const char *path, unsigned depth)
{
	(void)path;
	offer_task(arg, src, depth);
}

/* What was handed out last may be a container. */
static void
open_up(struct offer *o, const struct source *src)
{
	const struct containers containers = { .h = o->h, .content = sweep_content, .arg = o };
	char path[16];

	g_snprintf(path, sizeof path, "0.%u", o->count);
	containers_open(&containers, src, path, o->depth);
}

void
offer_names(struct offer *o, char **names, bool more)
{
	o->names = names && names[0] ? names : NULL;
	if (more)
		verdict_partial(o->h->v, REASON_LIMIT_FILES, "a hidden part has too many names");
}

/* Known bytes under a name that is new for them: whoever leaves objects out by their names must see it. */
static bool
renamed(struct offer *o, const unsigned char *data, size_t len)
{
	bool all = true;

	for (char **n = o->names; n && *n && all; n++) {
		size_t compared = 0;
		all = harvest_has_name(o->h, data, len, *n, &compared);
		if (!offer_work(o, compared))
			return false;
	}
	return !all;
}

void
offer_leaf(struct offer *o, const struct leaf *leaf)
{
	const struct source src = harvest_source(o->h, leaf);

	if (!o->stop && !o->h->stop && leaf->len > 0 && renamed(o, leaf->data, leaf->len))
		(void)emit(o, &src);
}

void
offer_decoded(struct offer *o, const struct sink *s, size_t from, size_t len)
{
	struct arena *a = &o->h->arena;
	struct source src = { .base = s->base + from,
		.len = len,
		.store = STORE_ARENA,
		.offset = (uint64_t)(s->base - a->base) + from };

	if (o->stop || o->h->stop)
		return;
	if (s->full) {
		end(o, "more hidden content than 4 times the message, or than its arena holds");
		return;
	}
	if (len == 0)
		return;
	bool fresh = harvest_is_new(o->h, src.base, len);
	if (!fresh && !renamed(o, src.base, len))
		return;
	/* All that was decoded there stays: a second object may follow from it. */
	a->used = MAX(a->used, (size_t)(s->base - a->base) + s->used);
	if (!emit(o, &src) || !fresh)
		return;
	offer_task(o, &src, o->depth + 1);
	open_up(o, &src);
}

/* No task: it is swept where it stands. */
void
offer_slice(struct offer *o, const struct source *src, const unsigned char *p, size_t len)
{
	struct source slice = { .base = p,
		.len = len,
		.store = src->store,
		.offset = src->offset + (uint64_t)(p - src->base) };

	if (o->stop || o->h->stop || len == 0)
		return;
	bool fresh = harvest_is_new(o->h, p, len);
	if ((fresh || renamed(o, p, len)) && emit(o, &slice) && fresh)
		open_up(o, &slice);
}
