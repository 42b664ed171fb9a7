/*
 * policy: the walk of the rules and the transaction that becomes of it: tables, and what must hold for any rules and any verdict
 */
#include "world.h"

#include "policy/context_note.h"
#include "policy/policy.h"
#include "policy/skip.h"

/* One thread does all of this: the build that watches threads takes a part, the others all. */
#ifdef __SANITIZE_THREAD__
#define ROUNDS 400
#else
#define ROUNDS 1600
#endif

#define ENGINES "antivirus { redirect = \"r@x.test\" null \"e1\" { } null \"e2\" { on_macro = reject on_error = pass } }\n"

static struct rules *
compile(const char *text)
{
	g_autofree char *all = g_strconcat(ENGINES, text, NULL);
	struct conf *c = world_conf(all);
	g_autoptr(GError) err = NULL;
	struct rules *r = rules_new(c, NULL, &err);

	if (!r)
		fail_msg("%s", err->message);
	conf_unref(&c);
	return r;
}

/* "i:Name@e1" one finding (letters mesbvi), "P@e1" partial, "F@e1" failed; words separated by blanks; "" = clean. */
static void
verdict_by_words(struct verdict *v, const char *words)
{
	static const char kinds[] = "?mesbvi";
	g_auto(GStrv) each = g_strsplit(words, " ", -1);

	verdict_complete(v);
	for (char **w = each; *w; w++) {
		AUTO(verdict_clear) struct verdict one = {0};
		const char *at = strchr(*w, '@'), *kind = **w ? strchr(kinds, **w) : NULL;
		const char *engine = at ? at + 1 : "e1";

		if (!**w)
			continue;
		if (**w == 'P') {
			verdict_partial(&one, REASON_LIMIT_SIZE, "limit");
		} else if (**w == 'F') {
			verdict_fail(&one, REASON_TIMEOUT, "timeout");
		} else {
			g_autofree char *name = g_strndup(*w + 2, at ? (gsize)(at - *w - 2) : strlen(*w + 2));

			assert_non_null(kind);
			verdict_complete(&one);
			verdict_find(&one, (enum finding_kind)(kind - kinds), name, "object", engine);
		}
		verdict_blame(&one, engine);
		verdict_join(v, &one);
	}
}

struct mail {
	struct message m;
	struct verdict v;
};

static void
mail_make(struct mail *mail, const char *verdict, const char *recipients)
{
	static char id[] = "4XYZ", ref[] = "abcdefghij", sender[] = "<s@from.test>", addr[] = "10.1.2.3";
	g_auto(GStrv) each = g_strsplit(recipients, " ", -1);

	*mail = (struct mail){.m = {.id = id, .ref = ref, .sender = sender, .client_addr = addr}};
	mail->m.recipients = g_ptr_array_new_with_free_func(g_free);
	for (char **r = each; *r; r++)
		g_ptr_array_add(mail->m.recipients, g_strdup_printf("<%s@x.test>", *r));
	mail->m.recipients_total = mail->m.recipients->len;
	verdict_by_words(&mail->v, verdict);
}

static void
mail_clear(struct mail *mail)
{
	g_ptr_array_unref(mail->m.recipients);
	verdict_clear(&mail->v);
}

static char *
join(const GPtrArray *list)
{
	GString *s = g_string_new("");

	for (guint i = 0; list && i < list->len; i++) {
		const char *a = g_ptr_array_index(list, i);

		/* of "<a@x.test>" the a */
		g_string_append_printf(s, "%s%.*s", i ? " " : "", *a == '<' ? (int)strcspn(a + 1, "@") : (int)strlen(a),
		                       *a == '<' ? a + 1 : a);
	}
	return g_string_free(s, FALSE);
}

/* "action rule -removed !withheld >redirects"; what is empty is left out. */
static char *
summary(const struct decision *d)
{
	g_autofree char *removed = join(d->removed), *withheld = join(d->withheld), *redirects = join(d->redirects);
	GString *s = g_string_new(action_name(d->action));

	if (d->rule)
		g_string_append_printf(s, " [%s]", d->rule);
	if (*removed)
		g_string_append_printf(s, " -%s", removed);
	if (*withheld)
		g_string_append_printf(s, " !%s", withheld);
	if (*redirects)
		g_string_append_printf(s, " >%s", redirects);
	if (d->keep)
		g_string_append(s, " copy");
	if (d->observed)
		g_string_append_printf(s, " would=%s", action_name(d->would));
	return g_string_free(s, FALSE);
}

