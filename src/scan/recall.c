/*
 * recall - one message's way through the memory
 */
#include "scan/recall.h"

#include <string.h>

#include "conf/conf.h"
#include "scan/fingerprint.h"
#include "scan/recall_in.h"
#include "worker/worker.h"

/* What every engine of the set scans with, as far as it is known now. */
static void
find_tags(struct recall *r)
{
	g_clear_pointer(&r->tags, g_ptr_array_unref);
	g_clear_pointer(&r->keeping, g_array_unref);
	r->tags = g_ptr_array_new_with_free_func(g_free);
	r->keeping = g_array_new(FALSE, FALSE, sizeof(enum keeping));
	for (guint i = 0; i < r->engines->list->len; i++) {
		char *tag;
		enum keeping k = identity_tag(g_ptr_array_index(r->engines->list, i), &tag);

		g_ptr_array_add(r->tags, tag);
		g_array_append_val(r->keeping, k);
	}
}

void
recall_begin(struct recall *r, struct memory *memory, const struct conf *conf,
    struct engines *engines, struct workers *workers, struct wait *wait)
{
	*r = (struct recall){ .conf = conf, .engines = engines, .workers = workers, .wait = wait };
	pthread_mutex_init(&r->mu, NULL);
	r->memory = memory;
	r->caching = memory != NULL && memory_is_on(conf);
	if (!r->caching)
		return;
	memory_options(memory, conf, r->options);
	r->slice = memory->redis != NULL ? cache_redis_slice(memory->redis) : 0;
	find_tags(r);
}

static void
recall_clear(struct recall *r)
{
	g_clear_pointer(&r->tags, g_ptr_array_unref);
	g_clear_pointer(&r->keeping, g_array_unref);
	g_clear_pointer(&r->broken_by, g_free);
	pthread_mutex_destroy(&r->mu);
}

/* How the verdict over all active engines may be kept: as the least of them. */
static enum keeping
keeping_of_all(const struct recall *r)
{
	enum keeping all = KEEP;

	for (guint i = 0; i < r->engines->list->len; i++)
		if (engine_is_active(g_ptr_array_index(r->engines->list, i)))
			all = MIN(all, g_array_index(r->keeping, enum keeping, i));
	return all;
}

guint
recall_engine_index(const struct recall *r, const struct engine *e)
{
	guint i = 0;

	while (g_ptr_array_index(r->engines->list, i) != e)
		i++;
	return i;
}

/* Tags of what really scans: engines in workers have the generation of the lease. The newest known
 * otherwise. */
GPtrArray *
recall_scanning_tags(const struct recall *r)
{
	GPtrArray *tags = g_ptr_array_new_with_free_func(g_free);

	for (guint i = 0; i < r->tags->len; i++) {
		const struct engine *e = g_ptr_array_index(r->engines->list, i);

		if (r->lease != NULL && engine_caps(e) & ENGINE_CAP_WORKER)
			g_ptr_array_add(tags, identity_generation_tag(lease_generation(r->lease)));
		else
			g_ptr_array_add(tags, g_strdup(g_ptr_array_index(r->tags, i)));
	}
	return tags;
}

/* plan: gets what judges, which the key binds the content to. */
static void
message_key(const struct recall *r, const GPtrArray *tags, uint8_t plan[DIGEST_LEN],
    uint8_t key[DIGEST_LEN])
{
	identity_plan(r->engines, r->options, tags, plan);
	fingerprint_bind(r->content, plan, key);
}

/* Ask the second tier for one key; what it knows goes into the first. */
static bool
ask_redis(struct recall *r, const uint8_t key[DIGEST_LEN], const char *label,
    struct cache_note *note, struct verdict *v)
{
	GByteArray *value = NULL;
	bool hit;

	if (r->memory->redis == NULL || r->slice <= 0)
		return false;
	cache_redis_get(r->memory->redis, 1, key, &value, &r->slice, r->wait);
	if (value == NULL)
		return false;
	hit = cache_unpack(value->data, value->len, label, note, v);
	g_byte_array_unref(value);
	if (hit)
		cache_put(r->memory->cache, key, label, note, v);
	return hit;
}

static void
fill_result(struct scan_result *out, const struct cache_note *note)
{
	out->objects = note->objects;
	out->left_out = note->left_out;
	if (verdict_state(&out->verdict) == SCAN_COMPLETE)
		out->cache = "hit";
}

