/* eom - see eom.h */
#include "milter/eom.h"

#include <unistd.h>

#include "base/deadline.h"
#include "base/log.h"
#include "effect/alert.h"
#include "effect/release.h"
#include "effect/repair.h"
#include "effect/report.h"
#include "milter/apply.h"
#include "milter/reply.h"
#include "milter/sealing.h"
#include "policy/context_note.h"
#include "policy/ignore.h"
#include "policy/skip.h"
#include "script/consult.h"

/* sendmail gives up after 10 s of silence (R in its T=), so we speak up a little earlier. */
#define PROGRESS_MS 7000

/* All that one end of message works with. */
struct eom {
	struct milter *milter;
	struct session *session;
	SMFICTX *ctx;
	struct message *message;         /* borrowed from the session, as is the snapshot */
	const struct snapshot *snapshot; /* NULL: the daemon is ending */
	const struct conf *conf;         /* of the snapshot */
	int64_t begin_us;
	struct wait wait;
	struct facts facts;
	struct context context;
	struct consult script;
	GError *script_failed; /* why on_message or on_verdict has said nothing, or NULL */
	const char *skipped;   /* reason word, or NULL */
	bool sealed;           /* a seal is believed */
	const char *told; /* "skip-macro" or "skip-header": who set the context variable; or NULL */
	const struct rule *skipper; /* the rule that said so, or NULL */
	struct scan_result scan;
	struct decision decision;
	struct repaired repaired;              /* with action repair: what is delivered */
	char released[QUARANTINE_REF_MAX + 1]; /* the entry that this is a release of */
	struct quarantine_kept kept;           /* ref "" = no copy */
	char *effect_why; /* why the decision could not be carried out, or NULL; owned */
	sfsistat answer;
};

static int64_t
now_us(void)
{
	return g_get_monotonic_time();
}

static void
tell_progress(void *arg)
{
	const struct eom *e = arg;

	/* A failure means that the MTA has gone: the answer will find nobody, which costs nothing.
	 */
	e->milter->ops->progress(e->ctx);
}

static void
begin(struct eom *e)
{
	kick_enter(&e->milter->kick);
	session_queue_id(e->session);
	log_context(e->message->id);
	wait_init(&e->wait, deadline_in(e->conf != NULL ? e->conf->antivirus.message_time_max : 0),
	    PROGRESS_MS, tell_progress, e);
	e->wait.cut = &e->milter->cut_ms;
	message_seal(e->message);
	facts_of(e->message, &e->facts);
}

/* Answer 451 without a scan. */
static void
refuse(struct eom *e, const char *why)
{
	verdict_fail(&e->scan.verdict, REASON_REFUSED, "%s", why);
	e->decision.action = e->decision.would = ACTION_TEMPFAIL;
	e->decision.cls = CLASS_ERROR;
	e->decision.error_code = REPLY_TEMPFAIL;
	e->effect_why = g_strdup(why);
}

/* drain_time is over. */
static bool
is_cut(const struct eom *e)
{
	return atomic_load(&e->milter->cut_ms) != INT64_MAX;
}

/* Is this message scanned at all? */
static bool
admit(struct eom *e)
{
	unsigned long missing;

	if (e->snapshot == NULL || is_cut(e) ||
	    (!e->session->pending && atomic_load(&e->milter->draining))) {
		refuse(e, "avmilter is stopping");
		return false;
	}
	missing = milter_actions(e->conf) & ~e->session->actions;
	if (missing != 0) {
		g_autofree char *names = apply_action_names(missing);
		g_autofree char *why = g_strdup_printf(
		    "the MTA has not agreed to %s, which the configuration needs", names);

		refuse(e, why);
		return false;
	}
	return true;
}

/* Has a trusted hop scanned this very mail with what would scan it here? */
static bool
believes_seal(struct eom *e)
{
	g_autofree char *host = NULL;

	e->sealed = sealing_believes(e->milter->seal, e->snapshot, &e->facts, e->message, &host);
	if (e->sealed)
		log_debug("scanned and sealed by %s", host);
	return e->sealed;
}