struct row {
	const char *rules, *verdict, *recipients, *want;
};

static void
check(const struct row *rows, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		AUTO(rules_free) struct rules *r = compile(rows[i].rules);
		g_autofree char *got = NULL;
		struct decision d;
		struct mail mail;

		mail_make(&mail, rows[i].verdict, rows[i].recipients);
		policy_decide(r, &mail.m, &mail.v, &d);
		got = summary(&d);
		if (strcmp(got, rows[i].want) != 0)
			fail_msg("row %zu: {%s} on %s for %s: %s, not %s", i, rows[i].rules, rows[i].verdict,
			         rows[i].recipients, got, rows[i].want);
		assert_int_equal(d.reply != NULL, d.action == ACTION_REJECT || d.action == ACTION_TEMPFAIL);
		decision_clear(&d);
		mail_clear(&mail);
	}
}

/* Which rule decides which item. */
static void
walk(void **state)
{
	static const struct row rows[] = {
		{"", "", "u", "pass"},
		{"", "i:V", "u", "reject"},
		{"policy \"p\" { action = pass }", "i:V", "u", "pass [p]"},
		/* decision 2: an exception for one finding does not free another, nor a failure */
		{"policy \"p\" { names = {'^PUA'} action = pass }", "s:PUA.A", "u", "pass [p]"},
		{"policy \"p\" { names = {'^PUA'} action = pass }", "s:PUA.A i:V", "u", "reject"},
		{"policy \"p\" { names = {'^PUA'} action = pass }", "s:PUA.A F@e1", "u", "tempfail"},
		{"policy \"p\" { names = {'^PUA'} action = pass }", "s:PUA.A P@e1", "u", "reject"},
		{"policy \"p\" { engines = {e1} action = pass }", "i:V@e1 i:V@e2", "u", "reject"},
		{"policy \"p\" { engines = {e1} action = pass }", "i:V@e1", "u", "pass [p]"},
		{"policy \"p\" { engines = {e1} action = pass }", "F@e1", "u", "pass [p]"},
		/* the first that holds decides */
		{"policy \"a\" { classes = {infected} action = discard }\npolicy \"b\" { action = reject }", "i:V", "u",
		 "discard [a]"},
		{"policy \"a\" { classes = {macro} action = discard }\npolicy \"b\" { action = tempfail }", "i:V", "u",
		 "tempfail [b]"},
		/* engines' own actions where no rule holds */
		{"", "m:M@e1", "u", "pass"},
		{"", "m:M@e2", "u", "reject"},
		{"", "F@e2", "u", "pass"},
		{"policy \"p\" { classes = {infected} action = pass }", "i:V m:M@e2", "u", "reject"},
		/* action = action: as without the rule, for its texts */
		{"policy \"p\" { action = action }", "m:M@e2", "u", "reject [p]"},
		{"policy \"p\" { action = action }", "m:M@e1", "u", "pass [p]"},
		/* only who says clean is asked about clean mail */
		{"policy \"p\" { action = reject }", "", "u", "pass"},
		{"policy \"p\" { classes = {clean} action = redirect }", "", "u", "redirect [p] -u >r@x.test"},
		{"policy \"p\" { classes = {clean} action = reject }", "m:M", "u", "pass"},
		/* symbols from the engine's own name */
		{"policy \"p\" { symbols = {\"E1_VIRUS\"} action = discard }", "i:V", "u", "discard [p]"},
		{"policy \"p\" { symbols = {\"E1_VIRUS\"} action = discard }", "i:V@e2", "u", "reject"},
		{"policy \"p\" { symbols = {\"*_FAIL\"} action = discard }", "F@e1", "u", "discard [p]"},
		{"policy \"p\" { symbols = {\"*_MACRO\"} action = discard }", "m:M", "u", "discard [p]"},
		{"policy \"p\" { symbols = {\"*_ENCRYPTED\"} action = discard }", "e:E", "u", "discard [p]"},
		/* expired */
		{"policy \"p\" { expires = \"2020-01-01\" action = pass }", "i:V", "u", "reject"},
		/* a copy besides */
		{"policy \"p\" { quarantine = true }", "i:V", "u", "reject [p] copy"},
		{"policy \"p\" { classes = {macro} quarantine = true }", "i:V", "u", "reject"},
		{"policy \"p\" { classes = {macro} quarantine = true }", "i:V m:M", "u", "reject copy"},
		/* a trial decides nothing, in either direction */
		{"policy \"p\" { observe = true action = pass }", "i:V", "u", "reject would=pass"},
		{"policy \"p\" { observe = true action = reject }", "m:M", "u", "pass would=reject"},
		{"policy \"p\" { observe = true action = discard }\npolicy \"q\" { action = tempfail }", "m:M", "u",
		 "tempfail [q] would=discard"},
		{"observe = true\npolicy \"p\" { action = redirect }", "i:V", "u", "pass [p] would=redirect"},
		/* who is not scanned for gets what comes, when it was scanned for others */
		{"policy \"p\" { recipients = {\"u@x.test\"} skip = true }", "i:V", "u", "pass [p]"},
	};

	(void)state;
	check(rows, G_N_ELEMENTS(rows));
}

