/* consult - see consult.h */
#include "script/consult.h"

#include <string.h>

#include "base/log.h"
#include "policy/context_note.h"
#include "script/bundle.h"
#include "script/view.h"

#define ADDRESS_MAX 254 /* RFC 5321 4.5.3.1.3 */

/* One call of the script. */
struct call {
	struct consult *c;
	struct process *process;
	struct ask ask;
	GPtrArray *variables; /* of char *: name, value or NULL, name ... */
	unsigned lines;
	uint32_t hooks;    /* that are called */
	unsigned outcomes; /* that have come: each hook returns one for each of its calls */
	bool gone;         /* the process ended without a word */
	bool whole;        /* the process has done its part and can serve on */
};

/* One outcome that the script wants. */
struct said {
	struct proto_outcome what;
	const char *text; /* of consult.texts */
};

static bool
fail(GError **err, const char *why)
{
	g_set_error_literal(err, SCRIPT_ERROR, 0, why);
	return false;
}

static bool
broken(GError **err)
{
	return fail(err, "the script process breaks the protocol");
}

void
consult_clear(struct consult *c)
{
	g_clear_pointer(&c->texts, g_ptr_array_unref);
	g_clear_pointer(&c->said, g_array_unref);
	verdict_clear(&c->found);
}

static const char *
keep_text(struct consult *c, const char *text)
{
	char *copy = g_strdup(text);

	if (c->texts == NULL)
		c->texts = g_ptr_array_new_with_free_func(g_free);
	g_ptr_array_add(c->texts, copy);
	return copy;
}

static bool
send_answer(struct call *call, struct bundle *b, GError **err)
{
	AUTO(fd_close) int fd = bundle_file(b, err);
	const struct proto_answer answer = { .size = b->bytes->len };

	return fd >= 0 &&
	    process_answer(call->process, PROTO_ANSWER, &answer, sizeof(answer), fd, err);
}

static void
answer_parts(struct call *call, struct bundle *b)
{
	g_autoptr(GError) why = NULL;
	const struct objects *objects = ask_objects(&call->ask, &why);

	if (objects != NULL)
		view_parts(b, "list", objects);
	else
		bundle_text(b, "failed", why->message);
}

static void
answer_state(struct bundle *b, enum proto_scan_state state, const char *info)
{
	bundle_number(b, "status", state);
	bundle_text(b, "info", info);
}

/* Engines that look only at files cannot be handed a mail whose bytes nobody has. */
static bool
is_unsuitable(const struct call *call, const struct engine *e)
{
	const unsigned caps = e != NULL ? engine_caps(e) : 0;

	return e != NULL && call->c->message->error != NULL && (caps & ENGINE_CAP_PATH) &&
	    !(caps & (ENGINE_CAP_STREAM | ENGINE_CAP_FD));
}

/* The configuration leaves out all of it: nobody has looked, and nothing has failed. */
static void
answer_skipped(struct bundle *b, const char *why)
{
	answer_state(b, PROTO_AV_UNSCANNABLE, "the configuration leaves out all of it");
	bundle_text(b, "code", why);
}

static void
answer_scanned(
    struct call *call, const struct proto_ask *ask, const struct scan_result *r, struct bundle *b)
{
	verdict_join(&call->c->found, &r->verdict);
	call->c->whole |= ask->question == PROTO_ASK_SCAN;
	context_note(call->c->context, call->c->conf, r);
	view_scan(b, &r->verdict);
	view_noted(b, "context", call->c->conf, r, call->c->context);
}

