/* quarantine - see quarantine.h */
#include "effect/quarantine.h"

#include <string.h>
#include <time.h>

#include "effect/quarantine_about.h"
#include "effect/quarantine_in.h"
#include "effect/release_pass.h"

/* A mail that is kept more than once gets "-2", "-3" ... behind its ref. */
#define COPIES_MAX 99

/* How often retention looks, and how often a full store is complained about. */
#define KEEPER_SECONDS 60
#define COMPLAIN_MS    60000
#define NEAR_MS        3600000
#define NEAR_PERCENT   80

G_DEFINE_QUARK(avm_quarantine_error, quarantine_error)

const char *
quarantine_state_name(enum quarantine_state s)
{
	static const char *const names[] = { "held", "partly-released", "released", "damaged" };

	return names[s];
}

bool
quarantine_needed(const struct conf *conf)
{
	bool copies = conf->split == SPLIT_QUARANTINE;

	for (guint i = 0; i < conf->policies->len; i++)
		copies = copies ||
		    ((const struct conf_policy *)g_ptr_array_index(conf->policies, i))->quarantine;
	return copies || (policy_may(conf, ACTION_QUARANTINE) && !conf->quarantine.mta_hold);
}

static void *
keep_house(void *arg)
{
	struct quarantine *q = arg;
	struct timespec until;
	bool ending = false;

	log_context("quarantine");
	while (!ending) {
		retire_expired(q);
		clock_gettime(CLOCK_MONOTONIC, &until);
		until.tv_sec += KEEPER_SECONDS;
		quarantine_lock(q);
		if (!q->ending)
			pthread_cond_timedwait(&q->wake, &q->mu, &until);
		ending = q->ending;
		quarantine_unlock(q);
	}
	return NULL;
}

static void
init(struct quarantine *q)
{
	pthread_condattr_t attr;

	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&q->wake, &attr);
	pthread_condattr_destroy(&attr);
	pthread_mutex_init(&q->mu, NULL);
	q->disk.fd = -1;
	q->entries = g_hash_table_new_full(g_str_hash, g_str_equal, NULL, entry_free);
	q->keys = index_keys_new();
	g_queue_init(&q->order);
	g_queue_init(&q->passes);
}

static gint
by_age(gconstpointer a, gconstpointer b)
{
	const struct entry *const *x = a, *const *y = b;

	return (*x)->when < (*y)->when ? -1 : (*x)->when > (*y)->when;
}

/* In the order of age, so that each finds its place at the end. */
static bool
read_all(struct quarantine *q, GError **err)
{
	g_autoptr(GPtrArray) refs = qdisk_refs(&q->disk, err);
	g_autoptr(GPtrArray) all = g_ptr_array_new();

	if (refs == NULL)
		return false;
	for (guint i = 0; i < refs->len; i++)
		g_ptr_array_add(all, entry_read(&q->disk, g_ptr_array_index(refs, i)));
	g_ptr_array_sort(all, by_age);
	for (guint i = 0; i < all->len; i++) {
		struct entry *e = g_ptr_array_index(all, i);

		if (e->state == QUARANTINE_DAMAGED)
			log_err("%s/%s: the entry is damaged; the file message in it may be whole",
			    q->disk.path, e->ref);
		if (e->interrupted)
			log_warn("%s/%s: a release was cut short, somebody may have the mail; "
				 "avmilterctl quarantine show %s",
			    q->disk.path, e->ref, e->ref);
		index_add(q, e);
	}
	return true;
}

struct quarantine *
quarantine_open(const struct conf *conf, GError **err)
{
	struct quarantine *q = g_new0(struct quarantine, 1);
	int rc;

	init(q);
	quarantine_apply(q, conf);
	if (!qdisk_open(&q->disk, conf->quarantine.directory, err) || !read_all(q, err)) {
		quarantine_close(&q);
		return NULL;
	}
	rc = pthread_create(&q->keeper, NULL, keep_house, q);
	if (rc != 0) {
		g_set_error(err, QUARANTINE_ERROR, QUARANTINE_E_IO, "%s: start a thread: %s",
		    q->disk.path, g_strerror(rc));
		quarantine_close(&q);
		return NULL;
	}
	q->keeper_runs = true;
	return q;
}

void
quarantine_apply(struct quarantine *q, const struct conf *conf)
{
	if (q == NULL)
		return;
	quarantine_lock(q);
	q->keep_ms = conf->quarantine.keep;
	q->max_size = conf->quarantine.max_size;
	pthread_cond_signal(&q->wake);
	quarantine_unlock(q);
}