/* One transaction out of several outcomes: decision 5, and a discard that costs nobody else his mail. */
static void
transaction(void **state)
{
#define FOR(rcpt, what) "policy \"for-" rcpt "\" { recipients = {\"" rcpt "@x.test\"} action = " what " }\n"
#define SPLIT           "split = quarantine\n"
	static const struct row rows[] = {
		{FOR("a", "pass"), "i:V", "a b", "reject"},
		{FOR("a", "pass"), "i:V", "a", "pass [for-a]"},
		{FOR("a", "pass") FOR("b", "pass"), "i:V", "a b", "pass [for-a]"},
		{FOR("a", "quarantine"), "i:V", "a b", "reject"},
		{FOR("a", "quarantine"), "m:M", "a b", "quarantine [for-a]"},
		{FOR("a", "redirect"), "m:M", "a b", "redirect [for-a] -a b >r@x.test"},
		{FOR("a", "tempfail"), "m:M", "a b", "tempfail [for-a]"},
		{FOR("a", "discard"), "m:M", "a b", "pass -a"},
		{FOR("a", "discard"), "i:V", "a b", "reject"},
		{FOR("a", "discard") FOR("b", "discard"), "i:V", "a b", "discard [for-a]"},
		{FOR("a", "discard") FOR("b", "quarantine"), "i:V", "a b", "quarantine [for-b] -a !b"},
		{FOR("a", "discard") FOR("b", "tempfail"), "i:V", "a b", "tempfail [for-b]"},
		{SPLIT FOR("a", "pass"), "i:V", "a b", "pass -b !b"},
		{SPLIT FOR("a", "pass"), "i:V", "b c", "reject"},
		{SPLIT FOR("a", "pass"), "i:V", "a", "pass [for-a]"},
		{SPLIT FOR("a", "pass"), "i:V", "a b c", "pass -b c !b c"},
		{SPLIT FOR("a", "quarantine"), "m:M", "a b", "pass [for-a] -a !a"},
		{SPLIT FOR("a", "quarantine"), "i:V", "a b", "reject"},
		{SPLIT FOR("a", "redirect"), "m:M", "a b", "pass [for-a] -a >r@x.test"},
		{SPLIT FOR("a", "redirect"), "i:V", "a b", "redirect -a b !b >r@x.test"},
		{SPLIT FOR("a", "discard"), "m:M", "a b", "pass -a"},
		{SPLIT FOR("a", "discard") FOR("b", "pass"), "i:V", "a b c", "pass -a c !c"},
		{SPLIT FOR("a", "tempfail"), "m:M", "a b", "pass [for-a] -a !a"},
		{SPLIT FOR("a", "tempfail") FOR("b", "quarantine"), "m:M", "a b", "quarantine [for-b]"},
		{SPLIT FOR("a", "pass"), "F@e1", "a b", "pass -b !b"},
		{SPLIT "observe = true\n" FOR("a", "pass"), "i:V", "a b", "pass would=reject"},
	};

	(void)state;
	check(rows, G_N_ELEMENTS(rows));
}