/* Lead or follow the scan of this message. True when out is filled. */
static bool
fly(struct recall *r, bool shared, struct scan_result *out)
{
	struct cache_note note = { .level = CACHE_MESSAGE, .versioned = shared };
	struct flight_counts counts = { 0 };
	struct verdict *v = &out->verdict;

	memcpy(note.object, r->content, DIGEST_LEN);
	switch (flight_join(r->memory->flights, r->key, r->wait, &r->flight, v, &counts)) {
	case FLIGHT_LEADER:
		/* It may have landed between our look and our start. */
		if (!cache_find(r->memory->cache, r->key, "", &note, v) &&
		    !(shared && ask_redis(r, r->key, "", &note, v)))
			return false;
		/* Now, because what is still to be said about this message is not for others. */
		flight_land(r->memory->flights, &r->flight, v,
		    (struct flight_counts){ note.objects, note.left_out });
		break;
	case FLIGHT_ANSWER:
		/* The filters left all of it out: that is no verdict to share, and quickly seen. */
		if (verdict_state(v) == SCAN_UNKNOWN && counts.objects == 0 &&
		    counts.left_out > 0) {
			verdict_clear(v);
			return false;
		}
		note.objects = counts.objects;
		note.left_out = counts.left_out;
		break;
	case FLIGHT_TIMEOUT:
		verdict_fail(v, REASON_TIMEOUT,
		    "the same message is being scanned; no verdict inside the deadline");
		return true;
	}
	fill_result(out, &note);
	return true;
}

bool
recall_message(struct recall *r, const struct message *m, struct scan_result *out)
{
	struct cache_note note;
	enum keeping keeping;

	if (r->memory == NULL)
		return false;
	if (r->caching) {
		out->cache = "miss";
		identity_envelope(r->engines, m, r->options);
	}
	if (!fingerprint_of(m, NULL, r->content))
		return false;
	r->has_content = true;
	/* What breaks the decomposition is seen by nobody; of one engine see recall_slots(). */
	if (attempts_poisoned_by(r->memory->attempts, "", r->content,
		(unsigned)r->conf->antivirus.max_attempts, &out->verdict))
		return true;
	keeping = r->caching ? keeping_of_all(r) : KEEP_NEVER;
	if (keeping == KEEP_NEVER)
		return false;
	message_key(r, r->tags, out->plan, r->key);
	if (!cache_get(r->memory->cache, r->key, CACHE_MESSAGE, "", &note, &out->verdict))
		return fly(r, keeping == KEEP, out);
	out->plan_known = keeping == KEEP;
	fill_result(out, &note);
	return true;
}

bool
scan_plan_now(const struct conf *conf, struct engines *engines, const struct message *m,
    uint8_t plan[DIGEST_LEN])
{
	struct recall r;
	bool known;

	recall_begin(&r, engines->memory, conf, engines, NULL, NULL);
	known = r.caching && keeping_of_all(&r) == KEEP;
	if (known) {
		identity_envelope(engines, m, r.options);
		identity_plan(engines, r.options, r.tags, plan);
	}
	recall_clear(&r);
	return known;
}

/* Has a worker loaded something else than we knew of when the message began? */
static bool
is_other_generation(const struct recall *r)
{
	g_autoptr(GPtrArray) tags = recall_scanning_tags(r);

	for (guint i = 0; i < tags->len; i++)
		if (strcmp(g_ptr_array_index(tags, i), g_ptr_array_index(r->tags, i)) != 0)
			return true;
	return false;
}

void
recall_lease(struct recall *r, const struct lease *lease)
{
	r->lease = lease;
	cache_origin_add(&r->origin, lease_worker(lease));
	/* The first mails after a start come before the definitions are loaded; now they are. Those
	 * that waited through a reload are scanned with the new ones: what the old ones found clean
	 * must not answer for a part and be remembered with the whole as the new ones' word. */
	if (r->caching && (keeping_of_all(r) == KEEP_NEVER || is_other_generation(r)))
		find_tags(r);
}

/* Do the servers of an engine still tell what they told when we began? What a worker has loaded
 * never changes. */
bool
recall_same_definitions(const struct recall *r, guint at)
{
	struct engine *e = g_ptr_array_index(r->engines->list, at);
	g_autofree char *tag = NULL;

	if (engine_caps(e) & ENGINE_CAP_WORKER)
		return r->lease != NULL;
	return identity_tag(e, &tag) == g_array_index(r->keeping, enum keeping, at) &&
	    strcmp(tag, g_ptr_array_index(r->tags, at)) == 0;
}

