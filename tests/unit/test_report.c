/*
 * report: the log line is a public interface; these are its golden examples, and what hostile
 * values can do to it
 */
#include "effect/report.h"

#include "unit.h"

#include <jansson.h>

#define LINE_MAX_LEN 4000 /* log.c writes lines of 4096 bytes, prefix included */

/* All that one line is made of; fields are set by the tests. */
struct told {
	struct message m;
	struct scan_result scan;
	struct decision decision;
	struct scan_part part;
	struct report r;
};

static char *
lit(const char *s)
{
	return (char *)(uintptr_t)s;
}

static void
begin(struct told *f)
{
	*f = (struct told){0};
	f->m = (struct message){
	    .id = lit("4XYZ"),
	    .ref = lit("abcdefghij"),
	    .sender = lit("<a@b>"),
	    .recipients = g_ptr_array_new(),
	    .recipients_total = 2,
	    .client_name = lit("name"),
	    .client_addr = lit("192.0.2.1"),
	    .size = 12345,
	};
	g_ptr_array_add(f->m.recipients, lit("<c@d>"));
	f->part = (struct scan_part){.title = lit("clamav"), .definitions = lit("27980")};
	f->scan = (struct scan_result){.objects = 4,
	                               .cache = "miss",
	                               .engines = lit("clamav"),
	                               .definitions = lit("27980"),
	                               .parts = g_ptr_array_new()};
	g_ptr_array_add(f->scan.parts, &f->part);
	verdict_complete(&f->scan.verdict);
	f->r = (struct report){
	    .m = &f->m, .scan = &f->scan, .decision = &f->decision, .delay_ms = 312};
}

static void
end(struct told *f)
{
	verdict_clear(&f->scan.verdict);
	g_ptr_array_unref(f->scan.parts);
	g_ptr_array_unref(f->m.recipients);
}

static void
assert_line(struct told *f, const char *text, const char *json)
{
	g_autofree char *t = NULL, *j = NULL;

	f->decision.cls = verdict_class(&f->scan.verdict);
	t = report_line(&f->r, false);
	j = report_line(&f->r, true);
	assert_string_equal(t, text);
	assert_string_equal(j, json);
}

static void
infected(void **state)
{
	struct told f;

	(void)state;
	begin(&f);
	verdict_find(&f.scan.verdict, FINDING_INFECTED, "Eicar-Test-Signature", "a.zip/x.com",
	             "clamav");
	f.m.auth = lit("user");
	f.m.message_id = lit("<1@b>");
	f.decision.action = ACTION_REJECT;
	assert_line(&f,
	            "verdict=infected virus=\"Eicar-Test-Signature\" object=\"a.zip/x.com\" "
	            "engine=clamav action=reject "
	            "from=<a@b> to=<c@d> nrcpt=2 client=name[192.0.2.1] auth=user msgid=<1@b> "
	            "size=12345 objects=4 "
	            "cache=miss delay=0.31 sigs=27980 ref=abcdefghij",
	            "{\"id\":\"4XYZ\",\"verdict\":\"infected\",\"virus\":\"Eicar-Test-Signature\","
	            "\"object\":\"a.zip/x.com\","
	            "\"engine\":\"clamav\",\"action\":\"reject\",\"from\":\"<a@b>\",\"to\":\"<c@d>"
	            "\",\"nrcpt\":2,"
	            "\"client\":\"name[192.0.2.1]\",\"auth\":\"user\",\"msgid\":\"<1@b>\",\"size\":"
	            "12345,\"objects\":4,"
	            "\"cache\":\"miss\",\"delay\":0.31,\"sigs\":\"27980\",\"ref\":\"abcdefghij\"}");
	assert_int_equal(report_level(&f.r), LOGLV_WARNING);
	end(&f);
}

static void
clean_by_two(void **state)
{
	struct told f;

	(void)state;
	begin(&f);
	f.scan.engines = lit("clamav,sse1");
	f.scan.definitions = lit("clamav:27980,sse1:20150215.001");
	f.scan.left_out = 1;
	f.r.delay_ms = 61995;
	assert_line(&f,
	            "verdict=clean engine=clamav,sse1 action=pass from=<a@b> to=<c@d> nrcpt=2 "
	            "client=name[192.0.2.1] "
	            "size=12345 objects=4 cache=miss delay=62.00 "
	            "sigs=clamav:27980,sse1:20150215.001 ref=abcdefghij left_out=1",
	            "{\"id\":\"4XYZ\",\"verdict\":\"clean\",\"engine\":\"clamav,sse1\",\"action\":"
	            "\"pass\",\"from\":\"<a@b>\","
	            "\"to\":\"<c@d>\",\"nrcpt\":2,\"client\":\"name[192.0.2.1]\",\"size\":12345,"
	            "\"objects\":4,"
	            "\"cache\":\"miss\",\"delay\":62.0,\"sigs\":\"clamav:27980,sse1:20150215.001\","
	            "\"ref\":\"abcdefghij\","
	            "\"left_out\":1}");
	assert_int_equal(report_level(&f.r), LOGLV_INFO);
	end(&f);
}

