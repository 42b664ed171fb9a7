/*
 * page: what is hostile stays text, what is missing breaks nothing, the policy fits the style, the picture is drawn to scale
 */
#include "daemon/page.h"

#include "unit.h"

#include "base/digest.h"
#include "daemon/page_in.h"

#define EVIL "<script>alert(1)</script>\"'&\x1b[2J\xe2\x80\xae"

static json_t *
parse(const char *text)
{
	json_error_t why;
	json_t *o = json_loads(text, 0, &why);

	if (o == NULL)
		fail_msg("%s: %s", why.text, text);
	return o;
}

static GString *
page_of(const char *text)
{
	json_t *o = parse(text);
	GString *out = page_html(o);

	json_decref(o);
	return out;
}

static unsigned
count(const char *text, const char *what)
{
	unsigned n = 0;

	for (; (text = strstr(text, what)) != NULL; text++)
		n++;
	return n;
}

static void
escape(void **state)
{
	GString *out = g_string_new(NULL);

	(void)state;
	page_esc(out, EVIL "\xff");
	assert_string_equal(out->str,
	    "&#60;script&#62;alert(1)&#60;/script&#62;&#34;&#39;&#38;\xef\xbf\xbd[2J\xef\xbf\xbd"
	    "\xef\xbf\xbd");
	g_string_free(out, TRUE);
}

/* Every text of the overview, hostile at once: the page has the tags that it has with harmless ones. */
static char *
overview_with(const char *word)
{
	json_t *o = parse("{\"history\":{\"slot_seconds\":600,\"slot_began\":1000000000,\"kinds\":[],\"slots\":[[]]}}");
	json_t *engine = json_object(), *finding = json_object(), *server = json_object();
	json_t *pool = json_object(), *rules = json_object(), *queue = json_object(), *stats = json_object();
	static const char *const engine_keys[] = { "title", "kind", "definitions", "age" };
	static const char *const finding_keys[] = { "class", "action", "id", "name", "engine" };
	char *text;

	for (size_t i = 0; i < G_N_ELEMENTS(engine_keys); i++)
		json_object_set_new(engine, engine_keys[i], json_string(word));
	for (size_t i = 0; i < G_N_ELEMENTS(finding_keys); i++)
		json_object_set_new(finding, finding_keys[i], json_string(word));
	json_object_set_new(server, "server", json_string(word));
	json_object_set_new(server, "state", json_string(word));
	json_object_set_new(server, "definitions", json_string(word));
	json_object_set_new(engine, "servers", json_pack("[o]", server));
	json_object_set_new(rules, word, json_integer(1));
	json_object_set_new(pool, word, json_object());
	json_object_set_new(queue, "threadpools", pool);
	json_object_set_new(stats, "rules", rules);
	json_object_set_new(stats, "queue", queue);
	json_object_set_new(o, "stats", stats);
	json_object_set_new(o, "avmilter", json_string(word));
	json_object_set_new(o, "status", json_pack("{s:{s:s}}", "updates", "last_error", word));
	json_object_set_new(o, "engines", json_pack("[o]", engine));
	json_object_set_new(json_object_get(o, "history"), "findings", json_pack("[o]", finding));
	text = json_dumps(o, 0);
	json_decref(o);
	return text;
}

static void
hostile(void **state)
{
	char *bad_text = overview_with(EVIL), *good_text = overview_with("harmless");
	GString *bad = page_of(bad_text), *good = page_of(good_text);

	(void)state;
	assert_int_equal(count(good->str, "harmless"), count(bad->str, "&#60;script&#62;"));
	assert_true(count(good->str, "harmless") >= 15);
	assert_int_equal(count(bad->str, "<script"), 0);
	assert_int_equal(count(bad->str, "\x1b"), 0);
	assert_int_equal(count(bad->str, "<"), count(good->str, "<"));
	assert_int_equal(count(bad->str, "\""), count(good->str, "\""));
	assert_int_equal(count(bad->str, "'"), count(good->str, "'"));
	g_string_free(bad, TRUE);
	g_string_free(good, TRUE);
	free(bad_text);
	free(good_text);
}