static void
answer_scan(struct call *call, const struct proto_ask *ask, const char *title, struct bundle *b)
{
	struct engine *e = *title != '\0' ? engines_find(call->ask.engines, title) : NULL;
	struct scan_result r = { 0 };

	if (*title != '\0' ? e == NULL : call->c->engines->list->len == 0) {
		answer_state(b, PROTO_AV_NO_ENGINE, "there is no engine of that name");
		return;
	}
	if (is_unsuitable(call, e)) {
		answer_state(
		    b, PROTO_AV_NOT_SUITABLE_FOR_STREAMING, call->c->message->error->message);
		return;
	}
	if (ask->question == PROTO_ASK_SCAN)
		ask_scan(&call->ask, e, &r);
	else
		ask_scan_part(&call->ask, ask->part, e, &r);
	if (r.skipped != NULL)
		answer_skipped(b, r.skipped);
	else
		answer_scanned(call, ask, &r, b);
	scan_result_clear(&r);
}

static bool
on_ask(struct call *call, const struct packet *p, GError **err)
{
	struct packet_text rest;
	struct proto_ask ask;
	const char *title;
	struct bundle b;
	bool ok;

	if (!packet_fixed(p, &ask, sizeof(ask), &rest) || (title = packet_string(&rest)) == NULL)
		return broken(err);
	bundle_begin(&b);
	switch (ask.question) {
	case PROTO_ASK_PARTS:
		answer_parts(call, &b);
		break;
	case PROTO_ASK_SCAN:
	case PROTO_ASK_PART:
		answer_scan(call, &ask, title, &b);
		break;
	default:
		bundle_clear(&b);
		return broken(err);
	}
	ok = send_answer(call, &b, err);
	bundle_clear(&b);
	return ok;
}

static void
on_log(struct call *call, const struct packet *p)
{
	struct packet_text rest = { .at = (const char *)p->body, .left = p->len };
	const char *text = packet_string(&rest);
	g_autoptr(GString) line = g_string_new(NULL);

	if (text == NULL || call->lines == LOG_LINES_MAX)
		return;
	call->lines++;
	log_esc(line, text, strlen(text), PROTO_TEXT_MAX);
	log_notice("script %s: %s", script_name(call->c->script), line->str);
}

static bool
on_set(struct call *call, const struct packet *p, GError **err)
{
	struct packet_text rest = { .at = (const char *)p->body, .left = p->len };
	const char *name = packet_string(&rest), *value = packet_string(&rest);

	if (name == NULL || *name == '\0' || p->len > PROTO_SET_BYTES ||
	    call->variables->len >= 2 * PROTO_SET_MAX)
		return broken(err);
	g_ptr_array_add(call->variables, g_strdup(name));
	g_ptr_array_add(call->variables, g_strdup(value));
	return true;
}

/* Printable, one @ at least, nothing that would end an address. */
static bool
is_address(const char *text)
{
	const size_t len = strlen(text);

	for (const char *c = text; *c != '\0'; c++)
		if (!g_ascii_isgraph(*c) || strchr("<>,;\"\\()", *c) != NULL)
			return false;
	return len <= ADDRESS_MAX && strchr(text, '@') > text && text[len - 1] != '@';
}

/* Does it come from a hook that was called, for somebody who is there, and no more often than it can? */
static bool
is_due(const struct call *call, const struct proto_outcome *o)
{
	const guint recipients = call->c->facts->recipients->len;

	if (call->outcomes > recipients)
		return false;
	return o->recipient == PROTO_EVERYBODY
	    ? (call->hooks & PROTO_ON_VERDICT) != 0
	    : (call->hooks & PROTO_ON_RECIPIENT) != 0 && o->recipient < recipients;
}