/* Does somebody who may say so want it delivered as it is? What the macro, the header field of a
 * trusted client and scripts say goes by the context, where scan() looks. */
static void
skip(struct eom *e)
{
	const struct rules *rules = e->snapshot->rules;
	const char *macro = e->conf->trust.skip_macro;

	if (release_recognise(atomic_load(&e->milter->quarantine), e->message, e->released)) {
		log_notice("released from the quarantine store: %s", e->released);
		e->skipped = "released";
	} else if (!e->conf->antivirus.enabled ||
	    (e->snapshot->active == 0 && e->snapshot->script == NULL)) {
		e->skipped = "disabled";
	} else if (rules_skip(rules, &e->facts, &e->skipper)) {
		e->skipped = "policy";
		rule_hit(e->skipper);
	} else if (believes_seal(e)) {
		e->skipped = "sealed";
	} else {
		e->told = skip_note(rules, &e->facts, e->message,
		    macro[0] != '\0' ? e->milter->ops->getsymval(e->ctx, macro) : NULL,
		    &e->context);
	}
}

/* The script has a word before the scan. */
static void
consult(struct eom *e)
{
	e->script = (struct consult){
		.script = e->skipped == NULL ? e->snapshot->script : NULL,
		.conf = e->conf,
		.engines = e->snapshot->engines,
		.workers = snapshot_workers(e->snapshot),
		.message = e->message,
		.facts = &e->facts,
		.context = &e->context,
		.wait = &e->wait,
	};
	(void)consult_before(&e->script, &e->script_failed);
}

/* A script that failed has not said that this mail may pass: what is not known is an error. */
static void
note_failure(struct eom *e)
{
	if (e->script_failed == NULL)
		return;
	log_err("script: %s", e->script_failed->message);
	verdict_fail(&e->scan.verdict, REASON_SCRIPT, "%s", e->script_failed->message);
	e->skipped = NULL;
}

/* Who has kept the engines from being asked? */
static const char *
leaver(const struct eom *e)
{
	if (e->snapshot->active == 0)
		return "disabled";
	return e->told != NULL ? e->told : "context";
}

/* What the script's own scans said counts too; of a mail that is not scanned otherwise when they say enough. */
static void
add_scripted(struct eom *e)
{
	if (e->skipped != NULL) {
		if (!consult_counts(&e->script))
			return;
		verdict_clear(&e->scan.verdict);
		e->skipped = NULL;
	}
	consult_join(&e->script, &e->scan.verdict);
}

static void
scan(struct eom *e)
{
	struct engines some;

	if (e->skipped != NULL)
		return;
	if (skip_engines(e->snapshot->engines, &e->context, &some)) {
		scan_message(
		    e->conf, &some, snapshot_workers(e->snapshot), e->message, &e->wait, &e->scan);
		e->skipped = e->scan.skipped;
		ignore_findings(e->snapshot->rules, &e->facts, &e->scan);
		context_note(&e->context, e->conf, &e->scan);
	} else {
		e->skipped = leaver(e);
	}
	skip_engines_clear(&some, e->snapshot->engines);
	add_scripted(e);
	note_failure(e);
}

/* The script has a word after the scan. */
static void
consult_again(struct eom *e)
{
	if (e->script_failed == NULL && !consult_after(&e->script, &e->scan, &e->script_failed))
		note_failure(e);
	consult_join(&e->script, &e->scan.verdict);
}

/* The rules decide, and what the script wants comes last. */
static void
decide_scanned(struct eom *e)
{
	const struct rules *rules = e->snapshot->rules;
	struct outcomes outcomes;

	policy_walk(rules, &e->facts, &e->scan.verdict, &outcomes);
	consult_apply(&e->script, &e->scan.verdict, &outcomes);
	policy_settle(rules, e->message, &e->scan.verdict, &outcomes, &e->decision);
	policy_count(rules, &outcomes);
	outcomes_clear(&outcomes);
}

