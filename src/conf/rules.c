/*
 * rules - what options must say together
 */
#include "conf/rules.h"

#include <string.h>

#include "conf/option.h"
#include "conf/walk.h"

#define MTA_TIME_MAX (300 * 1000) /* Postfix's milter_content_timeout, sendmail's E: */
#define PERMANENT    500

#define ERROR(key, ...) problems_error(o->problems, outline_place(o, key), __VA_ARGS__)
#define WARN(key, ...)  problems_warn(o->problems, outline_place(o, key), __VA_ARGS__)

static void
check_top(const struct conf *c, const struct outline *o)
{
	if (strcmp(c->user, "root") == 0 || g_str_has_prefix(c->user, "root:"))
		WARN("user", "user root: a broken scanner is root then; make a user of its own");
	if (*c->control.socket && strcmp(c->control.socket, c->socket) == 0)
		ERROR("control.socket",
		    "control.socket is the same as socket: give it a name of its own");
}

static void
check_log(const struct conf *c, const struct outline *o)
{
	static const char *const facilities[] = {
		"mail",
		"daemon",
		"user",
		"auth",
		"local0",
		"local1",
		"local2",
		"local3",
		"local4",
		"local5",
		"local6",
		"local7",
		NULL,
	};

	if (strcmp(c->log.target, "syslog") != 0 && strcmp(c->log.target, "stderr") != 0 &&
	    c->log.target[0] != '/')
		ERROR("log.target", "log.target '%.60s': write syslog, stderr or an absolute path",
		    c->log.target);
	if (!g_strv_contains(facilities, c->log.facility))
		ERROR("log.facility",
		    "log.facility '%.60s': write mail, daemon, user, auth or local0 to local7",
		    c->log.facility);
}

static void
check_spool(const struct conf *c, const struct outline *o)
{
	if (c->spool.memory_max > c->spool.total_max)
		ERROR("spool.memory_max",
		    "spool.memory_max is larger than total_max: a message in "
		    "memory counts into it");
	if (c->spool.message_max > c->spool.total_max / 2)
		WARN("spool.message_max",
		    "spool.message_max: messages above half of total_max are "
		    "unscannable all the same");
}

/* ADDRESS:PORT of the status page: is the address a loopback one? */
static bool
is_loopback(const char *http)
{
	return g_str_has_prefix(http, "127.") || g_str_has_prefix(http, "[::1]:") ||
	    g_str_has_prefix(http, "localhost:");
}

/* A plain address for a header field: printable ASCII without blanks and brackets, one @. */
static bool
is_sender(const char *from)
{
	const char *at = strchr(from, '@');

	for (const char *p = from; *p; p++)
		if (*p <= ' ' || *p > '~' || strchr("<>(),;:\"\\[]", *p))
			return false;
	return at && at > from && at[1] && !strchr(at + 1, '@');
}

static void
check_pairs(const struct conf *c, const struct outline *o)
{
	if (*c->cache.redis && !*c->cache.secret_file)
		ERROR("cache.redis",
		    "cache.redis needs cache.secret_file: entries without a key can be forged");
	if (*c->alert.to && c->alert.on != 0 && !*c->alert.smtp_primary)
		ERROR("alert.to",
		    "alert.to needs alert.smtp_primary: write smtp_primary = \"HOST:PORT\"");
	if (*c->alert.smtp_secondary && !*c->alert.smtp_primary)
		ERROR("alert.smtp_secondary",
		    "alert.smtp_secondary needs a primary one: write smtp_primary = \"HOST:PORT\"");
	if (!is_sender(c->alert.from))
		ERROR("alert.from",
		    "alert.from '%.60s' is no address: write USER@DOMAIN or USER@%%{host}",
		    c->alert.from);
	if (*c->control.http && !is_loopback(c->control.http) && !*c->control.http_allow)
		ERROR("control.http",
		    "control.http is not a loopback address: say who may read it "
		    "in http_allow = {...}");
	else if (*c->control.http && !is_loopback(c->control.http))
		WARN("control.http",
		    "control.http is not a loopback address: whoever is in http_allow reads it, and "
		    "it goes over the network in clear text");
	if ((*c->trust.skip_header) && !*c->trust.clients)
		WARN("trust.skip_header",
		    "trust.skip_header is believed from nobody: name the networks in clients");
	if (*c->seal.key_file && !*c->trust.clients && !*c->trust.hops)
		WARN("seal.key_file",
		    "seal.key_file: no hop is named: trust.hops get mail with a seal, seals of "
		    "trust.clients are believed");
	if (*c->trust.hops && !*c->seal.key_file)
		WARN("trust.hops", "trust.hops get no seals without seal.key_file");
	if (*c->seal.key_file &&
	    (c->antivirus.cache_memory == 0 ||
		(c->antivirus.cache_size == 0 && c->antivirus.cache_size_clean == 0)))
		WARN("seal.key_file",
		    "seal.key_file does nothing without the result cache, which knows what a "
		    "verdict rests on");
}

