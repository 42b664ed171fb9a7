/* The interpreter of policy scripts: its bounds, what is not there, and bundles that are not what they should be. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#include <glib.h>
#include <lauxlib.h>

#include "lua/interp.h"
#include "lua/values.h"

#define MEMORY	(1024 * 1024)
#define TIME_MS 100

/* Load a text; NULL, or what is wrong with it, for g_free(). */
static char *
load(const char *text, size_t len)
{
	struct interp in;
	char *why = NULL;
	bool ok;

	assert_true(interp_open(&in, MEMORY, TIME_MS));
	ok = interp_load(&in, text, len, "t.lua", &why);
	assert_int_equal(ok, why == NULL);
	assert_true(in.used <= in.max);
	interp_close(&in);
	assert_int_equal(in.used, 0);
	return why;
}

static void
refuses(const char *text, const char *what)
{
	g_autofree char *why = load(text, strlen(text));

	assert_non_null(why);
	if (!strstr(why, what))
		fail_msg("%s: %s", text, why);
}

static void
bounds(void **state)
{
	static const char text[] = "local t = {} for i = 1, 100 do t[i] = ('x'):rep(i) end";
	g_autofree char *fine = load(text, strlen(text));

	(void)state;
	assert_null(fine);
	refuses("local t = {}\nwhile true do t[#t + 1] = ('x'):rep(99) .. #t end", "line 2: not enough memory");
	refuses("\n\nwhile true do end", "t.lua:3: time_max = 100 ms is used up");
	refuses("coroutine.wrap(function()\nwhile true do end end)()", "t.lua:2: time_max");
	refuses("error({})", "table");
	refuses("x = = 1", "t.lua:1: unexpected symbol");
	refuses("\x1bLua", "binary");
}

static void
nothing_leads_out(void **state)
{
	static const char *const names[] = { "io", "os", "package", "debug", "require", "load", "loadfile", "dofile",
		"collectgarbage", "print", "warn", "string.dump" };

	(void)state;
	for (size_t i = 0; i < G_N_ELEMENTS(names); i++) {
		g_autofree char *text = g_strdup_printf("assert(%s == nil)", names[i]);
		g_autofree char *why = load(text, strlen(text));

		assert_null(why);
	}
}

static int
push(lua_State *L)
{
	values_push(L, lua_touserdata(L, 1), (size_t)lua_tointeger(L, 2), true);
	return 1;
}

/* Is this a bundle? */
static bool
takes(const char *bytes, size_t len)
{
	struct interp in;
	char *why = NULL;
	bool ok;

	assert_true(interp_open(&in, MEMORY, TIME_MS));
	lua_pushcfunction(in.L, push);
	lua_pushlightuserdata(in.L, (void *)(uintptr_t)bytes);
	lua_pushinteger(in.L, (lua_Integer)len);
	ok = interp_call(&in, 2, 1, &why);
	assert_int_equal(ok, why == NULL);
	g_free(why);
	interp_close(&in);
	return ok;
}

static void
bundles(void **state)
{
	static const char whole[] = "sname\0value\0nsize\0" "17\0tyes\0{list\0s\0a\0s\0b\0}}";
	const size_t len = sizeof whole - 1;
	static const char deep[] = "{a\0{b\0{c\0{d\0{e\0{f\0{g\0{h\0{i\0{j\0}}}}}}}}}}}";

	(void)state;
	assert_true(takes(whole, len));
	assert_true(takes("}", 1));
	for (size_t cut = 0; cut < len; cut++) {
		g_autofree char *copy = g_memdup2(whole, cut + 1); /* no byte behind it */

		assert_false(takes(copy, cut));
	}
	assert_false(takes("}}", 2));
	assert_false(takes("xkey\0value\0}", 12));
	assert_false(takes(deep, sizeof deep - 1));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bounds),
		cmocka_unit_test(nothing_leads_out),
		cmocka_unit_test(bundles),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