static void
addresses_of_redirects(void **state)
{
	static const struct row rows[] = {
		{"policy \"p\" { recipients = {\"a@x.test\"} action = redirect redirect = \"one@y\" }\n"
		 "policy \"q\" { action = redirect redirect = \"two@y\" }",
		 "i:V", "a b c", "redirect [p] -a b c >one@y two@y"},
		{"policy \"q\" { action = redirect redirect = \"two@y\" }", "i:V", "a b", "redirect [q] -a b >two@y"},
	};

	(void)state;
	check(rows, G_N_ELEMENTS(rows));
}

/* Recipients that are not known: a rule about some of them loosens nothing, and tightens for all. */
static void
unknown_recipients(void **state)
{
	static const struct {
		const char *action, *verdict;
		enum action want;
	} rows[] = {
		{"pass", "i:V", ACTION_REJECT},
		{"reject", "m:M", ACTION_REJECT},
		{"quarantine", "m:M", ACTION_QUARANTINE},
		/* but throws nothing of others away */
		{"discard", "m:M", ACTION_PASS},
		{"discard", "F@e1", ACTION_TEMPFAIL},
	};

	(void)state;
	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		g_autofree char *text =
			g_strdup_printf("policy \"p\" { recipients = {\"a@x.test\"} action = %s }", rows[i].action);
		AUTO(rules_free) struct rules *r = compile(text);
		struct decision d;
		struct mail mail;

		mail_make(&mail, rows[i].verdict, "a b");
		mail.m.recipients_total = 3;
		policy_decide(r, &mail.m, &mail.v, &d);
		assert_int_equal(d.action, rows[i].want);
		assert_null(d.removed);
		decision_clear(&d);
		mail_clear(&mail);
	}
}

static void
texts_of_rules(void **state)
{
	AUTO(rules_free)
	struct rules *r = compile("policy \"p\" { classes = {infected} reject_message = \"no %{virus} (%{ref})\" }\n"
	                          "policy \"t\" { action = tempfail tempfail_message = \"later\" }");
	struct decision d;
	struct mail mail;

	(void)state;
	mail_make(&mail, "i:Evil.A", "u");
	policy_decide(r, &mail.m, &mail.v, &d);
	assert_string_equal(d.reply, "no Evil.A (abcdefghij)");
	decision_clear(&d);
	mail_clear(&mail);
	mail_make(&mail, "m:M", "u");
	policy_decide(r, &mail.m, &mail.v, &d);
	assert_string_equal(d.reply, "later");
	decision_clear(&d);
	mail_clear(&mail);
}

/* More findings than are kept: of the forgotten ones nobody knows the name, so an exception by name frees nothing. */
static void
forgotten_findings(void **state)
{
	AUTO(rules_free) struct rules *r = compile("policy \"p\" { names = {'^V'} action = pass }");
	struct decision d;
	struct mail mail;

	(void)state;
	mail_make(&mail, "", "u");
	for (int i = 0; i < VERDICT_FINDINGS_MAX; i++) {
		g_autofree char *name = g_strdup_printf("V%d", i);

		verdict_find(&mail.v, FINDING_INFECTED, name, "object", "e1");
	}
	policy_decide(r, &mail.m, &mail.v, &d);
	assert_int_equal(d.action, ACTION_PASS);
	decision_clear(&d);
	verdict_find(&mail.v, FINDING_INFECTED, "Zzz", "object", "e1");
	policy_decide(r, &mail.m, &mail.v, &d);
	assert_int_equal(d.action, ACTION_REJECT);
	decision_clear(&d);
	mail_clear(&mail);
}

