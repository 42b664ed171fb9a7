/* console_quarantine - see console_quarantine.h */
#include "daemon/console_quarantine.h"

#include <pwd.h>
#include <string.h>

#include "effect/quarantine_desk.h"
#include "effect/quarantine_disk.h"
#include "effect/release.h"

#define LIST_DEFAULT 100
#define LIST_MAX     20000 /* of these an answer stays below CONTROL_REPLY_MAX, as addresses go */

#define USAGE                                                                                      \
	"quarantine: wanted is list [NUMBER], show REF, release REF... [--to ADDRESS]..., "        \
	"delete REF... or expire"

/* One request. */
struct desk {
	struct server *server;
	struct quarantine *q;
	char *const *args; /* behind the word that names what to do */
	char *by;
};

static json_t *
usage(GError **err)
{
	g_set_error_literal(err, G_FILE_ERROR, G_FILE_ERROR_INVAL, USAGE);
	return NULL;
}

/* "root(0)": the kernel's word on who asks. */
static char *
who(const struct control_request *rq)
{
	char buf[4096];
	struct passwd pw, *found = NULL;

	if (getpwuid_r(rq->uid, &pw, buf, sizeof(buf), &found) == 0 && found != NULL)
		return g_strdup_printf("%s(%u)", found->pw_name, (unsigned)rq->uid);
	return g_strdup_printf("uid(%u)", (unsigned)rq->uid);
}

static json_t *
list(const struct desk *d, GError **err)
{
	guint64 n = LIST_DEFAULT;

	if (d->args[0] != NULL &&
	    (d->args[1] != NULL ||
		!g_ascii_string_to_unsigned(d->args[0], 10, 1, LIST_MAX, &n, NULL)))
		return usage(err);
	return desk_list(d->q, (unsigned)n);
}

static json_t *
show(const struct desk *d, GError **err)
{
	if (d->args[0] == NULL || d->args[1] != NULL)
		return usage(err);
	return desk_show(d->q, d->args[0], err);
}

/* One of several refs did not go well. */
static json_t *
failed(const char *ref, const GError *why)
{
	json_t *o = json_object();
	g_autofree char *text = g_utf8_make_valid(why->message, -1);
	g_autofree char *name = g_utf8_make_valid(ref, -1);

	json_object_set_new(o, "ref", json_string(name));
	json_object_set_new(o, "error", json_string(text));
	return o;
}

static bool
has_refused(const json_t *o)
{
	return json_array_size(json_object_get(o, "refused")) > 0;
}

/* What a command does with each of its refs: an object, or NULL and *err. */
typedef json_t *each_fn(const struct desk *d, const char *ref, const GPtrArray *to, GError **err);

static json_t *
release_one(const struct desk *d, const char *ref, const GPtrArray *to, GError **err)
{
	struct snapshot *snap = snapshot_slot_get(&d->server->milter.slot);
	json_t *o = NULL;

	if (snap != NULL) {
		const struct release_order order = {
			.ref = ref,
			.to = to,
			.by = d->by,
			.relay = snap->conf->quarantine.relay,
			.helo = d->server->milter.host,
			.cut = &d->server->milter.cut_ms,
		};

		o = release_entry(d->q, &order, err);
	} else {
		g_set_error_literal(
		    err, G_FILE_ERROR, G_FILE_ERROR_AGAIN, "avmilter is starting or stopping");
	}
	snapshot_unref(&snap);
	return o;
}

static json_t *
delete_one(const struct desk *d, const char *ref, const GPtrArray *to, GError **err)
{
	(void)to;
	if (!desk_delete(d->q, ref, d->by, err))
		return NULL;
	return json_pack("{s:s, s:s}", "ref", ref, "state", "deleted");
}

/* Sort the words: refs, and what stands behind --to. False: something else, or no ref. */
static bool
sort(char *const *args, bool with_to, GPtrArray *refs, GPtrArray *to)
{
	for (; *args != NULL; args++) {
		if (with_to && strcmp(*args, "--to") == 0 && args[1] != NULL)
			g_ptr_array_add(to, *++args);
		else if ((*args)[0] == '-')
			return false;
		else
			g_ptr_array_add(refs, *args);
	}
	return refs->len > 0;
}

static json_t *
for_each(const struct desk *d, bool with_to, each_fn *fn, GError **err)
{
	g_autoptr(GPtrArray) refs = g_ptr_array_new(), to = g_ptr_array_new();
	json_t *results = json_array();
	bool bad = false;

	if (!sort(d->args, with_to, refs, to)) {
		json_decref(results);
		return usage(err);
	}
	for (guint i = 0; i < refs->len; i++) {
		g_autoptr(GError) why = NULL;
		const char *ref = g_ptr_array_index(refs, i);
		json_t *o = fn(d, ref, to, &why);

		if (o == NULL && refs->len == 1) {
			g_propagate_error(err, g_steal_pointer(&why));
			json_decref(results);
			return NULL;
		}
		bad = bad || o == NULL || has_refused(o);
		json_array_append_new(results, o != NULL ? o : failed(ref, why));
	}
	return json_pack("{s:o, s:i}", "results", results, "code", bad ? 1 : 0);
}

static json_t *
release(const struct desk *d, GError **err)
{
	return for_each(d, true, release_one, err);
}

static json_t *delete (const struct desk *d, GError **err)
{
	return for_each(d, false, delete_one, err);
}

static json_t *
expire(const struct desk *d, GError **err)
{
	if (d->args[0] != NULL)
		return usage(err);
	return json_pack("{s:i}", "removed", (int)desk_expire(d->q, d->by));
}

static const struct {
	const char *word;
	json_t *(*fn)(const struct desk *d, GError **err);
} words[] = {
	{ "list", list },
	{ "show", show },
	{ "release", release },
	{ "delete", delete },
	{ "expire", expire },
};

json_t *
console_quarantine(struct server *s, const struct control_request *rq, GError **err)
{
	g_autofree char *by = who(rq);
	struct desk d = { .server = s, .q = atomic_load(&s->milter.quarantine), .by = by };

	if (rq->words[1] == NULL)
		return usage(err);
	d.args = rq->words + 2;
	for (size_t i = 0; i < G_N_ELEMENTS(words); i++) {
		if (strcmp(rq->words[1], words[i].word) != 0)
			continue;
		if (d.q != NULL)
			return words[i].fn(&d, err);
		g_set_error_literal(err, G_FILE_ERROR, G_FILE_ERROR_NOENT,
		    "quarantine: there is no store: no action of the configuration keeps mail "
		    "there");
		return NULL;
	}
	return usage(err);
}
