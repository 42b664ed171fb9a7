/* quarantine_index - which entries there are, by ref, by content and by age */
#include <errno.h>
#include <string.h>
#include <time.h>

#include "effect/quarantine_about.h"
#include "effect/quarantine_in.h"

int64_t
quarantine_now(void)
{
	return (int64_t)time(NULL);
}

static guint
key_hash(gconstpointer p)
{
	guint out;

	memcpy(&out, p, sizeof(out)); /* a sha256 is as good a hash as any */
	return out;
}

static gboolean
key_equal(gconstpointer a, gconstpointer b)
{
	return memcmp(a, b, DIGEST_LEN) == 0;
}

GHashTable *
index_keys_new(void)
{
	return g_hash_table_new(key_hash, key_equal);
}

void
entry_free(void *p)
{
	struct entry *e = p;

	if (e == NULL)
		return;
	g_free(e->ref);
	g_free(e->sender);
	g_free(e->recipient);
	g_free(e->cls);
	g_free(e->name);
	g_free(e);
}

static bool
read_key(const json_t *v, uint8_t out[DIGEST_LEN])
{
	const char *hex = json_string_value(v);

	if (hex == NULL || strlen(hex) != DIGEST_HEX - 1)
		return false;
	for (size_t i = 0; i < DIGEST_LEN; i++) {
		const int high = g_ascii_xdigit_value(hex[2 * i]);
		const int low = g_ascii_xdigit_value(hex[2 * i + 1]);

		if (high < 0 || low < 0)
			return false;
		out[i] = (uint8_t)(high << 4 | low);
	}
	return true;
}

struct entry *
entry_new(const json_t *about, uint64_t about_bytes_len)
{
	const json_t *to = json_object_get(about, "recipients");
	const json_t *finding = json_array_get(json_object_get(about, "findings"), 0);
	struct entry *e = g_new0(struct entry, 1);

	e->ref = g_strdup(json_string_value(json_object_get(about, "ref")));
	e->when = json_integer_value(json_object_get(about, "time"));
	e->size = (uint64_t)json_integer_value(json_object_get(about, "size"));
	e->bytes = e->size + about_bytes_len;
	e->sender = about_bytes_get(json_object_get(about, "sender"));
	e->recipient = about_bytes_get(json_array_get(to, 0));
	e->recipients = (unsigned)json_array_size(to);
	e->cls = about_bytes_get(json_object_get(about, "class"));
	e->name = about_bytes_get(json_object_get(finding, "name"));
	e->has_key = read_key(json_object_get(about, "key"), e->key);
	e->link.data = e;
	return e;
}

/* What the journal adds. */
static void
read_past(struct entry *e, const json_t *about, const char *journal)
{
	g_autoptr(GPtrArray) to = about_list_get(json_object_get(about, "recipients"));
	struct about_past past;
	guint have = 0;

	about_past_read(&past, journal);
	for (guint i = 0; i < to->len; i++)
		have += g_hash_table_contains(past.released, g_ptr_array_index(to, i));
	if (to->len > 0 && have == to->len)
		e->state = QUARANTINE_RELEASED;
	else if (have > 0)
		e->state = QUARANTINE_PARTLY;
	e->again = past.again;
	e->when = MAX(e->when, past.last);
	e->interrupted = past.interrupted;
	about_past_clear(&past);
}

/* What can be said of an entry whose description is not there. */
static struct entry *
damaged(const struct qdisk *d, const char *ref)
{
	const int64_t size = qdisk_size(d, ref, "message", NULL);
	struct entry *e = g_new0(struct entry, 1);

	e->ref = g_strdup(ref);
	e->when = quarantine_now(); /* its age is not known: it is kept as long as a new one */
	e->size = e->bytes = size > 0 ? (uint64_t)size : 0;
	e->state = QUARANTINE_DAMAGED;
	e->link.data = e;
	return e;
}

struct entry *
entry_read(const struct qdisk *d, const char *ref)
{
	g_autofree char *text = qdisk_text(d, ref, "about.json", NULL);
	g_autofree char *journal = qdisk_text(d, ref, "journal", NULL);
	json_t *about = text != NULL ? json_loads(text, 0, NULL) : NULL;
	const int64_t size = qdisk_size(d, ref, "message", NULL);
	struct entry *e = NULL;

	if (json_is_object(about) && journal != NULL)
		e = entry_new(about, strlen(text));
	if (e != NULL && (g_strcmp0(e->ref, ref) != 0 || size < 0 || (uint64_t)size != e->size))
		g_clear_pointer(&e, entry_free);
	if (e != NULL)
		read_past(e, about, journal);
	json_decref(about);
	return e != NULL ? e : damaged(d, ref);
}

bool
entry_is_free(const struct entry *e)
{
	return !e->busy && e->pins == 0;
}

/* Only what nobody has yet can stand for the same mail when it comes again. */
static void
index_key(struct quarantine *q, struct entry *e)
{
	if (!e->has_key)
		return;
	if (e->state == QUARANTINE_HELD)
		g_hash_table_replace(q->keys, e->key, e); /* with the key of e, not of another */
	else if (g_hash_table_lookup(q->keys, e->key) == e)
		g_hash_table_remove(q->keys, e->key);
}

/* Nearly always the youngest, so the search begins there. */
static void
index_place(struct quarantine *q, struct entry *e)
{
	GList *before = q->order.tail;

	while (before != NULL && ((const struct entry *)before->data)->when > e->when)
		before = before->prev;
	if (before != NULL)
		g_queue_insert_after_link(&q->order, before, &e->link);
	else
		g_queue_push_head_link(&q->order, &e->link);
}

void
index_add(struct quarantine *q, struct entry *e)
{
	g_hash_table_insert(q->entries, e->ref, e);
	index_place(q, e);
	index_key(q, e);
	q->bytes += e->bytes;
}

void
index_take(struct quarantine *q, struct entry *e)
{
	if (e->has_key && g_hash_table_lookup(q->keys, e->key) == e)
		g_hash_table_remove(q->keys, e->key);
	g_queue_unlink(&q->order, &e->link);
	g_hash_table_steal(q->entries, e->ref);
	q->bytes -= e->bytes;
}

void
index_touch(struct quarantine *q, struct entry *e)
{
	const struct entry *older = e->link.prev != NULL ? e->link.prev->data : NULL;
	const struct entry *younger = e->link.next != NULL ? e->link.next->data : NULL;

	index_key(q, e);
	if ((older != NULL && older->when > e->when) ||
	    (younger != NULL && younger->when < e->when)) {
		g_queue_unlink(&q->order, &e->link);
		index_place(q, e);
	}
}

struct entry *
index_find(struct quarantine *q, const char *ref)
{
	return g_hash_table_lookup(q->entries, ref);
}

struct entry *
index_seize(struct quarantine *q, const char *ref, GError **err)
{
	struct entry *e = index_find(q, ref);

	if (e == NULL)
		g_set_error(err, QUARANTINE_ERROR, QUARANTINE_E_NONE, "%s: no such entry", ref);
	else if (!entry_is_free(e))
		g_set_error(err, QUARANTINE_ERROR, QUARANTINE_E_BUSY,
		    "%s: is being worked on just now, try again", ref);
	if (e == NULL || !entry_is_free(e))
		return NULL;
	e->busy = true;
	return e;
}
