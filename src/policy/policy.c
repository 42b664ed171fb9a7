/*
 * policy - one transaction out of the outcomes of its recipients
 */
#include "policy/policy.h"

#include <string.h>

#include "policy/reply.h"

static const struct outcome *
outcome_at(const struct outcomes *o, guint i)
{
	return &g_array_index(o->of, struct outcome, i);
}

static bool
is_delivered(enum action a)
{
	return a == ACTION_PASS || a == ACTION_REPAIR;
}

static void
add_copy(GPtrArray **to, const char *text)
{
	if (!*to)
		*to = g_ptr_array_new_with_free_func(g_free);
	g_ptr_array_add(*to, g_strdup(text));
}

static void
add_once(GPtrArray **to, const char *text)
{
	if (!*to || !g_ptr_array_find_with_equal_func(*to, text, g_str_equal, NULL))
		add_copy(to, text);
}

/* The strictest outcome, and of equal ones that of the highest class. A discard concerns the
 * recipient that it was decided for: it counts only when there is no other. */
static const struct outcome *
strictest(const struct outcomes *o)
{
	const struct outcome *top = NULL;

	for (guint i = 0; i < o->of->len; i++) {
		const struct outcome *one = outcome_at(o, i);

		if (!top || (top->action == ACTION_DISCARD && one->action != ACTION_DISCARD) ||
		    (one->action != ACTION_DISCARD &&
			(one->action > top->action ||
			    (one->action == top->action && one->cls > top->cls))))
			top = one;
	}
	return top;
}

static unsigned
count(const struct outcomes *o, unsigned actions)
{
	unsigned n = 0;

	for (guint i = 0; i < o->of->len; i++)
		n += (actions & 1u << outcome_at(o, i)->action) != 0;
	return n;
}

#define DELIVERED (1u << ACTION_PASS | 1u << ACTION_REPAIR)
#define ELSEWHERE (1u << ACTION_REDIRECT)
#define DROPPED   (1u << ACTION_DISCARD)
#define STOPPED   (1u << ACTION_QUARANTINE | 1u << ACTION_REJECT | 1u << ACTION_TEMPFAIL)

static char *
reply_text(const struct conf *conf, const struct message *m, const struct outcome *o, enum action a)
{
	const bool reject = a == ACTION_REJECT;
	const struct reply_words words = {
		.virus = o->finding ? o->finding->name : NULL,
		.engine = o->finding ? o->finding->engine
		    : o->engine      ? o->engine->title
				     : NULL,
		.class_name = verdict_class_name(o->cls),
		.ref = m->ref,
		.qid = m->id,
		.host = g_get_host_name(),
	};
	const char *own = "", *template;

	if (o->rule)
		own = reject ? o->rule->conf->reject_message : o->rule->conf->tempfail_message;
	if (o->reply)
		template = o->reply;
	else if (*own)
		template = own;
	else if (o->engine)
		template = reject ? o->engine->reject_message : o->engine->tempfail_message;
	else
		template =
		    reject ? conf->antivirus.reject_message : conf->antivirus.tempfail_message;
	return reply_expand(template, &words);
}

/* Take out of the envelope whoever's outcome is among actions, and keep of those what cannot be told to the sender. */
static void
remove_some(struct decision *d, const struct message *m, const struct outcomes *o, unsigned actions)
{
	for (guint i = 0; !o->one && i < o->of->len; i++) {
		const struct outcome *one = outcome_at(o, i);

		if (!(actions & 1u << one->action))
			continue;
		add_copy(&d->removed, g_ptr_array_index(m->recipients, i));
		if (STOPPED & 1u << one->action)
			add_copy(&d->withheld, g_ptr_array_index(m->recipients, i));
		else if (one->action == ACTION_REDIRECT)
			add_once(&d->redirects, one->redirect);
	}
}

static void
remove_all(struct decision *d, const struct message *m)
{
	g_clear_pointer(&d->removed, g_ptr_array_unref);
	for (guint i = 0; m->recipients && i < m->recipients->len; i++)
		add_copy(&d->removed, g_ptr_array_index(m->recipients, i));
}

