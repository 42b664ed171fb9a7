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
	g_autoptr(GError) err = NULL;

	tell(q, e, why);
	if (retire_entry(q, e, &err))
		return true;
	log_err("quarantine: %s", err->message);
	return false;
}

/* The oldest entry that may go, taken for us; NULL when the bound holds or nothing may. Released
 * ones first: nobody waits for them. */
static struct entry *
oldest(struct quarantine *q, uint64_t max_size, const char *but)
{
	struct entry *found = NULL;

	quarantine_lock(q);
	for (const GList *l = q->bytes > max_size ? q->order.head : NULL; l != NULL; l = l->next) {
		struct entry *e = l->data;

		if (!entry_is_free(e) || strcmp(e->ref, but) == 0)
			continue;
		if (found == NULL || e->state == QUARANTINE_RELEASED)
			found = e;
		if (e->state == QUARANTINE_RELEASED)
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

	while (more && (e = oldest(q, max_size, but)) != NULL)
		more = retire_telling(q, e, "makes room (when_full = oldest)");
}

/* The oldest that is older than it may be, taken for us. */
static struct entry *
expired(struct quarantine *q, int64_t now)
{
	struct entry *found = NULL;

	quarantine_lock(q);
	for (const GList *l = q->keep_ms > 0 ? q->order.head : NULL; l != NULL && found == NULL;
	     l = l->next) {
		struct entry *e = l->data;

		if (e->when + q->keep_ms / MS >= now)
			break;
		if (entry_is_free(e))
			found = e;
	}
	if (found != NULL)
		found->busy = true;
	quarantine_unlock(q);
	return found;
}

unsigned
retire_expired(struct quarantine *q)
{
	const int64_t now = quarantine_now();
	struct entry *e;
	unsigned n = 0;

	while ((e = expired(q, now)) != NULL && retire_telling(q, e, "is older than keep"))
		n++;
	if (n > 0)
		(void)qdisk_sync(&q->disk, NULL);
	return n;
}
