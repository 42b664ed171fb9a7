/* console_explain - see console_explain.h */
#include "daemon/console_explain.h"

#include <string.h>
#include <time.h>

#include "daemon/jsonx.h"
#include "daemon/testmail.h"
#include "policy/policy.h"

/* The invented mail. Strings are borrowed from the request. */
struct question {
	const char *from, *client, *daemon, *class_word, *virus, *engine, *object;
	bool auth;
	GPtrArray *to; /* of char *, owned */
	enum verdict_class cls;
};

/* The value that belongs to a word with one. */
static bool
take_value(struct question *q, const char *word, const char *value, GError **err)
{
	const struct {
		const char *word;
		const char **to;
	} words[] = {
		{ "--from", &q->from },
		{ "--client", &q->client },
		{ "--daemon", &q->daemon },
		{ "--class", &q->class_word },
		{ "--virus", &q->virus },
		{ "--engine", &q->engine },
		{ "--object", &q->object },
	};
	const char **to = NULL;

	for (size_t i = 0; i < G_N_ELEMENTS(words); i++)
		if (strcmp(word, words[i].word) == 0)
			to = words[i].to;
	if (value != NULL && strcmp(word, "--to") == 0) {
		g_ptr_array_add(q->to, g_strdup(value));
		return true;
	}
	if (value == NULL || to == NULL) {
		g_set_error(err, G_FILE_ERROR, G_FILE_ERROR_INVAL,
		    "explain: \"%s\" %s; --from A --to B --client IP --auth --daemon NAME --class C "
		    "--virus NAME --engine TITLE --object SHA256",
		    word, to != NULL ? "needs a value" : "is not understood");
		return false;
	}
	*to = value;
	return true;
}

static bool
parse(struct question *q, char *const *words, GError **err)
{
	for (; *words != NULL; words++) {
		if (strcmp(*words, "--auth") == 0) {
			q->auth = true;
			continue;
		}
		if (!take_value(q, words[0], words[1], err))
			return false;
		words++;
	}
	q->cls = q->virus != NULL ? CLASS_INFECTED : CLASS_CLEAN;
	if (q->class_word != NULL && !verdict_class_parse(q->class_word, &q->cls)) {
		g_set_error(err, G_FILE_ERROR, G_FILE_ERROR_INVAL,
		    "explain: \"%s\" is no class; clean, macro, encrypted, suspicious, unscannable, "
		    "error, blocked, evasion, infected",
		    q->class_word);
		return false;
	}
	return true;
}

/* The verdict that such a mail would get. */
static void
invent_verdict(const struct question *q, const struct conf *conf, struct verdict *v)
{
	const struct conf_engine *first = g_ptr_array_index(conf->engines, 0);
	const char *engine = q->engine != NULL ? q->engine : first->title;

	if (q->cls != CLASS_ERROR)
		verdict_complete(v);
	if (q->cls == CLASS_ERROR)
		verdict_fail(v, REASON_ENGINE_ERROR, "invented");
	else if (q->cls == CLASS_UNSCANNABLE)
		verdict_partial(v, REASON_LIMIT_SIZE, "invented");
	for (unsigned k = FINDING_MACRO; k <= FINDING_INFECTED; k++)
		if (finding_class((enum finding_kind)k) == q->cls)
			verdict_find_in(v, (enum finding_kind)k,
			    q->virus != NULL ? q->virus : "Invented", "attachment", engine,
			    q->object);
	verdict_blame(v, engine);
}

/* A message of nothing but its envelope. */
static struct message
invent_message(const struct question *q)
{
	static char id[] = "NOQUEUE", ref[] = "aaaaaaaaaa";
	struct message m = { .id = id, .ref = ref, .recipients = q->to };

	m.recipients_total = q->to->len;
	m.sender = (char *)(uintptr_t)(q->from != NULL ? q->from : "<>");
	m.client_addr = (char *)(uintptr_t)q->client;
	m.daemon = (char *)(uintptr_t)q->daemon;
	m.auth = (char *)(uintptr_t)(q->auth ? "somebody" : NULL);
	return m;
}

static json_t *
texts(const GPtrArray *list)
{
	json_t *a = json_array();

	for (guint i = 0; list != NULL && i < list->len; i++)
		json_array_append_new(a, json_string(g_ptr_array_index(list, i)));
	return a;
}

