/*
 * updates_age - definitions that nobody renews, of the embedded engine and of servers
 */
#include "base/deadline.h"
#include "base/events.h"
#include "daemon/updates_in.h"
#include "engine/age.h"

/* May this engine be complained about now? */
static bool
may_tell(struct updates *u, const char *title, int64_t now)
{
	int64_t *again = g_hash_table_lookup(u->told, title);

	if (again != NULL && now < *again)
		return false;
	again = g_new(int64_t, 1);
	*again = now + u->clock.tell_ms;
	g_hash_table_insert(u->told, g_strdup(title), again);
	return true;
}

static bool
check_engine(struct updates *u, struct engine *e, int64_t now)
{
	g_autofree char *name = NULL;
	int64_t days;

	if (!age_is_stale(e, &days)) {
		g_hash_table_remove(u->told, e->title);
		return false;
	}
	if (!may_tell(u, e->title, now))
		return true;
	name = engine_definitions(e);
	event_raise(EVENT_UPDATE_ERROR,
	    "engine %s: definitions %s are %" G_GINT64_FORMAT
	    " days old (definitions_max_age): see why they are not renewed%s",
	    e->title, name != NULL ? name : "of unknown name", days,
	    e->conf->on_stale == STALE_TEMPFAIL ? "; mail is in error until they are" : "");
	return true;
}

void
age_tick(struct updates *u, int64_t now, int64_t *next)
{
	struct snapshot *snap;
	bool stale = false;

	if (now >= u->age_at) {
		u->age_at = now + u->clock.age_ms;
		snap = snapshot_slot_get(u->slot);
		for (guint i = 0; snap != NULL && i < snap->engines->list->len; i++)
			stale = check_engine(u, g_ptr_array_index(snap->engines->list, i), now) ||
			    stale;
		snapshot_unref(&snap);
		pthread_mutex_lock(&u->mu);
		u->counts.stale = stale;
		pthread_mutex_unlock(&u->mu);
	}
	*next = MIN(*next, u->age_at);
}