void
quarantine_close(struct quarantine **qp)
{
	struct quarantine *q = *qp;

	*qp = NULL;
	if (q == NULL)
		return;
	quarantine_lock(q);
	q->ending = true;
	pthread_cond_signal(&q->wake);
	quarantine_unlock(q);
	if (q->keeper_runs)
		pthread_join(q->keeper, NULL);
	pass_forget_all(q);
	g_hash_table_unref(q->keys);
	g_hash_table_unref(q->entries);
	qdisk_close(&q->disk);
	pthread_cond_destroy(&q->wake);
	pthread_mutex_destroy(&q->mu);
	g_free(q);
}

/* Has all of the mail reached us? What was not kept by the spool cannot be kept here. */
static bool
is_whole(const struct message *m, GError **err)
{
	const GError *e = m->error;

	if (e != NULL) {
		g_set_error(err, QUARANTINE_ERROR,
		    g_error_matches(e, SPOOL_ERROR, SPOOL_E_TOOBIG) ? QUARANTINE_E_TOOBIG
								    : QUARANTINE_E_IO,
		    "quarantine: the mail was not received whole: %s", e->message);
		return false;
	}
	if (m->recipients_total != m->recipients->len) {
		g_set_error(err, QUARANTINE_ERROR, QUARANTINE_E_TOOBIG,
		    "quarantine: more recipients than can be kept (%u)", m->recipients_total);
		return false;
	}
	return true;
}

/* The same mail lies here already: note that it came again. False: it does not, or not any more. */
static bool
note_again(struct quarantine *q, const struct quarantine_case *c, struct quarantine_kept *out)
{
	const int64_t now = quarantine_now();
	uint8_t key[DIGEST_LEN];
	g_autofree char *line = NULL;
	struct entry *e;
	bool noted;

	if (!about_key(c, key, NULL)) /* what cannot be read fails when it is to be kept */
		return false;
	quarantine_lock(q);
	e = g_hash_table_lookup(q->keys, key);
	if (e != NULL && (e->busy || e->again >= QUARANTINE_AGAIN_MAX))
		e = NULL;
	if (e != NULL)
		e->pins++;
	quarantine_unlock(q);
	if (e == NULL)
		return false;
	line = about_event(
	    now, "again", json_pack("{s:s, s:s}", "id", c->message->id, "ref", c->message->ref));
	/* Somebody may have taken the files away behind our back. */
	noted = qdisk_size(&q->disk, e->ref, "message", NULL) == (int64_t)e->size &&
	    qdisk_append(&q->disk, e->ref, line, NULL);
	quarantine_lock(q);
	e->pins--;
	if (noted) {
		e->again++;
		e->when = MAX(e->when, now);
		index_touch(q, e);
		g_strlcpy(out->ref, e->ref, sizeof(out->ref));
		out->again = true;
	}
	quarantine_unlock(q);
	return noted;
}

static void
tell_nearly_full(struct quarantine *q, uint64_t used, uint64_t max)
{
	unsigned held_back;

	if (max == 0 || used / NEAR_PERCENT < max / 100 ||
	    !log_limit_pass(&q->near_limit, NEAR_MS, &held_back))
		return;
	log_warn(
	    "quarantine: %s holds %" G_GUINT64_FORMAT " of %" G_GUINT64_FORMAT
	    " bytes (max_size); raise it, shorten keep, or delete: avmilterctl quarantine list",
	    q->disk.path, used, max);
}

/* Room for a mail, until it is written; false and *err when there is none. */
static bool
reserve(struct quarantine *q, const struct conf_quarantine *conf, uint64_t need, GError **err)
{
	const uint64_t max = conf->max_size;
	bool fits;
	uint64_t used;
	unsigned held_back;

	if (max > 0 && need > max) {
		g_set_error(err, QUARANTINE_ERROR, QUARANTINE_E_TOOBIG,
		    "%s: %" G_GUINT64_FORMAT
		    " bytes are more than quarantine.max_size, which is for all mails together",
		    q->disk.path, need);
		return false;
	}
	quarantine_lock(q);
	used = q->bytes + q->reserved;
	fits = max == 0 || conf->when_full == FULL_OLDEST || used + need <= max;
	if (fits)
		q->reserved += need;
	quarantine_unlock(q);
	if (fits) {
		tell_nearly_full(q, used + need, max);
		return true;
	}
	if (log_limit_pass(&q->full_limit, COMPLAIN_MS, &held_back))
		log_err(
		    "quarantine: %s is full (max_size); mail that should be kept is answered %s",
		    q->disk.path, conf->when_full == FULL_TEMPFAIL ? "451" : "550");
	g_set_error(err, QUARANTINE_ERROR, QUARANTINE_E_FULL,
	    "%s: full: %" G_GUINT64_FORMAT " of %" G_GUINT64_FORMAT " bytes are used", q->disk.path,
	    used, max);
	return false;
}

