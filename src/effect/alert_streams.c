/* alert_streams - see alert_streams.h */
#include "effect/alert_streams.h"

struct stream {
	int64_t due;               /* not earlier than this */
	struct alert_batch *batch; /* what waits, or NULL */
};

struct alert_streams {
	GHashTable *of; /* "KIND ADDRESS" -> struct stream * */
};

void
alert_batch_free(struct alert_batch *b)
{
	g_free(b->to);
	g_ptr_array_unref(b->items);
	g_free(b);
}

static void
stream_free(void *p)
{
	struct stream *s = p;

	g_clear_pointer(&s->batch, alert_batch_free);
	g_free(s);
}

struct alert_streams *
alert_streams_new(void)
{
	struct alert_streams *s = g_new0(struct alert_streams, 1);

	s->of = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, stream_free);
	return s;
}

void
alert_streams_free(struct alert_streams **s)
{
	if (*s == NULL)
		return;
	g_hash_table_unref((*s)->of);
	g_clear_pointer(s, g_free);
}

static struct alert_batch *
batch_new(unsigned kind, const char *to)
{
	struct alert_batch *b = g_new0(struct alert_batch, 1);

	b->kind = kind;
	b->to = g_strdup(to);
	b->items = g_ptr_array_new_with_free_func(g_free);
	return b;
}

bool
alert_streams_add(struct alert_streams *s, unsigned kind, const char *to, const char *item)
{
	g_autofree char *key = g_strdup_printf("%u %s", kind, to != NULL ? to : "");
	struct stream *one = g_hash_table_lookup(s->of, key);

	if (one == NULL) {
		if (g_hash_table_size(s->of) >= ALERT_STREAMS_MAX)
			return false;
		one = g_new0(struct stream, 1);
		one->due = INT64_MIN;
		g_hash_table_insert(s->of, g_steal_pointer(&key), one);
	}
	if (one->batch == NULL)
		one->batch = batch_new(kind, to);
	if (one->batch->items->len < ALERT_ITEMS_MAX)
		g_ptr_array_add(one->batch->items, g_strdup(item));
	else
		one->batch->more++;
	return true;
}

struct alert_batch *
alert_streams_take(struct alert_streams *s, int64_t now, int64_t interval, bool all)
{
	struct alert_batch *out = NULL;
	GHashTableIter i;
	void *value;

	g_hash_table_iter_init(&i, s->of);
	while (out == NULL && g_hash_table_iter_next(&i, NULL, &value)) {
		struct stream *one = value;

		/* An interval that was made shorter holds at once. */
		if (one->due > now + interval)
			one->due = now + interval;
		if (one->batch == NULL && one->due <= now) {
			g_hash_table_iter_remove(&i);
		} else if (one->batch != NULL && (all || one->due <= now)) {
			out = g_steal_pointer(&one->batch);
			one->due = now + interval;
		}
	}
	return out;
}

int64_t
alert_streams_next(const struct alert_streams *s)
{
	int64_t next = INT64_MAX;
	GHashTableIter i;
	void *value;

	g_hash_table_iter_init(&i, s->of);
	while (g_hash_table_iter_next(&i, NULL, &value)) {
		const struct stream *one = value;

		if (one->batch != NULL)
			next = MIN(next, one->due);
	}
	return next;
}
