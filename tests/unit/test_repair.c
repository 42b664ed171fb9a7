/*
 * repair: splices touch nothing beside them, notices can stand in any mail, and what a worker says about places is checked
 */
#include "unit.h"

#include "effect/notice.h"
#include "effect/repair.h"
#include "effect/splice.h"
#include "milter/apply.h"
#include "milter/milter.h"
#include "worker/answer.h"
#include "world.h"

static const struct message_limits limits = {
    .spool = {.memory_max = 1 << 20, .total_max = 1 << 26, .file_base = "/tmp"},
    .header_max = 1 << 16,
};

static struct message *
mail_new(struct spool_budget *b, const char *body)
{
	const struct client nobody = {0};
	struct message *m = message_new(b, &limits, &nobody, "<s@x>");

	message_add_recipient(m, "<r@x>");
	message_add_header(m, "Subject", " folded\n\tonce");
	message_add_header(m, "X", "y");
	message_add_body(m, body, strlen(body));
	message_seal(m);
	return m;
}

static char *
body_of(const struct message *m)
{
	const uint64_t at = splice_body_at(m);
	char *text = g_malloc0(spool_size(m->spool) - at + 1);

	assert_true(spool_read(m->spool, at, text, spool_size(m->spool) - at, NULL));
	return text;
}

/* Offsets count from the beginning of the body. */
static void
splices(void **state)
{
	static const struct {
		struct {
			int begin, end;
			const char *with;
		} cut[3];
		const char *want; /* NULL: refused */
	} rows[] = {
	    {{{0, 0, NULL}}, "0123456789"},
	    {{{2, 4, "ab"}}, "01ab456789"},
	    {{{0, 10, ""}}, ""},
	    {{{0, 0, "a"}, {10, 10, "z"}}, "a0123456789z"},
	    {{{7, 9, "behind"}, {1, 3, "b"}, {3, 3, "c"}}, "0bc3456behind9"},
	    {{{2, 4, "a"}, {3, 5, "b"}}, NULL},
	    {{{2, 5, "a"}, {3, 4, "b"}}, NULL},
	    {{{4, 2, "a"}}, NULL},
	    {{{-1, 2, "a"}}, NULL},
	    {{{9, 11, "a"}}, NULL},
	};
	struct spool_budget *b = spool_budget_new();

	(void)state;
	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		g_autoptr(GError) err = NULL;
		g_autoptr(GArray) list = splices_new();
		struct message *m = mail_new(b, "0123456789"), *to;
		const uint64_t at = splice_body_at(m);

		for (size_t k = 0; k < G_N_ELEMENTS(rows[i].cut) && rows[i].cut[k].with; k++)
			splices_add(list, at + (uint64_t)(int64_t)rows[i].cut[k].begin,
			            at + (uint64_t)(int64_t)rows[i].cut[k].end,
			            g_bytes_new(rows[i].cut[k].with, strlen(rows[i].cut[k].with)));
		to = splices_apply(m, list, b, &limits, &err);
		assert_int_equal(to != NULL, rows[i].want != NULL);
		assert_int_equal(to == NULL, err != NULL);
		if (to) {
			g_autofree char *got = body_of(to);
			g_autofree char *head = g_malloc(at), *was = g_malloc(at);

			assert_string_equal(got, rows[i].want);
			assert_true(spool_read(to->spool, 0, head, at, NULL) && spool_read(m->spool, 0, was, at, NULL));
			assert_memory_equal(head, was, at);
			assert_int_equal(to->recipients_total, 1);
		}
		message_free(&to);
		message_free(&m);
	}
	assert_int_equal(spool_budget_used(b), 0);
	spool_budget_free(&b);
}

/* No room for a second copy is an error, not a shorter mail. */
static void
no_room(void **state)
{
	struct message_limits narrow = limits;
	struct spool_budget *b = spool_budget_new();
	g_autofree char *body = g_strnfill(100000, 'x');
	g_autoptr(GError) err = NULL;
	g_autoptr(GArray) list = splices_new();
	struct message *m = mail_new(b, body);

	(void)state;
	narrow.spool.total_max = 150000;
	assert_null(splices_apply(m, list, b, &narrow, &err));
	assert_non_null(err);
	message_free(&m);
	assert_int_equal(spool_budget_used(b), 0);
	spool_budget_free(&b);
}

