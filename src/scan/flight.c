/*
 * flight - the same scan is done once, however many messages ask for it at the same moment
 */
#include "scan/flight.h"

#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

#include "verdict/codec.h"

struct flight {
	uint8_t key[DIGEST_LEN];
	unsigned refs;               /* leaders and followers */
	unsigned leaders;            /* so far */
	unsigned leading;            /* now */
	int64_t led_ms;              /* when the last of them began */
	bool landed;                 /* answer is final */
	struct flight_counts counts; /* of the answer */
	GByteArray *answer;          /* encoded verdict; immutable once landed */
	pthread_cond_t changed;      /* nobody leads any more, or landed */
};

struct flights {
	unsigned attempts;
	int64_t patience_ms;
	pthread_mutex_t mu; /* guards everything below and every struct flight */
	GHashTable *flying; /* key -> struct flight *, not landed */
	unsigned waiting;
	uint64_t ledn, followed, promoted, timeouts;
};

static guint
key_hash(gconstpointer key)
{
	guint h;

	memcpy(&h, key, sizeof h);
	return h;
}

static gboolean
key_equal(gconstpointer a, gconstpointer b)
{
	return memcmp(a, b, DIGEST_LEN) == 0;
}

struct flights *
flights_new(unsigned attempts, int64_t patience_ms)
{
	struct flights *fs = g_new0(struct flights, 1);

	g_assert(attempts > 0);
	pthread_mutex_init(&fs->mu, NULL);
	fs->flying = g_hash_table_new(key_hash, key_equal);
	fs->attempts = attempts;
	fs->patience_ms = patience_ms;
	return fs;
}

void
flights_free(struct flights **fsp)
{
	struct flights *fs = *fsp;

	if (fs == NULL)
		return;
	g_assert(g_hash_table_size(fs->flying) == 0);
	g_hash_table_destroy(fs->flying);
	pthread_mutex_destroy(&fs->mu);
	g_free(fs);
	*fsp = NULL;
}

/* Locks: fs->mu. */
static struct flight *
take_off(struct flights *fs, const uint8_t key[DIGEST_LEN])
{
	struct flight *f = g_new0(struct flight, 1);

	memcpy(f->key, key, DIGEST_LEN);
	cond_init(&f->changed);
	g_hash_table_insert(fs->flying, f->key, f);
	return f;
}

/* Locks: fs->mu. The last one out takes the flight away. */
static void
leave(struct flights *fs, struct flight *f)
{
	if (--f->refs > 0)
		return;
	if (!f->landed)
		g_hash_table_remove(fs->flying, f->key);
	if (f->answer != NULL)
		g_byte_array_unref(f->answer);
	pthread_cond_destroy(&f->changed);
	g_free(f);
}

/* Has the follower still time? */
static bool
wait_left(const struct wait *w)
{
	return !deadline_passed(w->dl) && (w->cut == NULL || atomic_load(w->cut) > now_ms());
}

/* Locks: fs->mu. Sleep until something changes, or until the leader has been silent for too long.
 */
static void
sleep_a_while(struct flights *fs, struct flight *f, struct wait *w)
{
	struct wait cut = *w;

	if (f->leaders < fs->attempts)
		cut = wait_until(w, (struct deadline){ .at_ms = f->led_ms + fs->patience_ms });
	wait_cond(&cut, &f->changed, &fs->mu);
	w->next_tick_ms = cut.next_tick_ms;
}

/* Locks: fs->mu. May a follower scan by itself? Nobody does, or whoever does is silent. */
static bool
is_free(const struct flights *fs, const struct flight *f)
{
	return f->leading == 0 ||
	    (f->leaders < fs->attempts && now_ms() >= f->led_ms + fs->patience_ms);
}

/* Locks: fs->mu. Wait for a change; says what became of the follower. */
static enum flight_role
follow(struct flights *fs, struct flight *f, struct wait *w)
{
	fs->waiting++;
	while (!f->landed && !is_free(fs, f) && wait_left(w))
		sleep_a_while(fs, f, w);
	fs->waiting--;
	if (f->landed)
		return FLIGHT_ANSWER;
	/* Nobody leads: all followers were woken, and one that still has time takes over. */
	return is_free(fs, f) && wait_left(w) ? FLIGHT_LEADER : FLIGHT_TIMEOUT;
}

/* Locks: fs->mu. */
static void
lead(struct flights *fs, struct flight *f)
{
	f->leading++;
	f->leaders++;
	f->led_ms = now_ms();
	fs->ledn++;
	fs->promoted += f->leaders > 1;
}

enum flight_role
flight_join(struct flights *fs, const uint8_t key[DIGEST_LEN], struct wait *w, struct flight **out,
    struct verdict *v, struct flight_counts *counts)
{
	g_autoptr(GByteArray) answer = NULL;
	enum flight_role role;
	struct flight *f;

	*out = NULL;
	pthread_mutex_lock(&fs->mu);
	f = g_hash_table_lookup(fs->flying, key);
	if (f == NULL)
		f = take_off(fs, key);
	f->refs++;
	role = f->leading > 0 ? follow(fs, f, w) : FLIGHT_LEADER;
	if (role == FLIGHT_LEADER) {
		lead(fs, f);
		*out = f;
	} else {
		if (role == FLIGHT_ANSWER)
			*counts = f->counts;
		if (role == FLIGHT_ANSWER)
			answer = g_byte_array_append(
			    g_byte_array_new(), f->answer->data, f->answer->len);
		fs->followed += role == FLIGHT_ANSWER;
		fs->timeouts += role == FLIGHT_TIMEOUT;
		leave(fs, f);
	}
	pthread_mutex_unlock(&fs->mu);
	if (role == FLIGHT_ANSWER && !verdict_decode(answer->data, answer->len, v))
		verdict_fail(v, REASON_UNKNOWN,
		    "the result of the same scan for another message could not be read");
	return role;
}

/* A verdict that another attempt would not change. */
static bool
settled(const struct verdict *v)
{
	return v != NULL && v->states != 0 &&
	    (v->states & (1u << SCAN_FAILED | 1u << SCAN_UNKNOWN)) == 0;
}

void
flight_land(
    struct flights *fs, struct flight **fp, const struct verdict *v, struct flight_counts counts)
{
	static const struct verdict nothing = { .states = 1u << SCAN_UNKNOWN };
	struct flight *f = *fp;
	GByteArray *answer;

	if (f == NULL)
		return;
	*fp = NULL;
	answer = g_byte_array_new();
	verdict_encode(v != NULL && v->states != 0 ? v : &nothing, answer);
	pthread_mutex_lock(&fs->mu);
	f->leading--;
	if (!f->landed && (settled(v) || (f->leading == 0 && f->leaders >= fs->attempts))) {
		f->landed = true;
		f->counts = counts;
		f->answer = g_steal_pointer(&answer);
		g_hash_table_remove(fs->flying, f->key);
	}
	pthread_cond_broadcast(&f->changed);
	leave(fs, f);
	pthread_mutex_unlock(&fs->mu);
	if (answer != NULL)
		g_byte_array_unref(answer);
}

void
flights_stats(struct flights *fs, struct flights_stats *out)
{
	pthread_mutex_lock(&fs->mu);
	*out = (struct flights_stats){
		.flying = g_hash_table_size(fs->flying),
		.waiting = fs->waiting,
		.led = fs->ledn,
		.followed = fs->followed,
		.promoted = fs->promoted,
		.timeouts = fs->timeouts,
	};
	pthread_mutex_unlock(&fs->mu);
}