void
recall_remember(struct recall *r, const uint8_t key[DIGEST_LEN], const char *label,
    const struct cache_note *note, const struct verdict *v)
{
	g_autoptr(GByteArray) packed = NULL;

	if (!cache_put(r->memory->cache, key, label, note, v) || r->memory->redis == NULL ||
	    !note->versioned)
		return;
	packed = g_byte_array_new();
	if (cache_pack(label, note, v, packed))
		cache_redis_put(r->memory->redis, key, packed->data, packed->len);
}

void
recall_broke(
    struct recall *r, const char *title, enum reason why, int64_t took_ms, int64_t timeout_ms)
{
	/* Only the first failure is this message's doing: a worker that is gone fails everything
	 * after it. A scan that began late had no fair time (decision 8). */
	int64_t fair =
	    MIN(timeout_ms > 0 ? timeout_ms : INT64_MAX, r->conf->antivirus.message_time_max) / 2;

	if (why == REASON_TIMEOUT && took_ms < fair)
		return;
	if (why != REASON_TIMEOUT && why != REASON_LOST && why != REASON_WORKER_DIED)
		return;
	pthread_mutex_lock(&r->mu);
	if (r->broken_by == NULL) {
		r->broken_by = g_strdup(title);
		r->broken_why = why;
		r->broken_since_ms = now_ms() - took_ms;
	}
	pthread_mutex_unlock(&r->mu);
}

/* Count the failure for all machines. Of each machine's first one nobody knows whether it was the
 * mail's doing: if all of them counted, an outage that all machines see would make poison of any
 * mail. So only where the engine has worked for others meanwhile. */
static unsigned
count_everywhere(struct recall *r, unsigned here)
{
	if (r->memory->redis == NULL || here == 0)
		return 0;
	if (here == 1 &&
	    !attempts_has_worked(r->memory->attempts, r->broken_by, r->broken_since_ms))
		return 0;
	return cache_redis_count(r->memory->redis, r->content, r->wait);
}

void
recall_judge(struct recall *r, struct plan *plan, struct verdict *v)
{
	const unsigned max = (unsigned)r->conf->antivirus.max_attempts;
	unsigned n, everywhere;

	for (guint i = 0; plan != NULL && i < plan->slots->len; i++)
		r->mended |= ((struct slot *)g_ptr_array_index(plan->slots, i))->replaced;
	if (r->memory == NULL || !r->has_content || r->broken_by == NULL)
		return;
	n = attempts_add(r->memory->attempts, r->broken_by, r->content, r->broken_why);
	everywhere = count_everywhere(r, n);
	n = MAX(n, everywhere);
	if (n < max)
		return;
	if (plan == NULL && v->states & 1u << SCAN_FAILED)
		attempts_condemn(v, n);
	for (guint i = 0; plan != NULL && i < plan->slots->len; i++) {
		struct slot *slot = g_ptr_array_index(plan->slots, i);

		if (strcmp(slot->engine->title, r->broken_by) == 0 &&
		    slot->verdict.states & 1u << SCAN_FAILED)
			attempts_condemn(&slot->verdict, n);
	}
}

/* The message as a whole, if nothing was missing and the definitions are still those that we began
 * with. */
static void
remember_message(struct recall *r, struct scan_result *out)
{
	g_autoptr(GPtrArray) tags = recall_scanning_tags(r);
	struct cache_note note = {
		.level = CACHE_MESSAGE,
		.versioned = keeping_of_all(r) == KEEP,
		.objects = out->objects,
		.left_out = out->left_out,
		.origin = r->origin,
	};
	uint8_t key[DIGEST_LEN];

	if (out->skipped != NULL || r->mended || keeping_of_all(r) == KEEP_NEVER)
		return;
	/* Parts that were known came from the newest definitions, the rest from those that scanned. */
	if (r->known > 0 && is_other_generation(r))
		return;
	for (guint i = 0; i < r->tags->len; i++)
		if (engine_is_active(g_ptr_array_index(r->engines->list, i)) &&
		    !recall_same_definitions(r, i))
			return;
	memcpy(note.object, r->content, DIGEST_LEN);
	message_key(r, tags, out->plan, key);
	out->plan_known = note.versioned;
	recall_remember(r, key, "", &note, &out->verdict);
}

void
recall_end(struct recall *r, struct scan_result *out)
{
	const struct flight_counts counts = { out->objects, out->left_out };

	if (r->caching && r->has_content && r->asked + r->known > 0)
		remember_message(r, out);
	if (r->asked == 0 && r->known > 0 && verdict_state(&out->verdict) == SCAN_COMPLETE)
		out->cache = "hit";
	if (r->memory != NULL)
		flight_land(r->memory->flights, &r->flight, &out->verdict, counts);
	recall_clear(r);
}