static void
decide(struct eom *e)
{
	if (e->skipped != NULL) { /* the configuration says that nothing is to be scanned (P28) */
		e->decision.action = e->decision.would = ACTION_PASS;
		e->decision.rule = e->skipper != NULL ? g_strdup(e->skipper->conf->title) : NULL;
		return;
	}
	consult_again(e); /* which a cut may have ended, too */
	if (is_cut(e) && verdict_state(&e->scan.verdict) != SCAN_COMPLETE)
		refuse(e, "avmilter is stopping and drain_time is over");
	else
		decide_scanned(e);
}

/* Does somebody's mail go on to another host? Where the MTA does not say, mail from outside is for us. */
static bool
leaves(const struct eom *e)
{
	const struct session *s = e->session;

	return s->leaving > 0 || (s->unplaced > 0 && e->facts.traffic != TRAFFIC_MX);
}

/* What cannot be repaired takes repair_fallback. */
static void
repair(struct eom *e)
{
	const struct repair r = {
		.conf = e->conf,
		.rules = e->snapshot != NULL ? e->snapshot->rules : NULL,
		.engines = e->snapshot != NULL ? e->snapshot->engines : NULL,
		.workers = e->snapshot != NULL ? snapshot_workers(e->snapshot) : NULL,
		.message = e->message,
		.scan = &e->scan,
		.decision = &e->decision,
		.budget = e->milter->budget,
		.host = e->milter->host,
		.leaves = leaves(e),
		.wait = &e->wait,
	};
	g_autofree char *why = NULL;

	if (e->decision.action != ACTION_REPAIR)
		return;
	e->scan.repaired = repair_message(&r, &e->repaired, &why);
	if (e->scan.repaired) {
		log_info("repaired: %u part%s replaced, %u by repaired content", e->repaired.parts,
		    e->repaired.parts == 1 ? "" : "s", e->repaired.cured);
		return;
	}
	if (is_cut(e)) {
		refuse(e, "avmilter is stopping and drain_time is over");
		return;
	}
	policy_fall_back(e->snapshot->rules, e->message, &e->scan.verdict, &e->decision);
	log_notice(
	    "not repaired, %s instead (repair_fallback): %s", action_name(e->decision.action), why);
}

static enum apply_seal
seal_of(struct eom *e, char **value)
{
	const struct session *s = e->session;

	if (e->milter->seal == NULL)
		return SEAL_IGNORE;
	if (e->sealed)
		return s->to_hops > 0 && s->to_hops == e->message->recipients_total ? SEAL_PASS
										    : SEAL_USED;
	/* A new recipient's next hop is not known. */
	*value = e->effect_why == NULL && !e->scan.repaired && e->decision.redirects == NULL
	    ? sealing_make(e->milter->seal, s, &e->scan, e->skipped)
	    : NULL;
	return *value != NULL ? SEAL_NEW : SEAL_OFF;
}

static void
apply(struct eom *e)
{
	g_autofree char *value = NULL;
	const enum apply_seal seal = seal_of(e, &value);
	const struct apply a = {
		.ops = e->milter->ops,
		.ctx = e->ctx,
		.leading_space = (e->session->steps & SMFIP_HDR_LEADSPC) != 0,
		.conf = e->conf,
		.message = e->message,
		.scan = &e->scan,
		.decision = &e->decision,
		.skipped = e->skipped,
		.host = e->milter->host,
		.take_off = e->snapshot != NULL && skip_header_lies(e->snapshot->rules, &e->facts)
		    ? e->conf->trust.skip_header
		    : NULL,
		.seal = seal,
		.new_seal = value,
		.quarantine = atomic_load(&e->milter->quarantine),
		.kept = &e->kept,
		.repaired = e->repaired.message,
		.refused = e->effect_why != NULL,
	};

	e->answer = apply_decision(&a, &e->effect_why);
	if (e->effect_why != NULL) /* what the log shall show is what was answered */
		e->decision.action = e->answer == SMFIS_REJECT ? ACTION_REJECT : ACTION_TEMPFAIL;
}

