/*
 * policy - every item its action, and the strictest holds
 */
#include "policy/policy.h"

#include <string.h>

#include "engine/engine.h"
#include "policy/reply.h"

#define BIT(n) (1u << (unsigned)(n))

/* The item that decides so far. */
struct choice {
	enum action action;
	enum verdict_class cls;
	const struct finding *finding;    /* or NULL */
	const struct conf_engine *engine; /* whose section said so; NULL = antivirus */
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

/* Let one item speak. Of equally strict ones that of the highest class explains the outcome. */
static void
weigh(struct choice *ch, const struct conf *conf, enum verdict_class c, const struct finding *f,
    const char *engine)
{
	const struct conf_engine *sec = engine[0] ? conf_engine_find(conf, engine) : NULL;
	enum action a = sec ? engine_class_action(sec, c) : policy_class_action(conf, c);

	if (a < ch->action || (a == ch->action && c <= ch->cls))
		return;
	*ch = (struct choice){ .action = a, .cls = c, .finding = f, .engine = sec };
}

static void
weigh_findings(struct choice *ch, const struct conf *conf, const struct verdict *v)
{
	for (guint i = 0; v->findings && i < v->findings->len; i++) {
		const struct finding *f = g_ptr_array_index(v->findings, i);

		weigh(ch, conf, finding_class(f->kind), f, f->engine);
	}
}

/* States that are not COMPLETE, by whose they are. */
static void
weigh_state(struct choice *ch, const struct conf *conf, enum verdict_class c, const GPtrArray *by)
{
	if (!by || by->len == 0)
		weigh(ch, conf, c, NULL, "");
	for (guint i = 0; by && i < by->len; i++)
		weigh(ch, conf, c, NULL, g_ptr_array_index(by, i));
}

/* Findings beyond those that were kept: of which engine is forgotten, so each could have been it.
 */
static void
weigh_unkept(struct choice *ch, const struct conf *conf, const struct verdict *v)
{
	for (unsigned k = FINDING_MACRO; k <= FINDING_INFECTED; k++) {
		if (!(v->kinds & BIT(k)))
			continue;
		weigh(ch, conf, finding_class((enum finding_kind)k), NULL, "");
		for (guint i = 0; v->more && i < conf->engines->len; i++) {
			const struct conf_engine *sec = g_ptr_array_index(conf->engines, i);

			weigh(ch, conf, finding_class((enum finding_kind)k), NULL, sec->title);
		}
	}
}

/* Every item once. A verdict that is not clean always has one. */
static struct choice
strictest(const struct conf *conf, const struct verdict *v)
{
	struct choice ch = { .action = ACTION_PASS, .cls = CLASS_CLEAN };
	unsigned items = verdict_items(v);

	weigh_findings(&ch, conf, v);
	if (v->more || (v->kinds && !v->findings))
		weigh_unkept(&ch, conf, v);
	if (items & BIT(CLASS_UNSCANNABLE))
		weigh_state(&ch, conf, CLASS_UNSCANNABLE, v->partial_by);
	if (items & BIT(CLASS_ERROR))
		weigh_state(&ch, conf, CLASS_ERROR, v->failed_by);
	return ch;
}

static char *
reply_text(const struct choice *ch, const struct conf *conf, const struct message *m)
{
	const bool reject = ch->action == ACTION_REJECT;
	const struct reply_words words = {
		.virus = ch->finding ? ch->finding->name : NULL,
		.engine = ch->finding ? ch->finding->engine
		    : ch->engine      ? ch->engine->title
				      : NULL,
		.class_name = verdict_class_name(ch->cls),
		.ref = m->ref,
		.qid = m->id,
		.host = g_get_host_name(),
	};
	const char *template;

	if (ch->engine)
		template = reject ? ch->engine->reject_message : ch->engine->tempfail_message;
	else
		template =
		    reject ? conf->antivirus.reject_message : conf->antivirus.tempfail_message;
	return reply_expand(template, &words);
}

void
policy_decide(
    const struct conf *conf, const struct message *m, const struct verdict *v, struct decision *out)
{
	struct choice ch = strictest(conf, v);

	/* Repaired is only what is known in full. */
	if (ch.action == ACTION_REPAIR && verdict_state(v) != SCAN_COMPLETE)
		ch.action = (enum action)conf->antivirus.repair_fallback;
	*out = (struct decision){
		.action = conf->observe ? ACTION_PASS : ch.action,
		.would = ch.action,
		.observed = conf->observe && ch.action != ACTION_PASS,
		.cls = verdict_class(v),
		.error_code =
		    (unsigned)(ch.engine ? ch.engine->error_code : conf->antivirus.error_code),
	};
	if (out->action == ACTION_REJECT || out->action == ACTION_TEMPFAIL)
		out->reply = reply_text(&ch, conf, m);
}

void
decision_clear(struct decision *d)
{
	g_free(d->reply);
	*d = (struct decision){ 0 };
}