static bool
on_outcome(struct call *call, const struct packet *p, GError **err)
{
	struct packet_text rest;
	struct said said;
	const char *text;

	if (!packet_fixed(p, &said.what, sizeof(said.what), &rest) ||
	    (text = packet_string(&rest)) == NULL || strlen(text) >= PROTO_OUTCOME_BYTES ||
	    said.what.action >= ACTION_COUNT || said.what.action == ACTION_REPAIR ||
	    !is_due(call, &said.what))
		return broken(err);
	call->outcomes++;
	if (said.what.action == ACTION_REDIRECT && *text == '\0')
		text = call->c->conf->antivirus.redirect;
	if (said.what.action == ACTION_REDIRECT && !is_address(text)) {
		g_set_error(err, SCRIPT_ERROR, 0,
		    "%s:%u: redirect needs an address: return \"redirect\", \"user@example.com\"",
		    script_name(call->c->script), said.what.line);
		return false;
	}
	said.text = keep_text(call->c, text);
	if (call->c->said == NULL)
		call->c->said = g_array_new(FALSE, FALSE, sizeof(struct said));
	g_array_append_val(call->c->said, said);
	return true;
}

static bool
on_failed(const struct packet *p, GError **err)
{
	struct packet_text rest = { .at = (const char *)p->body, .left = p->len };
	const char *text = packet_string(&rest);
	g_autoptr(GString) why = g_string_new(NULL);

	if (text == NULL)
		return broken(err);
	log_esc(why, text, strlen(text), PROTO_TEXT_MAX);
	return fail(err, why->str);
}

/* Serve the script until it is done. */
static bool
serve(struct call *call, GError **err)
{
	struct packet p;

	for (;;) {
		bool ok = true;

		if (!process_receive(call->process, call->c->wait, &p, err))
			return false;
		switch (p.op) {
		case PROTO_ASK_FRONT:
			ok = process_in_time(call->process, call->c->wait, err) &&
			    on_ask(call, &p, err);
			break;
		case PROTO_LOG:
			on_log(call, &p);
			ok = process_in_time(call->process, call->c->wait, err);
			break;
		case PROTO_SET:
			ok = on_set(call, &p, err);
			break;
		case PROTO_OUTCOME:
			ok = on_outcome(call, &p, err);
			break;
		case PROTO_DONE:
			call->whole = true;
			return true;
		case PROTO_FAILED:
			call->whole = true;
			return on_failed(&p, err);
		default:
			ok = broken(err);
		}
		if (!ok)
			return false;
	}
}

static void
describe(const struct consult *c, const struct scan_result *r, struct bundle *b)
{
	const char *skip = c->conf->antivirus.skip_context_variable;

	bundle_begin(b);
	view_message(b, "msg", c->message, c->facts);
	view_context(b, "context", c->context);
	view_engines(b, "engines", c->engines);
	if (*skip != '\0')
		bundle_text(b, "skip", skip);
	if (r != NULL)
		view_verdict(b, "verdict", r);
}

static bool
call_hooks(struct call *call, uint32_t hooks, const struct scan_result *r, GError **err)
{
	struct bundle b;
	AUTO(fd_close) int fd = -1;
	struct proto_call ask = { .hooks = hooks };
	bool ok;

	call->hooks = hooks;
	describe(call->c, r, &b);
	fd = bundle_file(&b, err);
	ask.size = b.bytes->len;
	bundle_clear(&b);
	ok = fd >= 0 && process_request(call->process, PROTO_CALL, &ask, sizeof(ask), fd, err);
	fd_close(&fd);
	return ok && serve(call, err);
}

static void
set_variables(const struct call *call)
{
	for (guint i = 0; i < call->variables->len; i += 2)
		context_set(call->c->context, g_ptr_array_index(call->variables, i),
		    g_ptr_array_index(call->variables, i + 1));
}

/* The actions as they are without the script. */
static GArray *
defaults(const struct outcomes *o)
{
	GArray *actions = g_array_new(FALSE, FALSE, sizeof(enum action));

	for (guint i = 0; i < o->of->len; i++)
		g_array_append_val(actions, g_array_index(o->of, struct outcome, i).action);
	return actions;
}

static const char default_reply[] = "Message rejected by local policy (ref %{ref})";