/* Nothing is known about the message: every key that is always there is there. */
static void
bare_error(void **state)
{
	struct told f;

	(void)state;
	begin(&f);
	verdict_clear(&f.scan.verdict);
	verdict_fail(&f.scan.verdict, REASON_DEFINITIONS,
	             "no definitions in \"/var/lib/clamav\"; run freshclam");
	g_ptr_array_set_size(f.m.recipients, 0);
	f.m.recipients_total = 0;
	f.m.sender = lit("");
	f.m.client_name = f.m.client_addr = NULL;
	f.m.size = 0;
	f.scan.objects = 0;
	f.scan.cache = NULL;
	f.scan.engines = f.scan.definitions = lit("");
	f.decision.action = ACTION_TEMPFAIL;
	f.r.delay_ms = 0;
	assert_line(&f,
	            "verdict=error action=tempfail from=<> nrcpt=0 client=unknown[local] size=0 "
	            "objects=0 cache=off delay=0.00 "
	            "ref=abcdefghij why=\"definitions\" text=\"no definitions in "
	            "\\\"/var/lib/clamav\\\"; run freshclam\"",
	            "{\"id\":\"4XYZ\",\"verdict\":\"error\",\"action\":\"tempfail\",\"from\":\"<>"
	            "\",\"nrcpt\":0,"
	            "\"client\":\"unknown[local]\",\"size\":0,\"objects\":0,\"cache\":\"off\","
	            "\"delay\":0.0,"
	            "\"ref\":\"abcdefghij\",\"why\":\"definitions\","
	            "\"text\":\"no definitions in \\\"/var/lib/clamav\\\"; run freshclam\"}");
	assert_int_equal(report_level(&f.r), LOGLV_ERR);
	end(&f);
}

static void
observed_unscannable(void **state)
{
	struct told f;

	(void)state;
	begin(&f);
	verdict_partial(&f.scan.verdict, REASON_LIMIT_DEPTH, "part 2 is nested 11 deep");
	f.decision.observed = true;
	f.decision.would = ACTION_REJECT;
	assert_line(&f,
	            "verdict=unscannable engine=clamav action=pass from=<a@b> to=<c@d> nrcpt=2 "
	            "client=name[192.0.2.1] size=12345 "
	            "objects=4 cache=miss delay=0.31 sigs=27980 ref=abcdefghij why=\"limit.depth\" "
	            "text=\"part 2 is nested 11 deep\" would=reject",
	            "{\"id\":\"4XYZ\",\"verdict\":\"unscannable\",\"engine\":\"clamav\",\"action\":"
	            "\"pass\",\"from\":\"<a@b>\","
	            "\"to\":\"<c@d>\",\"nrcpt\":2,\"client\":\"name[192.0.2.1]\",\"size\":12345,"
	            "\"objects\":4,"
	            "\"cache\":\"miss\",\"delay\":0.31,\"sigs\":\"27980\",\"ref\":\"abcdefghij\","
	            "\"why\":\"limit.depth\","
	            "\"text\":\"part 2 is nested 11 deep\",\"would\":\"reject\"}");
	assert_int_equal(report_level(&f.r), LOGLV_INFO);
	end(&f);
}

static void
skipped_and_failed_effect(void **state)
{
	struct told f;
	g_autofree char *skipped = NULL, *failed = NULL;

	(void)state;
	begin(&f);
	f.r.skipped = "disabled";
	skipped = report_line(&f.r, false);
	assert_string_equal(skipped,
	                    "verdict=skipped action=pass from=<a@b> to=<c@d> nrcpt=2 "
	                    "client=name[192.0.2.1] size=12345 "
	                    "objects=4 cache=miss delay=0.31 ref=abcdefghij why=\"disabled\"");
	assert_int_equal(report_level(&f.r), LOGLV_INFO);
	f.r.skipped = NULL;
	f.r.effect_why = "the MTA refused the header";
	f.decision.action = ACTION_TEMPFAIL;
	failed = report_line(&f.r, false);
	assert_non_null(strstr(failed, " why=\"effect\" text=\"the MTA refused the header\""));
	assert_int_equal(report_level(&f.r), LOGLV_ERR);
	end(&f);
}

/* The definitions shown with a finding are those of the engine that found it. */
static void
own_definitions(void **state)
{
	struct told f;
	struct scan_part other = {.title = lit("sse1"), .definitions = lit("7")};
	g_autofree char *line = NULL;

	(void)state;
	begin(&f);
	g_ptr_array_add(f.scan.parts, &other);
	f.scan.definitions = lit("clamav:27980,sse1:7");
	verdict_find(&f.scan.verdict, FINDING_INFECTED, "V", "o", "sse1");
	f.decision.cls = CLASS_INFECTED;
	line = report_line(&f.r, false);
	assert_non_null(strstr(line, " engine=sse1 "));
	assert_non_null(strstr(line, " sigs=7 "));
	end(&f);
}

