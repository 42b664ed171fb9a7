/*
 * walk - each item past the rules, for each recipient
 *
 * What a rule says about the message, and about an item, is asked once; only conditions on the
 * recipient are asked for each of them.
 */
#include <string.h>
#include <time.h>

#include "conf/option.h"
#include "engine/engine.h"
#include "policy/ignore.h"
#include "policy/policy.h"
#include "policy/symbols.h"

struct walk {
	const struct rules *rules;
	const struct conf *conf;
	struct outcomes *out;
	bool complete;    /* the verdict is of all of the mail */
	uint8_t *message; /* enum match, by rule */
	uint8_t *items;   /* enum match, by item and rule; only where the message matches */
};

enum action
policy_class_action(const struct conf *conf, enum verdict_class c)
{
	const struct conf_antivirus *a = &conf->antivirus;

	switch (c) {
	case CLASS_CLEAN:
		return ACTION_PASS;
	case CLASS_MACRO:
		return (enum action)a->on_macro;
	case CLASS_ENCRYPTED:
		return (enum action)a->on_encrypted;
	case CLASS_SUSPICIOUS:
		return (enum action)a->on_suspicious;
	case CLASS_UNSCANNABLE:
		return (enum action)a->on_unscannable;
	case CLASS_BLOCKED:
		return (enum action)a->on_blocked;
	case CLASS_EVASION:
		return (enum action)a->on_evasion;
	case CLASS_INFECTED:
		return (enum action)a->on_infected;
	case CLASS_ERROR:
		break;
	}
	return (enum action)a->on_error;
}

static const struct conf_engine *
section_of(const struct walk *w, const struct item *it)
{
	return *it->engine ? conf_engine_find(w->conf, it->engine) : NULL;
}

/* Repaired is only what is known in full. Each item falls back by itself: what another one asks for must not
 * hide it. */
static enum action
feasible(const struct walk *w, enum action a)
{
	return a == ACTION_REPAIR && !w->complete ? (enum action)w->conf->antivirus.repair_fallback
						  : a;
}

static enum action
default_action(const struct walk *w, const struct item *it)
{
	const struct conf_engine *e = section_of(w, it);

	if (it->cls == CLASS_CLEAN)
		return ACTION_PASS;
	return feasible(
	    w, e ? engine_class_action(e, it->cls) : policy_class_action(w->conf, it->cls));
}

static enum action
rule_action(const struct walk *w, const struct rule *r, const struct item *it)
{
	if (r->conf->skip) /* who is not scanned for takes what comes */
		return ACTION_PASS;
	return r->conf->action == CONF_ACTION_ACTION ? default_action(w, it)
						     : feasible(w, (enum action)r->conf->action);
}

/* Let one item speak. Of equally strict ones that of the highest class explains the outcome. */
static void
weigh(struct walk *w, struct outcome *o, const struct item *it, const struct rule *r)
{
	const enum action a = r ? rule_action(w, r, it) : default_action(w, it);

	if (r && r->conf->quarantine)
		o->keep = true;
	if (a < o->action || (a == o->action && it->cls <= o->cls))
		return;
	o->action = a;
	o->cls = it->cls;
	o->finding = it->finding;
	o->engine = section_of(w, it);
	o->rule = r;
	o->redirect = r && *r->conf->redirect ? r->conf->redirect : w->conf->antivirus.redirect;
}

static void
tell(GPtrArray *notify, char *const *whom)
{
	for (; *whom; whom++)
		if (!g_ptr_array_find_with_equal_func(notify, *whom, g_str_equal, NULL))
			g_ptr_array_add(notify, *whom);
}

/* A recipient that is not known may be one whose mail is to be thrown away; nobody else's may be. */
static enum match
match_for(const struct walk *w, const struct rule *r, const struct item *it, const char *rcpt)
{
	enum match m = rule_match_recipient(r, rcpt, NULL);

	return m == MATCH_MAYBE && rule_action(w, r, it) == ACTION_DISCARD ? MATCH_NO : m;
}

