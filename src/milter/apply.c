/* apply - see apply.h */
#include "milter/apply.h"

#include <string.h>

#include "base/log.h"
#include "effect/seal.h"
#include "effect/splice.h"
#include "effect/stamp.h"
#include "milter/milter.h"
#include "milter/reply.h"
#include "policy/facts.h"

/* Postfix keeps nothing of it, sendmail shows it in the queue listing. */
#define HOLD_REASON_MAX 200

/* libmilter sends a body in pieces of this size. */
#define BODY_PIECE MILTER_CHUNK_SIZE

static const struct {
	unsigned long flag;
	const char *what;
} action_names[] = {
	{ SMFIF_ADDHDRS, "adding header fields" },
	{ SMFIF_CHGHDRS, "removing header fields" },
	{ SMFIF_ADDRCPT, "adding recipients" },
	{ SMFIF_DELRCPT, "removing recipients" },
	{ SMFIF_QUARANTINE, "putting mail on hold" },
	{ SMFIF_CHGBODY, "replacing the body" },
};

char *
apply_action_names(unsigned long actions)
{
	GString *out = g_string_new(NULL);

	for (size_t i = 0; i < G_N_ELEMENTS(action_names); i++)
		if (actions & action_names[i].flag)
			g_string_append_printf(
			    out, "%s%s", out->len > 0 ? ", " : "", action_names[i].what);
	return g_string_free(out, FALSE);
}

unsigned long
milter_actions(const struct conf *conf)
{
	unsigned long need = 0;

	/* Whoever stamps must also be able to remove forged stamps. */
	if (conf->header.scanned[0] != '\0' || conf->header.status[0] != '\0' ||
	    conf->header.report[0] != '\0' || conf->seal.key_file[0] != '\0')
		need |= SMFIF_ADDHDRS | SMFIF_CHGHDRS;
	if (conf->trust.skip_header[0] != '\0')
		need |= SMFIF_CHGHDRS;
	if (policy_may(conf, ACTION_REDIRECT))
		need |= SMFIF_ADDRCPT | SMFIF_DELRCPT;
	if (policy_may(conf, ACTION_REPAIR))
		need |= SMFIF_CHGBODY;
	/* Rules and scripts can tell recipients apart. */
	if (conf->split == SPLIT_QUARANTINE ||
	    ((conf->policies->len > 0 || conf->lua.script[0] != '\0') &&
		policy_may(conf, ACTION_DISCARD)))
		need |= SMFIF_DELRCPT;
	if (conf->quarantine.mta_hold)
		need |= SMFIF_QUARANTINE;
	return need;
}

static bool
speak_edit(const struct apply *a, const struct edit *e, char **why)
{
	const char *value = e->value;
	int rc;

	if (e->op == EDIT_DELETE) {
		rc = a->ops->chgheader(a->ctx, e->name, e->index, NULL);
	} else {
		if (!a->leading_space && value[0] == ' ')
			value++; /* the MTA puts one itself */
		rc = a->ops->insheader(a->ctx, 0, e->name, value);
	}
	if (rc == MI_SUCCESS)
		return true;
	*why = g_strdup_printf("the MTA would not let us %s the header field %s",
	    e->op == EDIT_DELETE ? "remove" : "add", e->name);
	return false;
}

static bool
speak_all(const struct apply *a, const GPtrArray *edits, char **why)
{
	for (guint i = 0; i < edits->len; i++)
		if (!speak_edit(a, g_ptr_array_index(edits, i), why))
			return false;
	return true;
}

/* Take off every copy of a field. */
static bool
speak_removal(const struct apply *a, const char *name, char **why)
{
	g_autoptr(GPtrArray) edits = stamp_removals(a->message, name);

	return speak_all(a, edits, why);
}

static bool
speak_seal(const struct apply *a, char **why)
{
	g_autoptr(GPtrArray) edits = NULL;

	if (a->seal == SEAL_IGNORE || a->seal == SEAL_PASS)
		return true;
	if (!speak_removal(a, SEAL_FIELD, why))
		return false;
	if (a->seal != SEAL_NEW)
		return true;
	edits = stamp_addition(SEAL_FIELD, a->new_seal);
	return speak_all(a, edits, why);
}

static bool
speak_edits(const struct apply *a, char **why)
{
	g_autoptr(GPtrArray) edits = NULL;

	if (a->take_off != NULL && !speak_removal(a, a->take_off, why))
		return false;
	if (!speak_seal(a, why))
		return false;
	/* What a believed seal speaks of is the truth about this mail. */
	if (a->seal == SEAL_PASS || a->seal == SEAL_USED)
		return true;
	edits = stamp_edits(a->conf, a->message, a->scan, a->skipped, a->host);
	return speak_all(a, edits, why);
}

static bool
is_among(const GPtrArray *list, const char *address)
{
	g_autofree char *plain = facts_address(address);
	bool found = false;

	for (guint i = 0; list != NULL && !found && i < list->len; i++) {
		g_autofree char *other = facts_address(g_ptr_array_index(list, i));

		found = strcmp(plain, other) == 0;
	}
	return found;
}

/*
 * New ones first: an envelope without recipients might be given up. To an MTA one address is one
 * recipient, however often and in whichever case it was named: a new one that stands there already
 * would go with the old one, and the mail with it. So it stays where it is.
 */