static json_t *
recipients_array(const struct message *m, const struct outcomes *o)
{
	json_t *list = json_array();

	for (guint i = 0; i < o->of->len; i++) {
		const struct outcome *one = &g_array_index(o->of, struct outcome, i);
		json_t *j = json_object();

		put_text(j, "recipient", o->one ? "any" : g_ptr_array_index(m->recipients, i));
		put_text(j, "action", action_name(one->action));
		if (one->would != one->action)
			put_text(j, "would", action_name(one->would));
		put_text(j, "rule", one->rule != NULL ? one->rule->conf->title : "");
		if (one->action == ACTION_REDIRECT)
			put_text(j, "redirect", one->redirect);
		json_array_append_new(list, j);
	}
	return list;
}

/* Does the rule hold for anything of the mail? If not, the first option that is in its way. */
static char *
holds(const struct rule *r, const struct facts *f, const struct outcomes *o)
{
	enum match best = MATCH_NO;
	const char *why = NULL;
	guint n = MAX(f->recipients->len, 1);

	if (r->conf->skip)
		return g_strdup("no: it is about the time before the scan");
	for (guint i = 0; i < n; i++) {
		const char *rcpt =
		    i < f->recipients->len ? g_ptr_array_index(f->recipients, i) : NULL;
		enum match m = MIN(rule_match_message(r, f, time(NULL), &why),
		    rule_match_recipient(r, rcpt, &why));

		for (guint k = 0; m != MATCH_NO && k < o->items->len; k++)
			best = MAX(
			    best, MIN(m, rule_match_item(r, g_ptr_array_index(o->items, k), &why)));
	}
	if (best == MATCH_YES)
		return g_strdup(r->conf->observe ? "yes, but only observes" : "yes");
	return g_strdup_printf(
	    "%s: %s", best == MATCH_MAYBE ? "maybe" : "no", why != NULL ? why : "");
}

static json_t *
rules_array(const struct rules *rules, const struct facts *f, const struct outcomes *o)
{
	json_t *list = json_array();

	for (guint i = 0; i < rules->list->len; i++) {
		const struct rule *r = g_ptr_array_index(rules->list, i);
		g_autofree char *text = holds(r, f, o);
		json_t *j = json_object();

		put_text(j, "rule", r->conf->title);
		put_text(j, "holds", text);
		json_array_append_new(list, j);
	}
	return list;
}

static json_t *
answer(const struct rules *rules, const struct message *m, const struct facts *f,
    const struct verdict *v)
{
	json_t *o = json_object();
	struct outcomes outcomes;
	struct decision d;
	g_autofree char *reply = NULL;

	policy_walk(rules, f, v, &outcomes);
	policy_settle(rules, m, v, &outcomes, &d);
	reply = testmail_reply(rules->conf, &d);
	put_text(o, "traffic", conf_traffic_name((int)f->traffic));
	put_text(o, "class", verdict_class_name(d.cls));
	put_text(o, "action", action_name(d.action));
	if (d.observed)
		put_text(o, "would", action_name(d.would));
	put_text(o, "rule", d.rule);
	put_text(o, "reply", reply);
	put_bool(o, "copy", d.keep);
	json_object_set_new(o, "removed", texts(d.removed));
	json_object_set_new(o, "withheld", texts(d.withheld));
	json_object_set_new(o, "redirected", texts(d.redirects));
	json_object_set_new(o, "recipients", recipients_array(m, &outcomes));
	json_object_set_new(o, "rules", rules_array(rules, f, &outcomes));
	decision_clear(&d);
	outcomes_clear(&outcomes);
	return o;
}

static json_t *
answer_skipped(const struct facts *f, const struct rule *skipper)
{
	json_t *o = json_object();

	put_text(o, "traffic", conf_traffic_name((int)f->traffic));
	put_text(o, "action", action_name(ACTION_PASS));
	put_text(o, "rule", skipper->conf->title);
	put_text(o, "skipped", "policy");
	return o;
}

json_t *
console_explain(const struct snapshot *snap, char *const *words, GError **err)
{
	struct question q = { .to = g_ptr_array_new_with_free_func(g_free) };
	AUTO(verdict_clear) struct verdict v = { 0 };
	const struct rule *skipper;
	json_t *o = NULL;

	if (parse(&q, words, err)) {
		const struct message m = invent_message(&q);
		struct facts f;

		facts_of(&m, &f);
		invent_verdict(&q, snap->conf, &v);
		o = rules_skip(snap->rules, &f, &skipper) ? answer_skipped(&f, skipper)
							  : answer(snap->rules, &m, &f, &v);
		facts_clear(&f);
	}
	g_ptr_array_unref(q.to);
	return o;
}
