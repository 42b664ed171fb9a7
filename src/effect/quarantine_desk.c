/* quarantine_desk - see quarantine_desk.h */
#include "effect/quarantine_desk.h"

#include "effect/quarantine_about.h"
#include "effect/quarantine_in.h"

static void
put_date(json_t *o, const char *key, int64_t when)
{
	g_autoptr(GDateTime) t = g_date_time_new_from_unix_utc(when);
	g_autofree char *text = t != NULL ? g_date_time_format(t, "%Y-%m-%dT%H:%M:%SZ") : NULL;

	json_object_set_new(o, key, about_bytes(text));
}

static void
put_number(json_t *o, const char *key, uint64_t n)
{
	json_object_set_new(o, key, json_integer((json_int_t)n));
}

static const char *
state_of(const struct entry *e)
{
	if (e->busy)
		return "being-released";
	if (e->interrupted)
		return "release-interrupted";
	return quarantine_state_name(e->state);
}

/* Under the mutex. */
static json_t *
line_of(const struct entry *e)
{
	json_t *o = json_object();

	json_object_set_new(o, "ref", json_string(e->ref));
	put_date(o, "date", e->when);
	json_object_set_new(o, "state", json_string(state_of(e)));
	json_object_set_new(o, "class", about_bytes(e->cls));
	json_object_set_new(o, "virus", about_bytes(e->name));
	put_number(o, "size", e->size);
	json_object_set_new(o, "from", about_bytes(e->sender));
	json_object_set_new(o, "to", about_bytes(e->recipient));
	put_number(o, "recipients", e->recipients);
	put_number(o, "again", e->again);
	return o;
}

json_t *
desk_list(struct quarantine *q, unsigned max)
{
	json_t *o = json_object(), *mails = json_array();
	const GList *l;
	unsigned n = 0;

	quarantine_lock(q);
	put_number(o, "entries", g_queue_get_length(&q->order));
	put_number(o, "bytes", q->bytes);
	put_number(o, "max_size", q->max_size);
	for (l = q->order.tail; l != NULL && n + 1 < max && l->prev != NULL; l = l->prev)
		n++;
	for (; l != NULL && max > 0; l = l->next)
		json_array_append_new(mails, line_of(l->data));
	quarantine_unlock(q);
	put_number(o, "shown", json_array_size(mails));
	json_object_set_new(o, "mails", mails);
	return o;
}

/* The journal, one object for each of its lines. */
static json_t *
journal_of(const char *text)
{
	g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
	json_t *out = json_array();

	for (char **l = lines; *l != NULL; l++) {
		json_t *o = json_loads(*l, 0, NULL);

		if (json_is_object(o))
			json_array_append(out, o);
		json_decref(o);
	}
	return out;
}

static bool
pin(struct quarantine *q, const char *ref, GError **err)
{
	struct entry *e;

	quarantine_lock(q);
	e = index_find(q, ref);
	if (e != NULL)
		e->pins++;
	quarantine_unlock(q);
	if (e == NULL)
		g_set_error(err, QUARANTINE_ERROR, QUARANTINE_E_NONE, "%s: no such entry", ref);
	return e != NULL;
}

/* NULL and *err: it has gone meanwhile, because it was going already when we pinned it. */
static json_t *
line_and_unpin(struct quarantine *q, const char *ref, GError **err)
{
	struct entry *e;
	json_t *line = NULL;

	quarantine_lock(q);
	e = index_find(q, ref);
	if (e != NULL) {
		e->pins--;
		line = line_of(e);
	}
	quarantine_unlock(q);
	if (line == NULL)
		g_set_error(err, QUARANTINE_ERROR, QUARANTINE_E_NONE, "%s: no such entry", ref);
	return line;
}

json_t *
desk_show(struct quarantine *q, const char *ref, GError **err)
{
	g_autofree char *about = NULL, *journal = NULL, *folder = NULL;
	json_t *o, *line;

	if (!pin(q, ref, err))
		return NULL;
	about = qdisk_text(&q->disk, ref, "about.json", NULL);
	journal = qdisk_text(&q->disk, ref, "journal", NULL);
	line = line_and_unpin(q, ref, err);
	if (line == NULL)
		return NULL;
	o = json_loads(about != NULL ? about : "", 0, NULL);
	if (!json_is_object(o)) { /* damaged: what the index knows */
		json_decref(o);
		o = json_incref(line);
	}
	folder = g_build_filename(q->disk.path, ref, NULL);
	json_object_set(o, "state", json_object_get(line, "state"));
	json_object_set(o, "again", json_object_get(line, "again"));
	json_object_set_new(o, "folder", about_bytes(folder));
	json_object_set_new(o, "journal", journal_of(journal != NULL ? journal : ""));
	json_decref(line);
	return o;
}

bool
desk_delete(struct quarantine *q, const char *ref, const char *by, GError **err)
{
	struct entry *e;

	quarantine_lock(q);
	e = index_seize(q, ref, err);
	quarantine_unlock(q);
	if (e == NULL || !retire_entry(q, e, err) || !qdisk_sync(&q->disk, err))
		return false;
	log_notice("quarantine: delete %s by=%s", ref, by);
	return true;
}

unsigned
desk_expire(struct quarantine *q, const char *by)
{
	const unsigned n = retire_expired(q);

	log_notice("quarantine: expire by=%s removed=%u", by, n);
	return n;
}

json_t *
desk_stats(struct quarantine *q)
{
	struct quarantine_stats st;
	json_t *o;

	if (q == NULL)
		return json_null();
	quarantine_stats(q, &st);
	o = json_object();
	put_number(o, "mails", st.entries);
	put_number(o, "held", st.held);
	put_number(o, "released", st.released);
	put_number(o, "bytes", st.bytes);
	put_number(o, "max_size", st.max_size);
	put_number(o, "kept", st.kept);
	put_number(o, "kept_again", st.again);
	put_number(o, "refused", st.refused);
	put_number(o, "failed", st.failed);
	put_number(o, "releases", st.releases);
	put_number(o, "removed", st.removed);
	return o;
}
