/* rules - see rules.h */
#include "policy/rules.h"

#include <string.h>
#include <time.h>

#include "base/cidr.h"
#include "policy/ignore.h"
#include "policy/match.h"
#include "policy/symbols.h"

static void
rule_free(void *p)
{
	struct rule *r = p;

	conditions_free(&r->conditions);
	g_free(r->hits);
	g_free(r);
}

/* The end of the day that expires names (UTC). conf has checked its form. */
static int64_t
end_of_day(const char *day)
{
	g_autofree char *iso = g_strdup_printf("%sT00:00:00Z", day);
	g_autoptr(GDateTime) begin = *day ? g_date_time_new_from_iso8601(iso, NULL) : NULL;
	g_autoptr(GDateTime) end = begin ? g_date_time_add_days(begin, 1) : NULL;

	return end ? g_date_time_to_unix(end) : INT64_MAX;
}

static uint64_t
hits_before(const struct rules *old, const char *title)
{
	for (guint i = 0; old && i < old->list->len; i++) {
		const struct rule *r = g_ptr_array_index(old->list, i);

		if (strcmp(r->conf->title, title) == 0)
			return atomic_load(r->hits);
	}
	return 0;
}

static struct rule *
rule_new(const struct conf_policy *p, const struct rules *old, GError **err)
{
	struct conditions *c = conditions_new(p, err);
	struct rule *r;

	if (!c) {
		g_prefix_error(err, "%s:%u: policy \"%s\": ", p->file, p->line, p->title);
		return NULL;
	}
	r = g_new0(struct rule, 1);
	r->conf = p;
	r->conditions = c;
	r->expires = end_of_day(p->expires);
	r->hits = g_new0(atomic_uint_fast64_t, 1);
	atomic_store(r->hits, hits_before(old, p->title));
	return r;
}

static struct cidr_list *
networks(const char *option, char *const *texts, GError **err)
{
	struct cidr_list *l = cidr_list_new(texts, err);

	if (!l)
		g_prefix_error(err, "trust.%s: ", option);
	return l;
}

struct rules *
rules_new(const struct conf *conf, const struct rules *old, GError **err)
{
	struct rules *r = g_new0(struct rules, 1);

	r->conf = conf_ref(conf);
	r->list = g_ptr_array_new_with_free_func(rule_free);
	r->trusted = networks("clients", conf->trust.clients, err);
	r->hops = r->trusted ? networks("hops", conf->trust.hops, err) : NULL;
	r->symbols = r->hops ? symbols_new(conf, err) : NULL;
	r->ignores = r->symbols ? ignores_new(conf, old ? old->ignores : NULL, err) : NULL;
	if (!r->ignores) {
		rules_free(&r);
		return NULL;
	}
	for (guint i = 0; i < conf->policies->len; i++) {
		struct rule *one = rule_new(g_ptr_array_index(conf->policies, i), old, err);

		if (!one) {
			rules_free(&r);
			return NULL;
		}
		g_ptr_array_add(r->list, one);
		r->by_recipient |= conditions_by_recipient(one->conditions);
	}
	return r;
}

void
rules_free(struct rules **rp)
{
	struct rules *r = *rp;

	*rp = NULL;
	if (!r)
		return;
	g_ptr_array_unref(r->list);
	ignores_free(&r->ignores);
	symbols_free(&r->symbols);
	cidr_list_free(&r->trusted);
	cidr_list_free(&r->hops);
	conf_unref(&r->conf);
	g_free(r);
}

bool
rules_trusts(const struct rules *r, const struct facts *f)
{
	return cidr_list_has(r->trusted, f->client);
}

/* The skip rule that this recipient's mail goes by unseen, or NULL. rcpt NULL: not known. */
static struct rule *
skip_for(const struct rules *rs, const struct facts *f, int64_t now, const char *rcpt)
{
	for (guint i = 0; i < rs->list->len; i++) {
		struct rule *r = g_ptr_array_index(rs->list, i);
		enum match m =
		    MIN(rule_match_message(r, f, now, NULL), rule_match_recipient(r, rcpt, NULL));

		if (m == MATCH_NO || r->conf->observe)
			continue;
		/* A rule before it could decide what a scan would find. */
		return m == MATCH_YES && r->conf->skip && !rule_asks_items(r) ? r : NULL;
	}
	return NULL;
}

bool
rules_skip(const struct rules *rs, const struct facts *f, const struct rule **rule)
{
	const int64_t now = time(NULL);
	struct rule *first = NULL;
	guint n = f->recipients->len;

	if (rs->list->len == 0)
		return false;
	for (guint i = 0; i < n + (f->unknown > 0 || n == 0); i++) {
		struct rule *r =
		    skip_for(rs, f, now, i < n ? g_ptr_array_index(f->recipients, i) : NULL);

		if (!r)
			return false;
		first = first ? first : r;
	}
	*rule = first;
	return true;
}

void
rule_hit(const struct rule *r)
{
	atomic_fetch_add(r->hits, 1);
}