/* Whatever a mail holds, it is one line, not too long, and no value ends early or begins a new key.
 */
static void
hostile(void **state)
{
	static const char *const bad[] = {"\x01",
	                                  " ",
	                                  "\"",
	                                  "\\",
	                                  "\n",
	                                  "\xff",
	                                  "\xe2\x80\xae",
	                                  "\xc3\xa4",
	                                  "=",
	                                  "x\" action=pass "};

	(void)state;
	for (size_t i = 0; i < G_N_ELEMENTS(bad); i++) {
		struct told f;
		g_autoptr(GString) fat = g_string_new("");
		g_autofree char *text = NULL, *json = NULL;
		json_t *parsed;
		unsigned keys = 0;
		bool quoted = false;

		while (fat->len < 10000)
			g_string_append(fat, bad[i]);
		begin(&f);
		verdict_find(&f.scan.verdict, FINDING_INFECTED, fat->str, fat->str, "clamav");
		verdict_fail(&f.scan.verdict, REASON_PROTOCOL, "%s", fat->str);
		f.m.sender = f.m.client_name = f.m.client_addr = f.m.auth = f.m.message_id =
		    fat->str;
		g_ptr_array_index(f.m.recipients, 0) = fat->str;
		f.decision.cls = CLASS_ERROR;
		text = report_line(&f.r, false);
		json = report_line(&f.r, true);
		assert_true(strlen(text) <= LINE_MAX_LEN);
		assert_true(strlen(json) <= LINE_MAX_LEN);
		assert_true(g_utf8_validate(text, -1, NULL));
		assert_null(strpbrk(text, "\r\n\x01"));
		assert_null(strpbrk(json, "\r\n\x01"));
		for (const char *p = text; *p; p++) {
			if (*p == '\\')
				p++;
			else if (*p == '"')
				quoted = !quoted;
			else if (*p == ' ' && !quoted)
				keys++;
		}
		assert_false(quoted);
		assert_int_equal(keys + 1, 19);
		parsed = json_loads(json, JSON_REJECT_DUPLICATES, NULL);
		assert_non_null(parsed);
		assert_int_equal(json_object_size(parsed), 20);
		json_decref(parsed);
		end(&f);
	}
}

/* A held mail names the commands that let it go; one whose hold failed does not. */
static void
held(void **state)
{
	struct told f;

	(void)state;
	begin(&f);
	verdict_partial(&f.scan.verdict, REASON_LIMIT_DEPTH, "deep");
	f.decision.action = f.decision.would = ACTION_QUARANTINE;
	g_autofree char *line = report_line(&f.r, false);
	assert_true(g_str_has_suffix(line, " release=\"Postfix: postsuper -H 4XYZ; "
	                                   "sendmail: sendmail -qQ -qI4XYZ -Q\""));
	f.r.effect_why = "the MTA would not put the mail on hold";
	g_autofree char *failed = report_line(&f.r, false);
	assert_null(strstr(failed, "release="));
	end(&f);
}

/* A split mail names whose copy is kept, and each address stays one word. */
static void
split(void **state)
{
	static char one[] = "<a b@x>", two[] = "<c@x>", to[] = "r@y", title[] = "the \"rule\"";
	struct told f;

	(void)state;
	begin(&f);
	verdict_find_in(&f.scan.verdict, FINDING_MACRO, "M", "o", "e", "ab12");
	verdict_complete(&f.scan.verdict);
	f.decision.split = true;
	f.decision.rule = title;
	f.decision.withheld = g_ptr_array_new();
	g_ptr_array_add(f.decision.withheld, one);
	g_ptr_array_add(f.decision.withheld, two);
	f.decision.redirects = g_ptr_array_new();
	g_ptr_array_add(f.decision.redirects, to);
	g_autofree char *line = report_line(&f.r, false);
	assert_true(g_str_has_suffix(line, " rule=\"the \\\"rule\\\"\" split=quarantine withheld=<a\\x20b@x>,<c@x> "
	                                   "redirect=r@y sha256=ab12"));
	f.r.effect_why = "the MTA would not let us remove a recipient";
	g_autofree char *failed = report_line(&f.r, false);
	assert_null(strstr(failed, "withheld="));
	g_clear_pointer(&f.decision.withheld, g_ptr_array_unref);
	g_clear_pointer(&f.decision.redirects, g_ptr_array_unref);
	f.decision.rule = NULL;
	end(&f);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(infected),
    cmocka_unit_test(clean_by_two),
    cmocka_unit_test(bare_error),
    cmocka_unit_test(observed_unscannable),
    cmocka_unit_test(skipped_and_failed_effect),
    cmocka_unit_test(own_definitions),
    cmocka_unit_test(held),
    cmocka_unit_test(split),
    cmocka_unit_test(hostile),
};

UNIT_RUN(tests)