/* Header and text of a notice. */
static char *
notice(const char *template, const char *name, bool *coded)
{
	const struct notice_words w = {.name = name, .virus = "V", .ref = "abc", .class_name = "infected"};
	g_autoptr(GBytes) part = notice_part(template, &w);
	gsize len;
	const char *data = g_bytes_get_data(part, &len);
	g_autofree char *text = g_strndup(data, len);
	char *body = strstr(text, "\r\n\r\n"), *plain;

	assert_true(g_str_has_suffix(text, "\r\n"));
	assert_null(strstr(text, "\n--"));
	assert_true(g_utf8_validate(text, -1, NULL));
	for (const char *p = text; *p; p++) {
		assert_in_range((unsigned char)*p, '\n', '~');
		assert_true(*p != '\n' || p[-1] == '\r');
	}
	*coded = strstr(text, "base64") != NULL;
	if (!*coded)
		return g_strdup(body + 4);
	plain = (char *)g_base64_decode(body + 4, &len);
	plain = g_realloc(plain, len + 1);
	plain[len] = '\0';
	return plain;
}

static void
notices(void **state)
{
	static const struct {
		const char *template, *name, *want;
		bool coded;
	} rows[] = {
	    {"%{name}: %{virus} %{ref} %{class} %{qid}.\n", "a.exe", "a.exe: V abc infected .\r\n", false},
	    {"no end", NULL, "no end\r\n", false},
	    {"%{name}\r\n", NULL, "(without a name)\r\n", false},
	    {"%{name}\n", "", "(without a name)\r\n", false},
	    {"%{nothing}%{open 100% %%\n", NULL, "%{open 100% %%\r\n", false},
	    {"a\n-- \nb\n", NULL, "a\r\n-- \r\nb\r\n", true},
	    {"%{name}\n", "--b", "--b\r\n", true},
	    {"%{name}\n", "x\r\n--b--\r\ny\x1b[1m", "x__--b--__y_[1m\r\n", false},
	    {"%{name}\n", "gr\xc3\xbc\xc3\x9f", "gr\xc3\xbc\xc3\x9f\r\n", true},
	    {"%{name}\n", "moc\xe2\x80\xae.txt", "moc_.txt\r\n", true},
	    {"%{name}\n", "bad \xff\xfe", "bad \xef\xbf\xbd\xef\xbf\xbd\r\n", true},
	    {"0123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890", NULL,
	     "0123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890\r\n", true},
	};

	(void)state;
	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		bool coded;
		g_autofree char *got = notice(rows[i].template, rows[i].name, &coded);

		if (strcmp(got, "moc_.txt\r\n") != 0)
			assert_int_equal(coded, rows[i].coded);
		assert_string_equal(got, rows[i].want);
	}
}

static void
templates(void **state)
{
	char *dir = unit_mkdir();
	g_autofree char *good = g_build_filename(dir, "good", NULL), *bad = g_build_filename(dir, "bad", NULL);
	g_autofree char *large = g_build_filename(dir, "large", NULL), *much = g_strnfill(NOTICE_MAX + 1, 'x');
	g_autofree char *own = notice_template("");

	(void)state;
	assert_true(g_file_set_contents(good, "mine", -1, NULL) && g_file_set_contents(bad, "\xff", -1, NULL));
	assert_true(g_file_set_contents(large, much, -1, NULL));
	for (const char *const *f = (const char *const[]){good, bad, large, "/nonexistent", NULL}; *f; f++) {
		g_autofree char *text = notice_template(*f);

		assert_string_equal(text, *f == good ? "mine" : own);
	}
	unit_rmdir(dir);
}

static void
coded_lines(void **state)
{
	char data[200];

	(void)state;
	memset(data, 7, sizeof(data));
	for (size_t n = 0; n <= sizeof(data); n++) {
		g_autoptr(GString) text = notice_base64(data, n);
		gsize len = 0;
		g_autofree guchar *back = g_base64_decode(text->str, &len);

		assert_int_equal(len, n);
		assert_memory_equal(back, data, n);
		for (const char *p = text->str, *nl; *p; p = nl + 2) {
			nl = strstr(p, "\r\n");
			assert_non_null(nl);
			assert_in_range(nl - p, 1, 76);
		}
	}
}

