/*
 * recall_slot - the parts of one message: which verdicts are known, and each of the others found
 * once for all who ask
 */
#include <string.h>

#include "conf/conf.h"
#include "scan/recall_in.h"
#include "worker/worker.h"

/* May the verdict of this slot come from, and go into, the memory by itself? The whole message is
 * remembered by its fingerprint. */
static bool
is_kept(const struct recall *r, const struct slot *slot)
{
	return r->caching && slot->object->kind != OBJECT_MESSAGE &&
	    g_array_index(r->keeping, enum keeping, recall_engine_index(r, slot->engine)) !=
	    KEEP_NEVER;
}

static void
slot_key(const struct recall *r, const struct slot *slot, const char *tag, uint8_t key[DIGEST_LEN])
{
	const struct object *o = slot->object;
	g_autoptr(GString) engine = g_string_new(NULL);
	g_autofree char *name = identity_engine(slot->engine);

	g_string_append(engine, name);
	/* A server may judge by what the part is called and declared to be; the engine in the
	 * worker sees bytes. */
	if (!(engine_caps(slot->engine) & ENGINE_CAP_WORKER)) {
		g_string_append_printf(engine, "\n%s", o->type != NULL ? o->type : "");
		for (char **n = o->names; n != NULL && *n != NULL; n++)
			g_string_append_printf(engine, "\n%zu:%s", strlen(*n), *n);
	}
	cache_key(o->sha256, engine->str, r->options, tag, key);
}

static void
newest_key(const struct recall *r, const struct slot *slot, uint8_t key[DIGEST_LEN])
{
	slot_key(r, slot, g_ptr_array_index(r->tags, recall_engine_index(r, slot->engine)), key);
}

static void
slot_known(struct recall *r, struct slot *slot, const struct cache_note *note)
{
	slot->done = true;
	pthread_mutex_lock(&r->mu);
	cache_origin_join(&r->origin, &note->origin);
	r->known++;
	pthread_mutex_unlock(&r->mu);
}

static void
look_up(struct recall *r, struct slot *slot)
{
	g_autofree char *label = object_label(slot->object);
	struct cache_note note;
	uint8_t key[DIGEST_LEN];

	if (attempts_poisoned(r->memory->attempts, slot->object->sha256,
		(unsigned)r->conf->antivirus.max_attempts, &slot->verdict)) {
		verdict_blame(&slot->verdict, slot->engine->title);
		slot->done = true;
		return;
	}
	newest_key(r, slot, key);
	if (cache_get(r->memory->cache, key, CACHE_OBJECT, label, &note, &slot->verdict))
		slot_known(r, slot, &note);
}

/* What the second tier knows of the slots that are still open, in one question. */
static void
look_up_shared(struct recall *r, struct plan *plan)
{
	uint8_t keys[REDIS_BATCH][DIGEST_LEN];
	struct slot *slots[REDIS_BATCH];
	GByteArray *values[REDIS_BATCH];
	unsigned n = 0;

	for (guint i = 0; i < plan->slots->len && n < REDIS_BATCH; i++) {
		struct slot *slot = g_ptr_array_index(plan->slots, i);

		if (slot->done || !is_kept(r, slot) ||
		    g_array_index(r->keeping, enum keeping, recall_engine_index(r, slot->engine)) !=
			KEEP)
			continue;
		newest_key(r, slot, keys[n]);
		slots[n++] = slot;
	}
	if (n == 0 || r->slice <= 0)
		return;
	cache_redis_get(r->memory->redis, n, keys[0], values, &r->slice, r->wait);
	for (unsigned i = 0; i < n; i++) {
		g_autofree char *label = object_label(slots[i]->object);
		struct cache_note note = { .level = CACHE_OBJECT, .versioned = true };

		if (values[i] == NULL)
			continue;
		memcpy(note.object, slots[i]->object->sha256, DIGEST_LEN);
		if (cache_unpack(
			values[i]->data, values[i]->len, label, &note, &slots[i]->verdict)) {
			cache_put(r->memory->cache, keys[i], label, &note, &slots[i]->verdict);
			slot_known(r, slots[i], &note);
		}
		g_byte_array_unref(values[i]);
	}
}

/* This message has broken that engine too often: it is not handed over again. The others are asked,
 * and the engine's own section says what becomes of the mail. */
static void
spare_engine(struct recall *r, struct slot *slot)
{
	if (!attempts_poisoned_by(r->memory->attempts, slot->engine->title, r->content,
		(unsigned)r->conf->antivirus.max_attempts, &slot->verdict))
		return;
	verdict_blame(&slot->verdict, slot->engine->title);
	slot->done = true;
}