static void
put(struct outcome *o, const struct said *said)
{
	const bool spoken =
	    said->what.action == ACTION_REJECT || said->what.action == ACTION_TEMPFAIL;

	o->action = o->would = (enum action)said->what.action;
	o->rule = NULL;
	o->scripted = true;
	o->reply = spoken && *said->text != '\0' ? said->text
	    : spoken && o->cls == CLASS_CLEAN    ? default_reply
						 : NULL;
	if (o->action == ACTION_REDIRECT)
		o->redirect = said->text;
}

/* What failed is not known: nobody may make less of it than the configuration does. */
static bool
may_decide(const struct verdict *v, enum action without, const struct said *said)
{
	return !(verdict_items(v) & 1u << CLASS_ERROR) || said->what.action >= (uint32_t)without;
}

/* One outcome for all whom we know and do not know: the strictest. But whose mail is to be thrown away
 * may be one of them, and nobody else's may be. */
static bool
is_stricter(const struct said *said, const struct outcome *o)
{
	return said->what.action != ACTION_DISCARD && said->what.action > (uint32_t)o->action;
}

void
consult_apply(const struct consult *c, const struct verdict *v, struct outcomes *o)
{
	g_autoptr(GArray) without = defaults(o);

	for (guint i = 0; c->said != NULL && i < c->said->len; i++) {
		const struct said *said = &g_array_index(c->said, struct said, i);
		const uint32_t who = said->what.recipient;

		for (guint k = 0; k < o->of->len; k++) {
			struct outcome *one = &g_array_index(o->of, struct outcome, k);

			if (!may_decide(v, g_array_index(without, enum action, k), said))
				continue;
			if (who == PROTO_EVERYBODY || (!o->one && who == k) ||
			    (o->one && is_stricter(said, one)))
				put(one, said);
		}
	}
}

bool
consult_counts(const struct consult *c)
{
	return c->found.states != 0 && (c->whole || !verdict_is_clean(&c->found));
}

void
consult_join(struct consult *c, struct verdict *v)
{
	if (c->found.states != 0)
		verdict_join(v, &c->found);
	verdict_clear(&c->found);
}

static bool
attempt(struct call *call, uint32_t hooks, const struct scan_result *r, GError **err)
{
	struct script *script = call->c->script;
	bool ok;

	call->process = script_borrow(script, call->c->wait, err);
	call->gone = false;
	if (call->process == NULL)
		return false;
	ok = call_hooks(call, hooks, r, err);
	call->gone = call->process->gone;
	script_return(script, call->process, !call->whole);
	return ok;
}

static bool
run(struct consult *c, uint32_t hooks, const struct scan_result *r, GError **err)
{
	struct call call = {
		.c = c,
		.ask = {
			.conf = c->conf,
			.engines = c->engines,
			.workers = c->workers,
			.message = c->message,
			.wait = c->wait,
		},
	};
	bool ok;

	call.variables = g_ptr_array_new_with_free_func(g_free);
	ok = attempt(&call, hooks, r, err);
	/* Once more: a mail that ends processes by itself gets no further. */
	if (!ok && call.gone) {
		g_clear_error(err);
		ok = attempt(&call, hooks, r, err);
	}
	ask_clear(&call.ask);
	if (ok)
		set_variables(&call);
	else
		g_clear_pointer(&c->said, g_array_unref);
	g_ptr_array_unref(call.variables);
	return ok;
}

bool
consult_before(struct consult *c, GError **err)
{
	if (!script_has(c->script, PROTO_ON_MESSAGE))
		return true;
	return run(c, PROTO_ON_MESSAGE, NULL, err);
}

bool
consult_after(struct consult *c, const struct scan_result *r, GError **err)
{
	uint32_t hooks = 0;

	if (script_has(c->script, PROTO_ON_VERDICT))
		hooks |= PROTO_ON_VERDICT;
	if (script_has(c->script, PROTO_ON_RECIPIENT))
		hooks |= PROTO_ON_RECIPIENT;
	return hooks == 0 || run(c, hooks, r, err);
}