/* What a worker says about a place in a message of 100 bytes. */
static void
places(void **state)
{
	static const struct {
		struct proto_place p;
		bool ok;
	} rows[] = {
	    {{.placing = PLACING_WHOLE}, true},
	    {{.placing = PLACING_HIDDEN}, true},
	    {{.placing = 0}, false},
	    {{.placing = PLACING_LAST + 1}, false},
	    {{.placing = PLACING_WHOLE, .end = 1}, false},
	    {{.placing = PLACING_WHOLE, .plain = 1}, false},
	    {{PLACING_FOUND, 1, 10, 20, 30, 40, 42, 100}, true},
	    {{PLACING_FOUND, 0, 10, 10, 10, 10, 11, 11}, true},
	    {{PLACING_FOUND, 2, 10, 20, 30, 40, 42, 100}, false},
	    {{PLACING_FOUND, 1, 21, 20, 30, 40, 42, 100}, false},
	    {{PLACING_FOUND, 1, 10, 31, 30, 40, 42, 100}, false},
	    {{PLACING_FOUND, 1, 10, 20, 41, 40, 42, 100}, false},
	    {{PLACING_FOUND, 1, 10, 20, 30, 42, 42, 100}, false},
	    {{PLACING_FOUND, 1, 10, 20, 30, 40, 99, 98}, false},
	    {{PLACING_FOUND, 1, 10, 20, 30, 40, 42, 101}, false},
	};

	(void)state;
	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++)
		for (size_t cut = 0; cut < 3; cut++) {
			uint8_t body[sizeof(struct proto_place) + 1] = {0};
			struct packet p = {.body = body, .len = sizeof(struct proto_place) + 1 - cut};
			struct proto_place out;
			const char *why = NULL;
			bool ok;

			memcpy(body, &rows[i].p, sizeof(rows[i].p));
			ok = answer_place(&p, 100, &out, &why);
			assert_int_equal(ok, cut == 1 && rows[i].ok);
			assert_int_equal(ok, why == NULL);
		}
}

/* An MTA that takes so many pieces of a body. */
struct mta {
	GString *said;
	int pieces;
};

static int
take_piece(SMFICTX *ctx, const void *data, size_t len)
{
	struct mta *m = (struct mta *)(void *)ctx;

	if (m->pieces-- == 0)
		return MI_FAILURE;
	g_string_append_len(m->said, data, (gssize)len);
	return MI_SUCCESS;
}

static int
take_field(SMFICTX *ctx, int index, const char *name, const char *value)
{
	struct mta *m = (struct mta *)(void *)ctx;

	(void)index;
	g_string_append_printf(m->said, "%s:%s\n", name, value);
	return MI_SUCCESS;
}

static int
take_reply(SMFICTX *ctx, const char *code, const char *xcode, const char *text)
{
	(void)ctx;
	(void)xcode;
	(void)text;
	assert_string_equal(code, "451");
	return MI_SUCCESS;
}

/* Fields first, then the body in one go; what fails is a 451. */
static void
spoken(void **state)
{
	const struct mta_ops ops = {.replacebody = take_piece, .insheader = take_field, .setreply = take_reply};
	g_autoptr(GError) err = NULL;
	struct conf *conf = conf_parse("antivirus { action = repair }", "t", &err);
	struct spool_budget *b = spool_budget_new();
	g_autofree char *body = g_strnfill(200000, 'x');
	struct message *m = mail_new(b, "virus"), *clean = mail_new(b, body);
	struct scan_result scan = {.repaired = true};
	struct decision d = {.action = ACTION_REPAIR, .cls = CLASS_INFECTED, .error_code = 451};

	(void)state;
	assert_non_null(conf);
	assert_true(milter_actions(conf) & SMFIF_CHGBODY);
	verdict_find(&scan.verdict, FINDING_INFECTED, "Name", "o", "e");
	verdict_complete(&scan.verdict);
	for (int pieces = 0; pieces < 6; pieces++) {
		struct mta mta = {g_string_new(NULL), pieces};
		struct apply a = {.ops = &ops, .ctx = (SMFICTX *)(void *)&mta, .leading_space = true, .conf = conf,
		                  .message = m, .scan = &scan, .decision = &d, .host = "h", .repaired = clean};
		g_autofree char *why = NULL;
		const sfsistat rc = apply_decision(&a, &why);

		assert_int_equal(rc == SMFIS_CONTINUE, pieces >= 4);
		assert_int_equal(rc == SMFIS_TEMPFAIL, pieces < 4);
		assert_int_equal(why != NULL, pieces < 4);
		if (rc == SMFIS_CONTINUE) {
			assert_non_null(strstr(mta.said->str, "X-Virus-Status: Repaired (Name)\n"));
			assert_true(g_str_has_suffix(mta.said->str, body));
		}
		g_string_free(mta.said, TRUE);
	}
	verdict_clear(&scan.verdict);
	message_free(&m);
	message_free(&clean);
	spool_budget_free(&b);
	conf_unref(&conf);
}