/* Two attachments of one name: an exception for the content of one does not free the other. */
static void
objects_by_content(void **state)
{
	static const char one[] = "1111111111111111111111111111111111111111111111111111111111111111";
	static const char two[] = "2222222222222222222222222222222222222222222222222222222222222222";
	g_autofree char *text = g_strdup_printf("policy \"p\" { objects = {\"%s\"} action = pass }", one);
	AUTO(rules_free) struct rules *r = compile(text);
	struct decision d;
	struct mail mail;

	(void)state;
	mail_make(&mail, "", "u");
	verdict_find(&mail.v, FINDING_INFECTED, "V", "a.zip", "e1");
	verdict_locate(&mail.v, one);
	policy_decide(r, &mail.m, &mail.v, &d);
	assert_int_equal(d.action, ACTION_PASS);
	decision_clear(&d);
	verdict_find_in(&mail.v, FINDING_INFECTED, "V", "a.zip", "e1", two);
	assert_int_equal(mail.v.findings->len, 2);
	policy_decide(r, &mail.m, &mail.v, &d);
	assert_int_equal(d.action, ACTION_REJECT);
	decision_clear(&d);
	mail_clear(&mail);
}

/* Random rules without observe. */
static char *
random_rules(struct rnd *r)
{
	static const char *const conditions[] = {
		"", "classes = {infected}", "classes = {macro, suspicious}", "names = {'^V1'}", "engines = {e1}",
		"engines = {e2} classes = {error}", "recipients = {\"a@x.test\"}", "recipients = {\"b@x.test\"} names = {'2$'}",
		"senders = {\"*@from.test\"}", "clients = {\"192.0.2.0/24\"}", "symbols = {\"E1_*\"}", "classes = {unscannable, error}",
	};
	GString *s = g_string_new("");
	unsigned n = rnd_below(r, 4);

	for (unsigned i = 0; i < n; i++) {
		enum action a = (enum action)rnd_below(r, ACTION_COUNT);

		g_string_append_printf(s, "policy \"p%u\" { %s action = %s }\n", i,
		                       conditions[rnd_below(r, G_N_ELEMENTS(conditions))], action_name(a));
	}
	return g_string_free(s, FALSE);
}

static const char *
random_item(struct rnd *r)
{
	static const char *const items[] = {"i:V1@e1", "i:V2@e2", "m:M1@e1", "m:M2@e2", "s:V12@e1", "e:E2@e2",
	                                    "b:V1@e2", "v:X@e1",  "P@e1",    "P@e2",    "F@e1",     "F@e2"};

	return items[rnd_below(r, G_N_ELEMENTS(items))];
}

/* For any rules: an item more never weakens anybody's outcome, and what holds is the strictest of what each item gets by itself. */
static void
items_never_weaken(void **state)
{
	struct rnd rnd = rnd_new(11);

	(void)state;
	for (int i = 0; i < ROUNDS / 8; i++) {
		g_autofree char *text = random_rules(&rnd);
		AUTO(rules_free) struct rules *r = compile(text);

		for (int k = 0; k < 8; k++) {
			const char *one = random_item(&rnd), *two = random_item(&rnd);
			g_autofree char *both = g_strdup_printf("%s %s", one, two);
			struct outcomes oa, ob, oboth;
			struct mail a, b, sum;
			struct facts f;

			mail_make(&a, one, "a b");
			mail_make(&b, two, "a b");
			mail_make(&sum, both, "a b");
			facts_of(&a.m, &f);
			policy_walk(r, &f, &a.v, &oa);
			policy_walk(r, &f, &b.v, &ob);
			policy_walk(r, &f, &sum.v, &oboth);
			for (guint n = 0; n < 2; n++) {
				enum action x = g_array_index(oa.of, struct outcome, n).action;
				enum action y = g_array_index(ob.of, struct outcome, n).action;
				enum action z = g_array_index(oboth.of, struct outcome, n).action;

				/* Together with what is not complete a repair becomes its fallback. */
				if (x == ACTION_REPAIR || y == ACTION_REPAIR ? z < action_stricter(x, y)
				                                             : z != action_stricter(x, y))
					fail_msg("%s%s: %s, %s: %s, together %s", text, one, action_name(x), two,
					         action_name(y), action_name(z));
			}
			outcomes_clear(&oa);
			outcomes_clear(&ob);
			outcomes_clear(&oboth);
			facts_clear(&f);
			mail_clear(&a);
			mail_clear(&b);
			mail_clear(&sum);
		}
	}
}

