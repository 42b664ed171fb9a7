/* quarantine_retire - how entries go: deleted, expired, evicted */
#include "effect/quarantine_in.h"

#define MS 1000

bool
retire_entry(struct quarantine *q, struct entry *e, GError **err)
{
	const bool gone = qdisk_remove(&q->disk, e->ref, err);

	quarantine_lock(q);
	if (gone)
		index_take(q, e);
	e->stuck = !gone;
	e->busy = false;
	quarantine_unlock(q);
	if (!gone)
		return false;
	atomic_fetch_add(&q->removed, 1);
	entry_free(e);
	return true;
}

/* Say which mail goes before it is gone. Its texts come from mail. */
static void
tell(const struct quarantine *q, const struct entry *e, const char *why)
{
	GString *line = g_string_new(NULL);

	g_string_append_printf(line,
	    "quarantine: %s/%s %s: state=%s class=%s size=%" G_GUINT64_FORMAT " from=\"",
	    q->disk.path, e->ref, why, quarantine_state_name(e->state),
	    e->cls != NULL ? e->cls : "unknown", e->size);
	if (e->sender != NULL)
		log_esc(line, e->sender, strlen(e->sender), 200);
	g_string_append(line, "\" to=\"");
	if (e->recipient != NULL)
		log_esc(line, e->recipient, strlen(e->recipient), 200);
	g_string_append(line, "\"");
	log_notice("%s", line->str);
	g_string_free(line, TRUE);
}

static bool
retire_telling(struct quarantine *q, struct entry *e, const char *why)
{
	g_autofree char *ref = g_strdup(e->ref);
	const bool told = e->stuck;
	g_autoptr(GError) err = NULL;
	bool gone;

	if (!told)
		tell(q, e, why);
	gone = retire_entry(q, e, &err);
	if (gone && told)
		log_notice("quarantine: %s/%s could be removed now", q->disk.path, ref);
	else if (!gone && !told)
		log_err("quarantine: %s; it is tried again", err->message);
	return gone;
}

/* Goes a before b, which is older? What could not be removed comes last; released ones come first:
 * nobody waits for them. */
static bool
goes_before(const struct entry *a, const struct entry *b)
{
	if (a->stuck != b->stuck)
		return b->stuck;
	return a->state == QUARANTINE_RELEASED && b->state != QUARANTINE_RELEASED;
}

/* The entry that is to go next, taken for us; NULL when the bound holds or nothing may. */
static struct entry *
take_next(struct quarantine *q, uint64_t max_size, const char *but)
{
	struct entry *found = NULL;

	quarantine_lock(q);
	for (const GList *l = q->bytes > max_size ? q->order.head : NULL; l != NULL; l = l->next) {
		struct entry *e = l->data;

		if (!entry_is_free(e) || strcmp(e->ref, but) == 0)
			continue;
		if (found == NULL || goes_before(e, found))
			found = e;
		if (found->state == QUARANTINE_RELEASED && !found->stuck)
			break;
	}
	if (found != NULL)
		found->busy = true;
	quarantine_unlock(q);
	return found;
}

void
retire_for_space(struct quarantine *q, uint64_t max_size, const char *but)
{
	struct entry *e;
	bool more = max_size > 0;

	while (more && (e = take_next(q, max_size, but)) != NULL) {
		const bool last = e->stuck; /* nothing else is left */

		more = retire_telling(q, e, "makes room (when_full = oldest)") || !last;
	}
}

static bool
is_expired(const struct quarantine *q, const struct entry *e, int64_t now)
{
	return q->keep_ms > 0 && e->when + q->keep_ms / MS < now;
}

/* What is older than it may be, by ref: entries may go while nobody looks. */
static GPtrArray *
list_expired(struct quarantine *q, int64_t now)
{
	GPtrArray *refs = g_ptr_array_new_with_free_func(g_free);

	quarantine_lock(q);
	for (const GList *l = q->order.head; l != NULL && is_expired(q, l->data, now); l = l->next)
		g_ptr_array_add(refs, g_strdup(((const struct entry *)l->data)->ref));
	quarantine_unlock(q);
	return refs;
}

/* The entry, taken for us; NULL when it is not there, in somebody's hands, or came again meanwhile. */
static struct entry *
take_expired(struct quarantine *q, const char *ref, int64_t now)
{
	struct entry *e;

	quarantine_lock(q);
	e = index_find(q, ref);
	if (e != NULL && (!entry_is_free(e) || !is_expired(q, e, now)))
		e = NULL;
	if (e != NULL)
		e->busy = true;
	quarantine_unlock(q);
	return e;
}

unsigned
retire_expired(struct quarantine *q)
{
	const int64_t now = quarantine_now();
	g_autoptr(GPtrArray) refs = list_expired(q, now);
	unsigned n = 0;

	for (guint i = 0; i < refs->len; i++) {
		struct entry *e = take_expired(q, g_ptr_array_index(refs, i), now);

		n += e != NULL && retire_telling(q, e, "is older than keep");
	}
	if (n > 0)
		(void)qdisk_sync(&q->disk, NULL);
	return n;
}