static void
check_antivirus(const struct conf *c, const struct outline *o)
{
	const struct conf_antivirus *a = &c->antivirus;
	bool any = false;

	for (unsigned i = 0; i < c->engines->len; i++)
		any |= ((const struct conf_engine *)g_ptr_array_index(c->engines, i))->enabled ==
		    ENABLED_YES;
	if (!any)
		WARN("antivirus.enabled",
		    "no engine is enabled: mail is delivered unscanned, marked Skipped (disabled)");
	if (a->repair_fallback == ACTION_REPAIR)
		ERROR("antivirus.repair_fallback",
		    "antivirus.repair_fallback cannot be repair: write reject or another action");
	if (a->message_time_max >= MTA_TIME_MAX)
		WARN("antivirus.message_time_max",
		    "antivirus.message_time_max: the MTA gives up after 300 s "
		    "(milter_content_timeout, T=E:) unless told otherwise");
	if (a->paranoid && !a->sweep)
		ERROR("antivirus.paranoid",
		    "antivirus.paranoid looks where the sweep looks: write sweep = true");
	if (a->max_extract_time > a->message_time_max)
		WARN("antivirus.max_extract_time",
		    "antivirus.max_extract_time is never reached: message_time_max is shorter");
	if (a->max_extract_size > a->max_cumulative_extract_size)
		WARN("antivirus.max_extract_size",
		    "antivirus.max_extract_size is never reached: "
		    "max_cumulative_extract_size is smaller");
}

/* Where an inherited option of an engine is written. */
static struct place
place_of(const struct outline *o, const char *path, const char *name)
{
	g_autofree char *own = path_join(path, name), *general = path_join("antivirus", name);

	return outline_place(o, outline_mark(o, own) || !outline_mark(o, general) ? own : general);
}

static void
check_action_address(const char *path, const struct conf_option *opt, void *field, void *user)
{
	const struct outline *o = user;

	/* Only where it is written: what follows from it would be told once for each class. */
	if (opt->type == CONF_T_ACTION && *(int *)field == ACTION_REDIRECT &&
	    g_str_has_prefix(path, "antivirus") && outline_mark(o, path))
		problems_error(o->problems, outline_place(o, path),
		    "%s needs an address for redirect: write redirect = \"ADDRESS\" in antivirus",
		    path);
}

static void
check_engine(const struct conf *c, struct conf_engine *e, const struct outline *o)
{
	g_autofree char *path = engine_path(e->kind, e->title);
	const struct conf_engine *wrapped = conf_engine_find(c, e->fault.engine);

	if (!conf_threadpool_find(c, e->pool))
		problems_error(o->problems, place_of(o, path, "pool"),
		    "there is no threadpool \"%.40s\": write threadpool \"%.40s\" { }", e->pool,
		    e->pool);
	if (e->error_code >= PERMANENT)
		problems_warn(o->problems, place_of(o, path, "error_code"),
		    "error_code %u is permanent: mail is refused for good when a scan breaks",
		    (unsigned)e->error_code);
	if (e->on_error == ACTION_PASS || e->on_error == ACTION_DISCARD)
		problems_warn(o->problems, place_of(o, path, "on_error"),
		    "on_error = \"%s\": mail is %s when a scan breaks",
		    action_name((enum action)e->on_error),
		    e->on_error == ACTION_PASS ? "delivered unscanned" : "lost");
	if (!*e->net.tls_cert != !*e->net.tls_key)
		problems_error(o->problems, place_of(o, path, "tls_cert"),
		    "tls_cert and tls_key belong together: write both");
	if (strcmp(e->kind, "icap") == 0 && e->icap.repair != REPAIR_SCAN &&
	    (e->icap.method == METHOD_REQMOD || g_str_has_suffix(e->icap.service, "-URL") ||
		g_str_has_suffix(e->icap.service, "-DDR")))
		problems_warn(o->problems, place_of(o, path, "repair"),
		    "repair has no effect with method reqmod or a -URL or -DDR service");
	if (strcmp(e->kind, "fault") == 0 && (!wrapped || wrapped == e))
		problems_error(o->problems, place_of(o, path, "engine"),
		    "there is no other engine section \"%.40s\" to wrap", e->fault.engine);
}

/* Rules that let something pass on the word of the sender alone (decision 2). */
static bool
is_forgeable(const struct conf_policy *p)
{
	bool loosens = p->action == ACTION_PASS || p->action == ACTION_DISCARD || p->skip;

	return loosens && *p->senders && !*p->clients && p->authenticated != TRI_YES &&
	    !*p->recipients && !p->traffic && !*p->daemons;
}