static bool
in(const GPtrArray *list, const char *text)
{
	return list && g_ptr_array_find_with_equal_func((GPtrArray *)(uintptr_t)list, text, g_str_equal, NULL);
}

/* Whatever the rules: nobody gets a mail that his own outcome forbids, and nobody's copy vanishes but by a discard of his own. */
static void
nobody_loses_or_gets_too_much(void **state)
{
	struct rnd rnd = rnd_new(12);

	(void)state;
	for (int i = 0; i < ROUNDS; i++) {
		g_autofree char *some = random_rules(&rnd);
		g_autofree char *text = g_strconcat(i % 2 ? SPLIT : "", some, NULL);
		AUTO(rules_free) struct rules *r = compile(text);
		struct outcomes o;
		struct decision d;
		struct mail mail;
		struct facts f;

		mail_make(&mail, random_item(&rnd), "a b c");
		facts_of(&mail.m, &f);
		policy_walk(r, &f, &mail.v, &o);
		policy_settle(r, &mail.m, &mail.v, &o, &d);
		for (guint n = 0; n < 3; n++) {
			const enum action own = g_array_index(o.of, struct outcome, n).action;
			const char *rcpt = g_ptr_array_index(mail.m.recipients, n);
			const bool spoken = d.action == ACTION_REJECT || d.action == ACTION_TEMPFAIL;
			const bool kept = (d.action == ACTION_QUARANTINE && (!d.withheld || in(d.withheld, rcpt))) ||
				in(d.withheld, rcpt);
			const bool elsewhere = d.redirects && in(d.removed, rcpt);
			const bool gets = (d.action == ACTION_PASS || d.action == ACTION_REPAIR) && !in(d.removed, rcpt);

			if (gets != (gets && (own == ACTION_PASS || own == ACTION_REPAIR)))
				fail_msg("%s: recipient %u gets it with %s", text, n, action_name(own));
			if (!spoken && !kept && !elsewhere && !gets && own != ACTION_DISCARD)
				fail_msg("%s: recipient %u with %s loses it by %s", text, n, action_name(own),
				         action_name(d.action));
		}
		decision_clear(&d);
		outcomes_clear(&o);
		facts_clear(&f);
		mail_clear(&mail);
	}
}

static void
skip_rules(void **state)
{
	static const struct {
		const char *rules, *recipients;
		const char *skipper;
	} rows[] = {
		{"", "a", NULL},
		{"policy \"s\" { clients = {\"10.0.0.0/8\"} skip = true }", "a b", "s"},
		{"policy \"s\" { clients = {\"11.0.0.0/8\"} skip = true }", "a b", NULL},
		{"policy \"s\" { recipients = {\"a@x.test\"} skip = true }", "a", "s"},
		{"policy \"s\" { recipients = {\"a@x.test\"} skip = true }", "a b", NULL},
		{"policy \"s\" { recipients = {\"a@x.test\"} skip = true }\npolicy \"t\" { recipients = {\"b@x.test\"} skip = true }",
		 "a b", "s"},
		{"policy \"s\" { recipients = {\"a@x.test\"} skip = true }", "", NULL},
		/* a rule before it might decide what a scan finds */
		{"policy \"n\" { names = {'X'} action = reject }\npolicy \"s\" { clients = {\"10.0.0.0/8\"} skip = true }", "a", NULL},
		{"policy \"n\" { clients = {\"11.0.0.0/8\"} action = reject }\npolicy \"s\" { clients = {\"10.0.0.0/8\"} skip = true }",
		 "a", "s"},
		{"policy \"s\" { clients = {\"10.0.0.0/8\"} skip = true observe = true }", "a", NULL},
		{"policy \"s\" { clients = {\"10.0.0.0/8\"} skip = true expires = \"2020-01-01\" }", "a", NULL},
	};

	(void)state;
	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		AUTO(rules_free) struct rules *r = compile(rows[i].rules);
		const struct rule *rule = NULL;
		struct mail mail;
		struct facts f;

		mail_make(&mail, "", rows[i].recipients);
		if (!*rows[i].recipients)
			mail.m.recipients_total = 0, g_ptr_array_set_size(mail.m.recipients, 0);
		facts_of(&mail.m, &f);
		if (rules_skip(r, &f, &rule) != (rows[i].skipper != NULL))
			fail_msg("row %zu", i);
		if (rows[i].skipper)
			assert_string_equal(rule->conf->title, rows[i].skipper);
		facts_clear(&f);
		mail_clear(&mail);
	}
}