static bool
speak_recipients(const struct apply *a, char **why)
{
	const struct decision *d = a->decision;

	if (d->removed != NULL && a->message->recipients_total > a->message->recipients->len) {
		*why = g_strdup_printf("%u recipients are more than can be changed one by one",
		    a->message->recipients_total);
		return false;
	}
	for (guint i = 0; d->redirects != NULL && i < d->redirects->len; i++) {
		const char *to = g_ptr_array_index(d->redirects, i);
		g_autofree char *envelope = g_strdup_printf("<%s>", to);

		if (is_among(a->message->recipients, to))
			continue;
		if (a->ops->addrcpt(a->ctx, envelope) != MI_SUCCESS) {
			*why = g_strdup_printf("the MTA would not take the recipient %s", to);
			return false;
		}
	}
	for (guint i = 0; d->removed != NULL && i < d->removed->len; i++) {
		char *from = g_ptr_array_index(d->removed, i);

		if (is_among(d->redirects, from))
			continue;
		if (a->ops->delrcpt(a->ctx, from) != MI_SUCCESS) {
			*why = g_strdup("the MTA would not let us remove a recipient");
			return false;
		}
	}
	return true;
}

/* The pieces one after the other and nothing in between: Postfix takes them only so. What fails half way
 * ends in a 451, and the mail with the half body goes. */
static bool
speak_body(const struct apply *a, char **why)
{
	const struct message *m = a->repaired;
	const uint64_t size = spool_size(m->spool);
	g_autofree char *piece = g_malloc(BODY_PIECE);
	g_autoptr(GError) err = NULL;

	for (uint64_t at = splice_body_at(m); at < size; at += BODY_PIECE) {
		const size_t n = (size_t)MIN(size - at, BODY_PIECE);

		if (!spool_read(m->spool, at, piece, n, &err)) {
			*why = g_strdup(err->message);
			return false;
		}
		if (a->ops->replacebody(a->ctx, piece, n) == MI_SUCCESS)
			continue;
		*why = g_strdup("the MTA would not let us replace the body");
		return false;
	}
	return true;
}

static bool
speak_hold(const struct apply *a, char **why)
{
	const struct finding *top = verdict_top(&a->scan->verdict);
	g_autofree char *reason =
	    g_strdup_printf("avmilter: %s %.*s (ref %s)", verdict_class_name(a->decision->cls),
		HOLD_REASON_MAX, top != NULL ? top->name : "", a->message->ref);

	if (a->ops->quarantine(a->ctx, reason) == MI_SUCCESS)
		return true;
	*why = g_strdup("the MTA would not put the mail on hold");
	return false;
}

/* Is the store to have this mail, and whose copy is it? */
static bool
is_kept(const struct apply *a, enum quarantine_why *why)
{
	const struct decision *d = a->decision;

	if (d->action == ACTION_QUARANTINE && !a->conf->quarantine.mta_hold)
		*why = QUARANTINE_ACTION;
	else if (d->action != ACTION_QUARANTINE && d->withheld != NULL)
		*why = QUARANTINE_SPLIT;
	else if (d->keep)
		*why = QUARANTINE_COPY;
	else
		return false;
	return true;
}

/* Keep it for good, before the MTA is told that we have taken it. False when that fails; *answer then
 * says what comes of it. */
static bool
keep(const struct apply *a, enum quarantine_why reason, sfsistat *answer, char **why)
{
	const struct quarantine_case c = {
		.conf = a->conf,
		.message = a->message,
		.scan = a->scan,
		.decision = a->decision,
		.recipients = reason != QUARANTINE_COPY ? a->decision->withheld : NULL,
		.why = reason,
		.rule = a->decision->rule,
		.host = a->host,
	};
	g_autoptr(GError) err = NULL;

	if (quarantine_keep(a->quarantine, &c, a->kept, &err))
		return true;
	*why = g_strdup(err->message);
	*answer = reply_speak(a->ops, a->ctx, quarantine_refusal(a->conf, err), NULL);
	return false;
}

sfsistat
apply_decision(const struct apply *a, char **why)
{
	const struct decision *d = a->decision;
	enum quarantine_why reason;
	sfsistat answer;

	if (a->refused)
		return reply_speak(a->ops, a->ctx, d->error_code, d->reply);
	if (is_kept(a, &reason) && !keep(a, reason, &answer, why))
		return answer;
	switch (d->action) {
	case ACTION_PASS:
	case ACTION_REDIRECT:
		if (speak_edits(a, why) && speak_recipients(a, why))
			return SMFIS_CONTINUE;
		break;
	case ACTION_REPAIR:
		if (speak_edits(a, why) && speak_recipients(a, why) && speak_body(a, why))
			return SMFIS_CONTINUE;
		break;
	case ACTION_QUARANTINE:
		if (!a->conf->quarantine.mta_hold)
			return SMFIS_DISCARD;
		if (speak_edits(a, why) && speak_recipients(a, why) && speak_hold(a, why))
			return SMFIS_CONTINUE;
		break;
	case ACTION_DISCARD:
		return SMFIS_DISCARD;
	case ACTION_REJECT:
		return reply_speak(a->ops, a->ctx, REPLY_REJECT, d->reply);
	case ACTION_TEMPFAIL:
		return reply_speak(a->ops, a->ctx, d->error_code, d->reply);
	default:
		*why = g_strdup_printf(
		    "action %s cannot be carried out by this version", action_name(d->action));
		break;
	}
	return reply_speak(a->ops, a->ctx, REPLY_TEMPFAIL, NULL);
}