/* A name that no entry has. False: the mail was kept too often. */
static bool
choose_ref(struct quarantine *q, const struct message *m, char out[QUARANTINE_REF_MAX + 1])
{
	bool found = false;

	quarantine_lock(q);
	for (unsigned n = 1; n <= COPIES_MAX && !found; n++) {
		if (n == 1)
			g_strlcpy(out, m->ref, QUARANTINE_REF_MAX + 1);
		else
			g_snprintf(out, QUARANTINE_REF_MAX + 1, "%s-%u", m->ref, n);
		found = index_find(q, out) == NULL;
	}
	quarantine_unlock(q);
	return found;
}

/* Write it into the room that is reserved. */
static bool
write_entry(struct quarantine *q, const struct quarantine_case *c, const char *ref,
    const json_t *about, const char *text, GError **err)
{
	struct entry *e = entry_new(about, strlen(text));
	const bool ok = qdisk_write(&q->disk, ref, c->message, text, err);

	quarantine_lock(q);
	q->reserved -= e->bytes;
	if (ok)
		index_add(q, e);
	quarantine_unlock(q);
	if (!ok)
		entry_free(e);
	return ok;
}

static bool
keep_new(struct quarantine *q, const struct quarantine_case *c, struct quarantine_kept *out,
    GError **err)
{
	const struct conf_quarantine *conf = &c->conf->quarantine;
	uint64_t need;
	json_t *about;
	char *text;
	bool ok;

	if (!choose_ref(q, c->message, out->ref)) {
		g_set_error(err, QUARANTINE_ERROR, QUARANTINE_E_IO,
		    "quarantine: %s is kept %d times already", c->message->ref, COPIES_MAX);
		return false;
	}
	about = about_make(c, out->ref, quarantine_now(), err);
	if (about == NULL)
		return false;
	text = json_dumps(about, JSON_INDENT(2) | JSON_ENSURE_ASCII);
	g_assert(text != NULL);
	need = spool_size(c->message->spool) - message_offset() + strlen(text);
	ok = reserve(q, conf, need, err) && write_entry(q, c, out->ref, about, text, err);
	free(text);
	json_decref(about);
	/* Only now: an old mail does not go for one that could not be written. */
	if (ok && conf->when_full == FULL_OLDEST)
		retire_for_space(q, conf->max_size, out->ref);
	return ok;
}

static void
count_failure(struct quarantine *q, const GError *err)
{
	if (err->code == QUARANTINE_E_IO)
		atomic_fetch_add(&q->failed, 1);
	else
		atomic_fetch_add(&q->refused, 1);
}

bool
quarantine_keep(struct quarantine *q, const struct quarantine_case *c, struct quarantine_kept *out,
    GError **err)
{
	GError *why = NULL;

	memset(out, 0, sizeof(*out));
	if (q == NULL) {
		g_set_error(err, QUARANTINE_ERROR, QUARANTINE_E_IO,
		    "quarantine: there is no store, see the log of the start");
		return false;
	}
	if (is_whole(c->message, &why)) {
		if (note_again(q, c, out)) {
			atomic_fetch_add(&q->again, 1);
			return true;
		}
		if (keep_new(q, c, out, &why)) {
			atomic_fetch_add(&q->kept, 1);
			return true;
		}
	}
	memset(out, 0, sizeof(*out));
	count_failure(q, why);
	g_propagate_error(err, why);
	return false;
}

unsigned
quarantine_refusal(const struct conf *conf, const GError *err)
{
	const bool never = g_error_matches(err, QUARANTINE_ERROR, QUARANTINE_E_FULL) ||
	    g_error_matches(err, QUARANTINE_ERROR, QUARANTINE_E_TOOBIG);

	return never && conf->quarantine.when_full != FULL_TEMPFAIL ? 550 : 451;
}

static void
count_states(const struct quarantine *q, struct quarantine_stats *out)
{
	for (const GList *l = q->order.head; l != NULL; l = l->next) {
		const struct entry *e = l->data;

		out->entries++;
		out->held += e->state == QUARANTINE_HELD || e->state == QUARANTINE_PARTLY;
		out->released += e->state == QUARANTINE_RELEASED;
	}
}

void
quarantine_stats(struct quarantine *q, struct quarantine_stats *out)
{
	*out = (struct quarantine_stats){ 0 };
	if (q == NULL)
		return;
	quarantine_lock(q);
	count_states(q, out);
	out->bytes = q->bytes;
	out->max_size = q->max_size;
	quarantine_unlock(q);
	out->kept = atomic_load(&q->kept);
	out->again = atomic_load(&q->again);
	out->refused = atomic_load(&q->refused);
	out->failed = atomic_load(&q->failed);
	out->releases = atomic_load(&q->releases);
	out->removed = atomic_load(&q->removed);
}