static void
hits(void **state)
{
	AUTO(rules_free) struct rules *r = compile("policy \"p\" { classes = {infected} action = pass }\npolicy \"q\" { action = pass }");
	AUTO(rules_free) struct rules *next = NULL;
	struct outcomes o;
	struct mail mail;
	struct facts f;

	(void)state;
	mail_make(&mail, "i:V m:M i:W", "a b");
	facts_of(&mail.m, &f);
	policy_walk(r, &f, &mail.v, &o);
	policy_count(r, &o);
	assert_int_equal(atomic_load(((struct rule *)g_ptr_array_index(r->list, 0))->hits), 1);
	assert_int_equal(atomic_load(((struct rule *)g_ptr_array_index(r->list, 1))->hits), 1);
	/* A reload goes on counting where the title is the same. */
	next = rules_new(r->conf, r, NULL);
	assert_int_equal(atomic_load(((struct rule *)g_ptr_array_index(next->list, 1))->hits), 1);
	outcomes_clear(&o);
	facts_clear(&f);
	mail_clear(&mail);
}

/* Repair turned out to be impossible, for one transaction and for a split one. */
static void
fallbacks(void **state)
{
	static const struct {
		enum action fallback;
		const char *split, *whole;
	} rows[] = {
		{ACTION_REJECT, "reject", "reject"},
		{ACTION_TEMPFAIL, "tempfail", "tempfail"},
		{ACTION_PASS, "pass -b !b", "pass"},
		{ACTION_QUARANTINE, "quarantine -b !b a c", "quarantine"},
		{ACTION_REDIRECT, "redirect -a b c !b >r@x.test", "redirect -a b c >r@x.test"},
		{ACTION_DISCARD, "quarantine -a b c !b", "discard"},
	};
	AUTO(rules_free) struct rules *r = compile("");

	(void)state;
	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++)
		for (int split = 0; split < 2; split++) {
			struct decision d = {.action = ACTION_REPAIR, .fallback = rows[i].fallback, .split = split};
			g_autofree char *got = NULL;
			struct mail mail;

			mail_make(&mail, "i:V", "a b c");
			if (split) {
				d.removed = g_ptr_array_new_with_free_func(g_free);
				d.withheld = g_ptr_array_new_with_free_func(g_free);
				g_ptr_array_add(d.removed, g_strdup("<b@x.test>"));
				g_ptr_array_add(d.withheld, g_strdup("<b@x.test>"));
			}
			policy_fall_back(r, &mail.m, &mail.v, &d);
			got = summary(&d);
			assert_string_equal(got, split ? rows[i].split : rows[i].whole);
			assert_int_equal(d.reply != NULL, d.action == ACTION_REJECT || d.action == ACTION_TEMPFAIL);
			decision_clear(&d);
			mail_clear(&mail);
		}
}

static void
what_may_come(void **state)
{
	AUTO(rules_free) struct rules *plain = compile("");
	AUTO(rules_free) struct rules *rule = compile("policy \"p\" { action = redirect }");

	(void)state;
	assert_false(policy_may(plain->conf, ACTION_REDIRECT));
	assert_true(policy_may(plain->conf, ACTION_REJECT));
	assert_true(policy_may(plain->conf, ACTION_TEMPFAIL));
	assert_true(policy_may(rule->conf, ACTION_REDIRECT));
}