/* Nothing comes from elsewhere, nothing runs. */
static void
self_contained(void **state)
{
	static const char *const never[] = { "http:", "https:", "src=", "url(", "@import", "<script", " on", "style=\"" };
	GString *page = page_of("{}");

	(void)state;
	for (size_t i = 0; i < G_N_ELEMENTS(never) - 2; i++)
		assert_int_equal(count(page->str, never[i]), 0);
	assert_int_equal(count(page->str, "style=\""), 0); /* the policy would forbid it */
	assert_int_equal(count(page->str, "<table>"), count(page->str, "</table>"));
	assert_int_equal(count(page->str, "<section"), count(page->str, "</section>"));
	g_string_free(page, TRUE);
}

static void
policy(void **state)
{
	g_autofree char *p = page_policy(), *hash = NULL;
	GString *page = page_of("{}");
	char *from = strstr(page->str, "<style>"), *to = strstr(page->str, "</style>");
	uint8_t digest[DIGEST_LEN];

	(void)state;
	assert_true(from != NULL && to > from);
	from += strlen("<style>");
	digest_of(from, (size_t)(to - from), digest);
	hash = g_base64_encode(digest, sizeof(digest));
	assert_non_null(strstr(p, hash));
	assert_non_null(strstr(p, "default-src 'none'"));
	assert_null(strstr(p, "unsafe"));
	g_string_free(page, TRUE);
}

/* Overviews of a daemon that is older, newer or broken. */
static void
odd(void **state)
{
	static const char *const texts[] = { "{}", "[]", "{\"history\":5}",
		"{\"history\":{\"slots\":[],\"kinds\":[],\"slot_seconds\":600}}",
		"{\"history\":{\"slots\":[[1,2,3]],\"kinds\":[5,\"new\"],\"slot_seconds\":600}}",
		"{\"history\":{\"slots\":[[1]],\"kinds\":[\"clean\"],\"slot_seconds\":0}}",
		"{\"engines\":[1,{}],\"stats\":{\"engines\":[]}}" };

	(void)state;
	for (size_t i = 0; i < G_N_ELEMENTS(texts); i++) {
		GString *page = page_of(texts[i]);

		assert_non_null(strstr(page->str, "</html>"));
		g_string_free(page, TRUE);
	}
}

static void
chart(void **state)
{
	GString *page = page_of("{\"history\":{\"slot_seconds\":600,\"slot_began\":1000000200,"
				"\"kinds\":[\"clean\",\"infected\",\"skipped\"],\"slots\":[[0,0,0],[90,10,0],[0,0,3]]}}");

	(void)state;
	/* 100 of 100 fill the upper picture, 10 of 10 the lower one. */
	assert_non_null(strstr(page->str, "class=\"c0\" x=\"51\" y=\"34.0\" width=\"6\" height=\"108.0\""));
	assert_non_null(strstr(page->str, "class=\"c4\" x=\"51\" y=\"22.0\" width=\"6\" height=\"12.0\""));
	assert_non_null(strstr(page->str, "class=\"c4\" x=\"51\" y=\"176.0\" width=\"6\" height=\"70.0\""));
	assert_non_null(strstr(page->str, "<title>01:40 UTC: 90 clean; 10 infected, evasion, blocked;</title>"));
	assert_non_null(strstr(page->str, ">100</text>"));
	assert_int_equal(count(page->str, "<title>"), 3); /* the page's own and two slots that are not empty */
	g_string_free(page, TRUE);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(escape),
	cmocka_unit_test(hostile),
	cmocka_unit_test(self_contained),
	cmocka_unit_test(policy),
	cmocka_unit_test(odd),
	cmocka_unit_test(chart),
};

UNIT_RUN(tests)