/* The first rule whose conditions all hold decides, else the defaults. Rules that only observe
 * decide what would be done; what may hold adds its strictness and decides nothing. */
static void
decide_item(struct walk *w, guint number, const char *rcpt, struct outcome *o)
{
	const struct item *it = g_ptr_array_index(w->out->items, number);
	const GPtrArray *list = w->rules->list;
	bool decided = false, would = false;

	for (guint i = 0; i < list->len && !decided; i++) {
		const struct rule *r = g_ptr_array_index(list, i);
		enum match m = MIN(w->message[i], w->items[number * list->len + i]);

		if (m != MATCH_NO)
			m = MIN(m, match_for(w, r, it, rcpt));
		if (m == MATCH_NO)
			continue;
		if (!would)
			o->would = action_stricter(o->would, rule_action(w, r, it));
		if (!r->conf->observe)
			weigh(w, o, it, r);
		if (m == MATCH_MAYBE)
			continue;
		w->out->hit[i] = true;
		would = true;
		decided = !r->conf->observe;
		if (decided)
			tell(w->out->notify, r->conf->notify);
	}
	if (!decided)
		weigh(w, o, it, NULL);
	if (!would)
		o->would = action_stricter(o->would, default_action(w, it));
}

static struct outcome
outcome_for(struct walk *w, const char *rcpt)
{
	struct outcome o = { .action = ACTION_PASS, .would = ACTION_PASS, .cls = CLASS_CLEAN };

	o.redirect = w->conf->antivirus.redirect;
	for (guint i = 0; i < w->out->items->len; i++)
		if (!item_ignored(g_ptr_array_index(w->out->items, i), rcpt))
			decide_item(w, i, rcpt, &o);
	return o;
}

/* Ask every rule about the message and its items. */
static void
ask_rules(struct walk *w, const struct facts *f)
{
	const guint rules = w->rules->list->len, items = w->out->items->len;
	const int64_t now = time(NULL);

	w->message = g_new0(uint8_t, rules);
	w->items = g_new0(uint8_t, (gsize)rules * items);
	for (guint i = 0; i < rules; i++) {
		const struct rule *r = g_ptr_array_index(w->rules->list, i);

		w->message[i] = (uint8_t)rule_match_message(r, f, now, NULL);
		for (guint k = 0; w->message[i] != MATCH_NO && k < items; k++)
			w->items[k * rules + i] =
			    (uint8_t)rule_match_item(r, g_ptr_array_index(w->out->items, k), NULL);
	}
}

void
policy_walk(
    const struct rules *rules, const struct facts *f, const struct verdict *v, struct outcomes *out)
{
	struct walk w = { .rules = rules,
		.conf = rules->conf,
		.out = out,
		.complete = verdict_state(v) == SCAN_COMPLETE };
	const guint n = f->recipients->len;

	*out = (struct outcomes){ .one = f->unknown > 0 || n == 0 };
	out->of = g_array_new(FALSE, FALSE, sizeof(struct outcome));
	out->notify = g_ptr_array_new();
	out->items = items_new(rules->conf, v);
	symbols_add(rules->symbols, v, out->items);
	ignore_items(rules->ignores, f, out->items);
	out->hit = g_new0(bool, rules->list->len + 1);
	ask_rules(&w, f);
	for (guint i = 0; i < (out->one ? 1 : n); i++) {
		struct outcome o =
		    outcome_for(&w, out->one ? NULL : (char *)g_ptr_array_index(f->recipients, i));

		g_array_append_val(out->of, o);
	}
	g_free(w.message);
	g_free(w.items);
}

void
outcomes_clear(struct outcomes *o)
{
	g_clear_pointer(&o->of, g_array_unref);
	g_clear_pointer(&o->notify, g_ptr_array_unref);
	g_clear_pointer(&o->items, g_ptr_array_unref);
	g_free(o->hit);
	*o = (struct outcomes){ 0 };
}