/* What engines leave in the context (seeds 000, 001), and what keeps them from being asked. */
static void
context_variables(void **state)
{
	struct world w = world_new("antivirus { fake \"f\" { } fake \"g\" { context_variable = \"gee\" skip_context_variable = \"no_g\" } }");
	static const struct {
		const char *body, *status, *info;
	} rows[] = {
		{"hello", NULL, NULL},
		{"FAKE:infected=Evil.A", "", "Evil.A"},
		{"FAKE:fail", "error", "engine-error"},
		{"FAKE:partial", "", "limit.files"},
	};

	(void)state;
	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		struct message *m = world_message(&w, rows[i].body);
		struct context c = {0};
		struct scan_result r;
		struct engines some;

		context_set(&c, "f_status", "old");
		context_set(&c, "no_g", i % 2 ? "" : NULL);
		assert_true(skip_engines(w.engines, &c, &some));
		assert_int_equal(some.list->len, i % 2 ? 1 : 2);
		message_seal(m);
		for (guint k = 0; k < w.conf->engines->len; k++)
			((struct conf_engine *)g_ptr_array_index(w.conf->engines, k))->mime_decompose = false;
		scan_message(w.conf, &some, NULL, m, &w.wait, &r);
		context_note(&c, w.conf, &r);
		if (rows[i].status) {
			assert_string_equal(context_get(&c, "f_status"), rows[i].status);
			assert_string_equal(context_get(&c, "f_status_info"), rows[i].info);
		} else {
			assert_null(context_get(&c, "f_status"));
			assert_null(context_get(&c, "f_status_info"));
		}
		assert_int_equal(context_get(&c, "gee") != NULL, rows[i].status && i % 2 == 0);
		scan_result_clear(&r);
		skip_engines_clear(&some, w.engines);
		context_set(&c, "skip_virus_check", "1");
		context_set(&c, "no_g", "1");
		assert_false(skip_engines(w.engines, &c, &some));
		skip_engines_clear(&some, w.engines);
		context_clear(&c);
		message_free(&m);
	}
	world_end(&w);
}

static void
whose_word_counts(void **state)
{
	AUTO(rules_free) struct rules *r =
		compile("trust { clients = {\"10.0.0.0/8\"} skip_header = \"X-Skip\" skip_macro = \"{skip}\" }");
	struct world w = world_new("");
	static const struct {
		const char *addr, *macro;
		bool header;
		const char *why;
		bool lies;
	} rows[] = {
		{"10.1.1.1", NULL, true, "skip-header", false},
		{"10.1.1.1", NULL, false, NULL, false},
		{"192.0.2.1", NULL, true, NULL, true},
		{NULL, NULL, true, NULL, true},
		{"192.0.2.1", "yes", false, "skip-macro", true},
		{"192.0.2.1", "", false, NULL, true},
	};

	(void)state;
	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		const struct client client = {.addr = (char *)(uintptr_t)rows[i].addr};
		struct message *m = message_new(w.budget, &w.lim, &client, "<a@b>");
		struct context c = {0};
		struct facts f;
		const char *why;

		if (rows[i].header)
			message_add_header(m, "x-SKIP", " yes");
		facts_of(m, &f);
		why = skip_note(r, &f, m, rows[i].macro, &c);
		assert_int_equal(why != NULL, rows[i].why != NULL);
		if (why)
			assert_string_equal(why, rows[i].why);
		assert_int_equal(context_get(&c, "skip_virus_check") != NULL, why != NULL);
		assert_int_equal(skip_header_lies(r, &f), rows[i].lies);
		context_clear(&c);
		facts_clear(&f);
		message_free(&m);
	}
	world_end(&w);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(walk),
	cmocka_unit_test(transaction),
	cmocka_unit_test(addresses_of_redirects),
	cmocka_unit_test(unknown_recipients),
	cmocka_unit_test(texts_of_rules),
	cmocka_unit_test(forgotten_findings),
	cmocka_unit_test(objects_by_content),
	cmocka_unit_test(items_never_weaken),
	cmocka_unit_test(nobody_loses_or_gets_too_much),
	cmocka_unit_test(skip_rules),
	cmocka_unit_test(hits),
	cmocka_unit_test(fallbacks),
	cmocka_unit_test(what_may_come),
	cmocka_unit_test(context_variables),
	cmocka_unit_test(whose_word_counts),
};

UNIT_RUN(tests)
