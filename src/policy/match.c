/*
 * match - does a condition hold?
 *
 * A list that is empty in the file is no condition; one whose file is empty is a condition that nothing meets.
 */
#include "policy/match.h"

#include <string.h>

#include "base/cidr.h"
#include "base/regex.h"
#include "policy/globs.h"

#define BIT(n) (1u << (unsigned)(n))

/* NULL: not asked. */
struct conditions {
	struct cidr_list *clients;
	struct globs *daemons, *senders, *recipients, *symbols, *objects;
	GPtrArray *names; /* of struct regex * */
	unsigned classes; /* bits 1 << enum verdict_class; 0 = not asked */
};

static void
free_regex(void *p)
{
	struct regex *r = p;

	regex_free(&r);
}

/* Compile a list of globs, unless it asks for nothing. */
static bool
compile_globs(
    struct globs **to, char *const *texts, enum globs_kind kind, const char *option, GError **err)
{
	if (!*texts)
		return true;
	*to = globs_new(texts, kind, err);
	if (!*to)
		g_prefix_error(err, "%s: ", option);
	return *to != NULL;
}

static bool
compile_names(struct conditions *c, char *const *texts, GError **err)
{
	if (*texts)
		c->names = g_ptr_array_new_with_free_func(free_regex);
	for (; *texts; texts++) {
		struct regex *r = regex_new(*texts, err);

		if (!r) {
			g_prefix_error(err, "names: ");
			return false;
		}
		g_ptr_array_add(c->names, r);
	}
	return true;
}

static bool
compile(struct conditions *c, const struct conf_policy *p, GError **err)
{
	for (char **t = p->classes; *t; t++) {
		enum verdict_class cls;

		if (verdict_class_parse(*t, &cls))
			c->classes |= BIT(cls);
	}
	if (*p->clients && !(c->clients = cidr_list_new(p->clients, err))) {
		g_prefix_error(err, "clients: ");
		return false;
	}
	return compile_names(c, p->names, err) &&
	    compile_globs(&c->daemons, p->daemons, GLOBS_TEXTS, "daemons", err) &&
	    compile_globs(&c->senders, p->senders, GLOBS_ADDRESSES, "senders", err) &&
	    compile_globs(&c->recipients, p->recipients, GLOBS_ADDRESSES, "recipients", err) &&
	    compile_globs(&c->symbols, p->symbols, GLOBS_TEXTS, "symbols", err) &&
	    compile_globs(&c->objects, p->objects, GLOBS_TEXTS, "objects", err);
}

struct conditions *
conditions_new(const struct conf_policy *p, GError **err)
{
	struct conditions *c = g_new0(struct conditions, 1);

	if (!compile(c, p, err))
		conditions_free(&c);
	return c;
}

void
conditions_free(struct conditions **cp)
{
	struct conditions *c = *cp;

	*cp = NULL;
	if (!c)
		return;
	cidr_list_free(&c->clients);
	globs_free(&c->daemons);
	globs_free(&c->senders);
	globs_free(&c->recipients);
	globs_free(&c->symbols);
	globs_free(&c->objects);
	if (c->names)
		g_ptr_array_unref(c->names);
	g_free(c);
}

bool
conditions_by_recipient(const struct conditions *c)
{
	return c->recipients != NULL;
}

/* Note the option that does not hold, the first of them. */
static enum match
answer(enum match m, const char *option, const char **why)
{
	if (m != MATCH_YES && why && !*why)
		*why = option;
	return m;
}

static enum match
yes(bool holds)
{
	return holds ? MATCH_YES : MATCH_NO;
}

static enum match
match_authenticated(const struct conf_policy *p, const struct facts *f)
{
	if (p->authenticated == TRI_ANY)
		return MATCH_YES;
	return yes((f->traffic == TRAFFIC_AUTHENTICATED) == (p->authenticated == TRI_YES));
}

enum match
rule_match_message(const struct rule *r, const struct facts *f, int64_t now, const char **why)
{
	const struct conf_policy *p = r->conf;
	const struct conditions *c = r->conditions;

	if (now >= r->expires)
		return answer(MATCH_NO, "expires", why);
	if (c->clients && !cidr_list_has(c->clients, f->client))
		return answer(MATCH_NO, "clients", why);
	if (p->traffic && !(p->traffic & BIT(f->traffic)))
		return answer(MATCH_NO, "traffic", why);
	if (c->daemons && !globs_match(c->daemons, f->daemon ? f->daemon : ""))
		return answer(MATCH_NO, "daemons", why);
	if (c->senders && !globs_match(c->senders, f->sender))
		return answer(MATCH_NO, "senders", why);
	return answer(match_authenticated(p, f), "authenticated", why);
}

enum match
rule_match_recipient(const struct rule *r, const char *rcpt, const char **why)
{
	const struct conditions *c = r->conditions;

	if (!c->recipients)
		return MATCH_YES;
	return answer(
	    rcpt ? yes(globs_match(c->recipients, rcpt)) : MATCH_MAYBE, "recipients", why);
}

/* The best answer of any regex. */
static enum match
match_names(const struct conditions *c, const struct item *it)
{
	enum match best = MATCH_NO;

	if (it->vague)
		return MATCH_MAYBE;
	for (guint i = 0; it->finding && i < c->names->len && best != MATCH_YES; i++) {
		const enum regex_answer a =
		    regex_match(g_ptr_array_index(c->names, i), it->finding->name);

		best = MAX(best,
		    a == REGEX_YES           ? MATCH_YES
			: a == REGEX_UNKNOWN ? MATCH_MAYBE
					     : MATCH_NO);
	}
	return best;
}

static enum match
match_symbols(const struct conditions *c, const struct item *it)
{
	for (guint i = 0; i < it->symbols->len; i++)
		if (globs_match(c->symbols, g_ptr_array_index(it->symbols, i)))
			return MATCH_YES;
	for (guint i = 0; i < it->maybe->len; i++)
		if (globs_match(c->symbols, g_ptr_array_index(it->maybe, i)))
			return MATCH_MAYBE;
	return it->vague ? MATCH_MAYBE : MATCH_NO;
}

static enum match
match_objects(const struct conditions *c, const struct item *it)
{
	const char *hash = it->finding ? it->finding->sha256 : NULL;

	if (it->vague)
		return MATCH_MAYBE;
	return yes(hash && *hash && globs_match(c->objects, hash));
}

static enum match
match_engines(const struct conf_policy *p, const struct item *it)
{
	if (it->vague && !*it->engine)
		return MATCH_MAYBE;
	return yes(g_strv_contains((const char *const *)p->engines, it->engine));
}

enum match
rule_match_item(const struct rule *r, const struct item *it, const char **why)
{
	const struct conditions *c = r->conditions;
	enum match m = MATCH_YES;

	/* A rule is about what was found; only one that says "clean" is about clean mail too. */
	if (c->classes ? !(c->classes & BIT(it->cls)) : it->cls == CLASS_CLEAN)
		return answer(MATCH_NO, "classes", why);
	if (*r->conf->engines)
		m = MIN(m, answer(match_engines(r->conf, it), "engines", why));
	if (m != MATCH_NO && c->objects)
		m = MIN(m, answer(match_objects(c, it), "objects", why));
	if (m != MATCH_NO && c->symbols)
		m = MIN(m, answer(match_symbols(c, it), "symbols", why));
	if (m != MATCH_NO && c->names)
		m = MIN(m, answer(match_names(c, it), "names", why));
	return m;
}

bool
rule_asks_items(const struct rule *r)
{
	const struct conditions *c = r->conditions;

	return c->classes || *r->conf->engines || c->objects || c->symbols || c->names;
}