/* Is some engine shown whole messages? */
static bool
any_whole(const struct conf *c)
{
	for (unsigned i = 0; i < c->engines->len; i++) {
		const struct conf_engine *e = g_ptr_array_index(c->engines, i);

		if (e->enabled == ENABLED_YES && e->scan_whole)
			return true;
	}
	return false;
}

/* YEAR-MONTH-DAY, UTC: days in that form sort as texts. */
static bool
is_past(const char *day)
{
	g_autoptr(GDateTime) now = g_date_time_new_now_utc();
	g_autofree char *today = g_date_time_format(now, "%Y-%m-%d");

	return strcmp(day, today) < 0;
}

/* Conditions on what was found. */
static bool
asks_items(const struct conf_policy *p)
{
	return *p->classes || *p->names || *p->engines || *p->symbols || *p->objects;
}

/* Whoever is to be told must be one whom alerts reach. */
static void
check_notify(
    const struct conf *c, const struct conf_policy *p, const char *path, const struct outline *o)
{
	const char *const *notify = (const char *const *)p->notify;

	if (!*c->alert.smtp_primary)
		ERROR(path, "%s: notify needs alert { smtp_primary = \"HOST:PORT\" }", path);
	if (g_strv_contains(notify, "admin") && !*c->alert.to)
		ERROR(path, "%s: notify = {admin}: write alert { to = {\"ADDRESS\"} }", path);
	if (g_strv_contains(notify, "recipient") && !*c->alert.local_domains)
		ERROR(path,
		    "%s: notify = {recipient}: say which domains are yours in alert { local_domains "
		    "= {...} }",
		    path);
	if (p->skip)
		ERROR(path, "%s: skip means that nothing is looked at: take notify away", path);
}

static void
check_policy(const struct conf *c, struct conf_policy *p, const struct outline *o)
{
	g_autofree char *path = g_strdup_printf("policy \"%s\"", p->title),
			*engines = path_join(path, "engines");

	if (p->action == CONF_ACTION_AUTO)
		ERROR(path,
		    "%s: action auto is for on_unscannable only: write an action, or action = "
		    "\"action\"",
		    path);
	if (p->action == ACTION_REDIRECT && !*p->redirect && !*c->antivirus.redirect)
		ERROR(path, "%s: action redirect needs an address: write redirect = \"ADDRESS\"",
		    path);
	for (char **e = p->engines; *e; e++)
		if (!conf_engine_find(c, *e))
			ERROR(engines, "%s: there is no engine section \"%.40s\"", path, *e);
	if (p->skip && p->action != CONF_ACTION_ACTION)
		ERROR(path, "%s: skip means that nothing is looked at: take action away", path);
	if (p->skip && asks_items(p))
		ERROR(path,
		    "%s: skip comes before the scan: take away classes, names, engines, symbols and "
		    "objects",
		    path);
	if (*p->objects && p->action == ACTION_PASS && any_whole(c))
		WARN(path,
		    "%s: objects: a finding in the whole message belongs to no part, so the rule frees "
		    "nothing from engines with scan_whole = true; use names",
		    path);
	if (*p->notify)
		check_notify(c, p, path, o);
	if (*p->expires && is_past(p->expires))
		WARN(path, "%s has expired: it never holds; take it away", path);
	if (is_forgeable(p))
		WARN(path,
		    "%s loosens for senders only: the envelope sender is forged easily; add "
		    "clients or authenticated",
		    path);
}

/* A skip rule is used only where no rule before it could hold. */
static void
check_skips(const struct conf *c, const struct outline *o)
{
	const char *before = NULL;

	for (unsigned i = 0; i < c->policies->len; i++) {
		const struct conf_policy *p = g_ptr_array_index(c->policies, i);
		g_autofree char *path = g_strdup_printf("policy \"%s\"", p->title);

		if (p->skip && before)
			WARN(path,
			    "%s skips only what policy \"%s\" above it cannot hold for: write it "
			    "first",
			    path, before);
		if (!p->skip && !before)
			before = p->title;
	}
}

void
rules_check(const struct conf *c, const struct outline *o)
{
	check_top(c, o);
	check_log(c, o);
	check_spool(c, o);
	check_pairs(c, o);
	check_antivirus(c, o);
	for (unsigned i = 0; i < c->engines->len; i++)
		check_engine(c, g_ptr_array_index(c->engines, i), o);
	if (!*c->antivirus.redirect)
		walk_conf((struct conf *)(uintptr_t)c, check_action_address, (void *)(uintptr_t)o);
	for (unsigned i = 0; i < c->policies->len; i++)
		check_policy(c, g_ptr_array_index(c->policies, i), o);
	check_skips(c, o);
}