void
recall_slots(struct recall *r, struct plan *plan)
{
	if (r->lease != NULL && r->memory != NULL)
		attempts_worked(r->memory->attempts, ""); /* the worker took the message apart */
	for (guint i = 0; i < plan->slots->len; i++) {
		struct slot *slot = g_ptr_array_index(plan->slots, i);

		if (!slot->done && r->memory != NULL && r->has_content)
			spare_engine(r, slot);
		if (!slot->done && is_kept(r, slot))
			look_up(r, slot);
	}
	if (r->caching && r->memory->redis != NULL)
		look_up_shared(r, plan);
}

static void
remember_slot(struct recall *r, const struct slot *slot, const char *label)
{
	guint at = recall_engine_index(r, slot->engine);
	g_autoptr(GPtrArray) tags = recall_scanning_tags(r);
	struct cache_note note = {
		.level = CACHE_OBJECT,
		.versioned = g_array_index(r->keeping, enum keeping, at) == KEEP,
	};
	uint8_t key[DIGEST_LEN];

	if (!recall_same_definitions(r, at))
		return;
	if (r->lease != NULL)
		cache_origin_add(&note.origin, lease_worker(r->lease));
	memcpy(note.object, slot->object->sha256, DIGEST_LEN);
	slot_key(r, slot, g_ptr_array_index(tags, at), key);
	recall_remember(r, key, label, &note, &slot->verdict);
}

/* Scan here, and note when it breaks. */
static void
scan_here(struct recall *r, struct slot *slot, void (*scan)(void *arg), void *arg)
{
	int64_t began = now_ms();

	pthread_mutex_lock(&r->mu);
	r->asked++;
	pthread_mutex_unlock(&r->mu);
	scan(arg);
	if (r->memory != NULL && verdict_state(&slot->verdict) == SCAN_COMPLETE)
		attempts_worked(r->memory->attempts, slot->engine->title);
	if (slot->verdict.states & 1u << SCAN_FAILED)
		recall_broke(r, slot->engine->title, slot->verdict.failed, now_ms() - began,
		    slot->engine->conf->timeout);
}

/* The same part is being scanned for another message: its verdict, under our name for the part. */
static void
adopt(struct recall *r, struct slot *slot, const uint8_t key[DIGEST_LEN], const char *label,
    const struct verdict *theirs)
{
	struct cache_note note = { .origin = { .many = true } };

	/* As it was remembered, so that we know which worker gave it. */
	if (!cache_find(r->memory->cache, key, label, &note, &slot->verdict) &&
	    !cache_relabel(theirs, "", label, &slot->verdict))
		verdict_fail(&slot->verdict, REASON_UNKNOWN,
		    "the result of the same scan for another message has no place for "
		    "the name");
	slot_known(r, slot, &note);
}

/* Scan for all who ask for this part at this moment. */
static void
lead(struct recall *r, struct slot *slot, const uint8_t key[DIGEST_LEN], const char *label,
    struct flight **f, void (*scan)(void *arg), void *arg)
{
	AUTO(verdict_clear) struct verdict bare = { 0 };
	const struct flight_counts none = { 0 };
	struct cache_note note;

	/* It may have landed between our look and our start. */
	if (cache_find(r->memory->cache, key, label, &note, &slot->verdict)) {
		slot_known(r, slot, &note);
	} else {
		scan_here(r, slot, scan, arg);
		remember_slot(r, slot, label);
	}
	if (!cache_relabel(&slot->verdict, label, "", &bare))
		verdict_clear(&bare);
	flight_land(r->memory->flights, f, &bare, none);
}

void
recall_scan(struct recall *r, struct slot *slot, const char *label, struct wait *wait,
    void (*scan)(void *arg), void *arg)
{
	AUTO(verdict_clear) struct verdict theirs = { 0 };
	struct flight_counts counts;
	uint8_t key[DIGEST_LEN];
	struct flight *f = NULL;

	if (!is_kept(r, slot)) {
		scan_here(r, slot, scan, arg);
		return;
	}
	newest_key(r, slot, key);
	switch (flight_join(r->memory->flights, key, wait, &f, &theirs, &counts)) {
	case FLIGHT_LEADER:
		lead(r, slot, key, label, &f, scan, arg);
		break;
	case FLIGHT_ANSWER:
		adopt(r, slot, key, label, &theirs);
		break;
	case FLIGHT_TIMEOUT:
		verdict_fail(&slot->verdict, REASON_TIMEOUT,
		    "engine %s: the same object is being scanned; no verdict inside the "
		    "deadline",
		    slot->engine->title);
		verdict_blame(&slot->verdict, slot->engine->title);
	}
}