/* Everybody gets the strictest of all; only who is to get nothing is taken out. */
static void
settle_strictest(struct decision *d, const struct message *m, const struct outcomes *o)
{
	if (is_delivered(d->action)) {
		remove_some(d, m, o, DROPPED);
	} else if (d->action == ACTION_REDIRECT) {
		remove_all(d, m);
		for (guint i = 0; i < o->of->len; i++)
			if (outcome_at(o, i)->action == ACTION_REDIRECT)
				add_once(&d->redirects, outcome_at(o, i)->redirect);
	} else if (d->action == ACTION_QUARANTINE && count(o, DROPPED) > 0) {
		remove_some(d, m, o, DROPPED);
		for (guint i = 0; i < o->of->len; i++)
			if (outcome_at(o, i)->action != ACTION_DISCARD)
				add_copy(&d->withheld, g_ptr_array_index(m->recipients, i));
	}
}

/* Each recipient gets his own outcome; what cannot be spoken to the sender any more is kept. */
static void
settle_split(struct decision *d, const struct message *m, const struct outcomes *o)
{
	d->split = true;
	d->action = count(o, DELIVERED) == 0 ? ACTION_REDIRECT
	    : count(o, 1u << ACTION_REPAIR)  ? ACTION_REPAIR
					     : ACTION_PASS;
	remove_some(d, m, o, ~DELIVERED);
}

/* Different outcomes, of which at least one lets somebody have the mail. */
static bool
is_mixed(const struct outcomes *o)
{
	const unsigned delivered = count(o, DELIVERED), elsewhere = count(o, ELSEWHERE);

	return !o->one && delivered + elsewhere > 0 &&
	    (count(o, STOPPED) > 0 || (delivered > 0 && elsewhere > 0));
}

/* What the observing rules would have made of it. */
static enum action
would_be(const struct decision *d, const struct outcomes *o)
{
	enum action would = ACTION_PASS;
	bool differs = false;

	for (guint i = 0; i < o->of->len; i++) {
		would = action_stricter(would, outcome_at(o, i)->would);
		differs |= outcome_at(o, i)->would != outcome_at(o, i)->action;
	}
	return differs ? would : d->action;
}

static void
drop_lists(struct decision *d)
{
	g_clear_pointer(&d->removed, g_ptr_array_unref);
	g_clear_pointer(&d->withheld, g_ptr_array_unref);
	g_clear_pointer(&d->redirects, g_ptr_array_unref);
}

/* Nothing is done for whoever only looks on. */
static void
observe(struct decision *d, const struct outcome *top)
{
	d->would = d->split ? top->action : d->action;
	d->action = ACTION_PASS;
	d->keep = d->split = false;
	drop_lists(d);
	g_clear_pointer(&d->notify, g_ptr_array_unref);
}

/* An address that nobody wrote: a fault of ours, and no reason to lose the mail. */
static bool
leads_nowhere(const struct decision *d)
{
	for (guint i = 0; d->redirects && i < d->redirects->len; i++)
		if (*(const char *)g_ptr_array_index(d->redirects, i) == '\0')
			return true;
	return false;
}

static void
note_symbols(const struct outcomes *o, struct decision *d)
{
	for (guint i = 0; i < o->items->len; i++) {
		const struct item *it = g_ptr_array_index(o->items, i);

		for (guint k = 0; k < it->symbols->len; k++)
			add_once(&d->symbols, g_ptr_array_index(it->symbols, k));
	}
}

static void
note_rules(const struct outcomes *o, struct decision *d)
{
	for (guint i = 0; i < o->notify->len; i++)
		add_copy(&d->notify, g_ptr_array_index(o->notify, i));
	for (guint i = 0; i < o->of->len; i++)
		d->keep |= outcome_at(o, i)->keep;
}

void
policy_settle(const struct rules *r, const struct message *m, const struct verdict *v,
    const struct outcomes *o, struct decision *d)
{
	const struct conf *conf = r->conf;
	const struct outcome *top = strictest(o);

	*d = (struct decision){
		.action = top->action,
		.cls = verdict_class(v),
		.error_code =
		    (unsigned)(top->engine ? top->engine->error_code : conf->antivirus.error_code),
		.rule = top->rule   ? g_strdup(top->rule->conf->title)
		    : top->scripted ? g_strdup("script")
				    : NULL,
		.fallback = (enum action)conf->antivirus.repair_fallback,
	};
	note_rules(o, d);
	note_symbols(o, d);
	if (conf->split == SPLIT_QUARANTINE && is_mixed(o))
		settle_split(d, m, o);
	else
		settle_strictest(d, m, o);
	if (leads_nowhere(d)) {
		drop_lists(d);
		d->split = false;
		d->action = ACTION_TEMPFAIL;
	}
	d->would = would_be(d, o);
	if (conf->observe)
		observe(d, top);
	d->observed = d->would != d->action;
	if (d->action == ACTION_REJECT || d->action == ACTION_TEMPFAIL)
		d->reply = reply_text(conf, m, top, d->action);
}