static void
asked_for(void **state)
{
	static const struct {
		const char *text;
		bool body;
	} rows[] = {
	    {"", false},
	    {"antivirus { action = reject }", false},
	    {"antivirus { on_suspicious = repair }", true},
	    {"antivirus { clamav \"c\" { on_infected = repair } }", true},
	    {"policy \"p\" { classes = {infected} action = repair }", true},
	};

	(void)state;
	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		struct conf *conf = conf_parse(rows[i].text, "t", NULL);

		assert_non_null(conf);
		assert_int_equal((milter_actions(conf) & SMFIF_CHGBODY) != 0, rows[i].body);
		conf_unref(&conf);
	}
}

/* What is refused before anybody is asked; what is not stops at the workers, of which there are none here. */
static void
refusals(void **state)
{
	static const struct {
		enum finding_kind kind;
		const char *engine, *sha256;
		bool partial, dkim, leaves, more;
		const char *want;
	} rows[] = {
	    {FINDING_INFECTED, "a", "00", false, false, false, false, "no scanning processes"},
	    {FINDING_INFECTED, "a", "", false, false, false, false, "no scanning processes"},
	    {FINDING_INFECTED, "structure", "", false, false, false, false, "no scanning processes"},
	    {FINDING_INFECTED, "b", "00", false, false, false, false, "no scanning processes"},
	    {FINDING_INFECTED, "b", "", false, false, false, false, "would not be asked again"},
	    {FINDING_INFECTED, "gone", "", false, false, false, false, "would not be asked again"},
	    {FINDING_INFECTED, "a", "00", true, false, false, false, "could be examined"},
	    {FINDING_INFECTED, "a", "00", false, true, false, false, "no scanning processes"},
	    {FINDING_INFECTED, "a", "00", false, false, true, false, "no scanning processes"},
	    {FINDING_INFECTED, "a", "00", false, true, true, false, "DKIM"},
	    {FINDING_INFECTED, "a", "00", false, false, false, true, "more was found"},
	    {FINDING_EVASION, "a", "00", false, false, false, false, "evade"},
	    {FINDING_MACRO, "a", "00", false, false, false, false, "nothing was found"},
	};
	struct world w = world_new("antivirus { action = repair fake \"a\" { } fake \"b\" { enabled = passive } }");
	g_autoptr(GError) err = NULL;
	struct rules *rules = rules_new(w.conf, NULL, &err);

	(void)state;
	assert_non_null(rules);
	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		struct message *m = message_new(w.budget, &w.lim, &(const struct client){0}, "<a@x>");
		struct scan_result scan = {0};
		struct decision d = {.action = ACTION_REPAIR};
		struct repair r = {.conf = w.conf, .rules = rules, .engines = w.engines, .message = m, .scan = &scan,
		                   .decision = &d, .budget = w.budget, .host = "h", .leaves = rows[i].leaves, .wait = &w.wait};
		struct repaired out;
		g_autofree char *why = NULL;

		message_add_recipient(m, "<c@x>");
		message_add_header(m, rows[i].dkim ? "DKIM-Signature" : "X", " v=1");
		message_seal(m);
		verdict_find_in(&scan.verdict, rows[i].kind, "N", "o", rows[i].engine, rows[i].sha256);
		verdict_complete(&scan.verdict);
		if (rows[i].partial)
			verdict_partial(&scan.verdict, REASON_CORRUPT, "why");
		scan.verdict.more = rows[i].more;
		assert_false(repair_message(&r, &out, &why));
		if (!why || !strstr(why, rows[i].want))
			fail_msg("row %zu: %s", i, why);
		assert_null(out.message);
		verdict_clear(&scan.verdict);
		message_free(&m);
	}
	rules_free(&rules);
	world_end(&w);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(splices),     cmocka_unit_test(no_room), cmocka_unit_test(notices), cmocka_unit_test(templates),
    cmocka_unit_test(coded_lines), cmocka_unit_test(places),  cmocka_unit_test(spoken),  cmocka_unit_test(asked_for),
    cmocka_unit_test(refusals),
};

UNIT_RUN(tests)