static void
report(struct eom *e)
{
	const bool json = e->conf != NULL && e->conf->log.format == FORMAT_JSON;
	const struct report r = {
		.m = e->message,
		.scan = &e->scan,
		.decision = &e->decision,
		.skipped = e->skipped,
		.effect_why = e->effect_why,
		.kept = e->kept.ref,
		.delay_ms = (now_us() - e->begin_us) / 1000,
	};
	const bool clean = e->skipped == NULL && e->effect_why == NULL &&
	    verdict_is_clean(&e->scan.verdict) && e->decision.action == ACTION_PASS;

	/* Who leaves infections out of log.kinds does not want their lines. */
	const bool wanted = e->conf == NULL || e->skipped != NULL || e->effect_why != NULL ||
	    e->decision.cls != CLASS_INFECTED || conf_logs(e->conf, KIND_INFECTION);

	if (wanted && (!clean || e->conf->log.clean)) {
		g_autofree char *line = report_line(&r, json);

		log_msg(report_level(&r), "%s", line);
	}
	if (e->conf != NULL && e->skipped == NULL && e->scan.engines != NULL &&
	    conf_logs(e->conf, KIND_FILE_SCAN))
		alerts_log_files(e->milter->alerts, &e->scan);
	stats_message(&e->milter->stats, e->message, &e->scan, &e->decision, e->skipped,
	    e->effect_why, now_us() - e->begin_us);
	if (e->effect_why == NULL)
		stats_unscanned(&e->milter->stats, e->conf, &e->decision, e->skipped);
}

/* Whom it concerns gets mail, soon. */
static void
alert(struct eom *e)
{
	const struct alert_mail_facts f = {
		.message = e->message,
		.facts = &e->facts,
		.scan = &e->scan,
		.decision = &e->decision,
		.effect_why = e->effect_why,
	};

	if (e->skipped == NULL)
		alerts_message(e->milter->alerts, &f);
}

static void
end(struct eom *e)
{
	const bool counted = e->session->pending;

	g_free(e->effect_why);
	decision_clear(&e->decision);
	repaired_clear(&e->repaired);
	scan_result_clear(&e->scan);
	context_clear(&e->context);
	consult_clear(&e->script);
	g_clear_error(&e->script_failed);
	facts_clear(&e->facts);
	log_context(NULL);
	kick_leave(&e->milter->kick);
	if (counted) /* before the count goes down: see milter_drained() */
		atomic_store(&e->milter->last_eom_ms, now_ms());
	session_end(e->session);
	atomic_fetch_sub(&e->milter->in_eom, 1);
}

/* Count an end of message; after milter_close() its thread comes no further. */
static void
enter(struct milter *m)
{
	atomic_fetch_add(&m->in_eom, 1);
	if (!atomic_load(&m->closed))
		return;
	atomic_fetch_sub(&m->in_eom, 1);
	for (;;)
		pause();
}

/* There is nothing to scan: the MTA ended a message that it never began. */
static sfsistat
answer_nothing(struct milter *m, struct session *s, SMFICTX *ctx)
{
	log_warn("end of a message that was never begun: answered %d", REPLY_TEMPFAIL);
	if (s != NULL)
		session_end(s);
	return reply_speak(m->ops, ctx, REPLY_TEMPFAIL, NULL);
}

sfsistat
eom_answer(struct milter *m, struct session *s, SMFICTX *ctx)
{
	struct eom e = { .milter = m, .session = s, .ctx = ctx, .begin_us = now_us() };

	if (s == NULL || s->message == NULL)
		return answer_nothing(m, s, ctx);
	enter(m);
	e.message = s->message;
	e.snapshot = s->snapshot;
	e.conf = s->snapshot != NULL ? s->snapshot->conf : NULL;
	begin(&e);
	if (admit(&e)) {
		skip(&e);
		consult(&e);
		scan(&e);
		decide(&e);
		repair(&e);
	}
	apply(&e);
	report(&e);
	alert(&e);
	end(&e);
	return e.answer;
}