void
policy_count(const struct rules *r, const struct outcomes *o)
{
	for (guint i = 0; i < r->list->len; i++)
		if (o->hit[i])
			rule_hit(g_ptr_array_index(r->list, i));
}

void
policy_decide(
    const struct rules *r, const struct message *m, const struct verdict *v, struct decision *out)
{
	struct outcomes o;
	struct facts f;

	facts_of(m, &f);
	policy_walk(r, &f, v, &o);
	policy_settle(r, m, v, &o, out);
	outcomes_clear(&o);
	facts_clear(&f);
}

static bool
has(const GPtrArray *list, const char *text)
{
	return list &&
	    g_ptr_array_find_with_equal_func((GPtrArray *)(uintptr_t)list, text, g_str_equal, NULL);
}

/* Those who would have got the repaired mail join the ones whose copy is kept. */
static void
withhold_rest(struct decision *d, const struct message *m)
{
	if (!d->removed) /* everybody's */
		return;
	for (guint i = 0; i < m->recipients->len; i++) {
		const char *rcpt = g_ptr_array_index(m->recipients, i);

		if (!has(d->removed, rcpt))
			add_copy(&d->withheld, rcpt);
	}
}

void
policy_fall_back(
    const struct rules *r, const struct message *m, const struct verdict *v, struct decision *d)
{
	const struct conf *conf = r->conf;
	const struct outcome o = { .cls = verdict_class(v), .finding = verdict_top(v) };

	d->action = d->fallback;
	if (d->action == ACTION_REDIRECT) {
		remove_all(d, m);
		add_once(&d->redirects, conf->antivirus.redirect);
	}
	if (d->action == ACTION_QUARANTINE)
		withhold_rest(d, m);
	if (d->action == ACTION_QUARANTINE && d->redirects) {
		remove_all(d, m);
		d->action = ACTION_REDIRECT;
	}
	/* What others were promised holds: their copy is kept, or goes to its address. */
	if (d->action == ACTION_DISCARD && (d->withheld || d->redirects)) {
		remove_all(d, m);
		d->action = d->redirects ? ACTION_REDIRECT : ACTION_QUARANTINE;
	}
	if (leads_nowhere(d))
		d->action = ACTION_TEMPFAIL;
	if (d->action != ACTION_REJECT && d->action != ACTION_TEMPFAIL)
		return;
	drop_lists(d);
	d->split = false;
	g_free(d->reply);
	d->reply = reply_text(conf, m, &o, d->action);
}

void
decision_clear(struct decision *d)
{
	drop_lists(d);
	g_clear_pointer(&d->notify, g_ptr_array_unref);
	g_clear_pointer(&d->symbols, g_ptr_array_unref);
	g_free(d->reply);
	g_free(d->rule);
	*d = (struct decision){ 0 };
}

static bool
engine_may(const struct conf_engine *e, enum action a)
{
	const int all[] = { e->on_infected, e->on_evasion, e->on_blocked, e->on_suspicious,
		e->on_encrypted, e->on_macro, e->on_unscannable, e->on_error };

	for (size_t i = 0; i < G_N_ELEMENTS(all); i++)
		if (all[i] == (int)a)
			return true;
	return false;
}

bool
policy_may(const struct conf *conf, enum action a)
{
	if (*conf->lua.script && a != ACTION_REPAIR)
		return true;
	for (unsigned c = CLASS_CLEAN + 1; c < CLASS_COUNT; c++)
		if (policy_class_action(conf, (enum verdict_class)c) == a)
			return true;
	for (guint i = 0; i < conf->engines->len; i++)
		if (engine_may(g_ptr_array_index(conf->engines, i), a))
			return true;
	for (guint i = 0; i < conf->policies->len; i++)
		if (((const struct conf_policy *)g_ptr_array_index(conf->policies, i))->action ==
		    (int)a)
			return true;
	return a != ACTION_REPAIR && conf->antivirus.repair_fallback == (int)a &&
	    policy_may(conf, ACTION_REPAIR);
}
