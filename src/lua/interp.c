#include "lua/interp.h"

#include <glib.h>
#include <lauxlib.h>
#include <lualib.h>
#include <stdlib.h>
#include <string.h>

#include "scanner/cputime.h"

/* The front kills us when all of time_max is used; a script that can be told is told a little
 * earlier, with its line. */
#define OF_TIME_US 800    /* microseconds for each millisecond */
#define HOOK_EVERY 100000 /* instructions between two looks at the clock: about a millisecond */

struct interp *
interp_of(lua_State *L)
{
	void *in;

	lua_getallocf(L, &in);
	return in;
}

/* The line that is being run, or 0. Allocates nothing. */
static int
line_of(lua_State *L)
{
	lua_Debug at;

	for (int level = 0; lua_getstack(L, level, &at); level++)
		if (lua_getinfo(L, "l", &at) && at.currentline > 0)
			return at.currentline;
	return 0;
}

/* Without an old block osize is the kind of thing that is made. */
static void *
allocate(void *arg, void *old, size_t osize, size_t size)
{
	struct interp *in = arg;
	void *fresh;

	if (!old)
		osize = 0;
	if (size == 0) {
		free(old);
		in->used -= osize;
		return NULL;
	}
	if (size > osize && size - osize > in->max - in->used)
		fresh = NULL;
	else
		fresh = realloc(old, size);
	if (fresh)
		in->used += size - osize;
	else if (in->L)
		in->line = line_of(in->L);
	return fresh;
}

static void
look_at_clock(lua_State *L, lua_Debug *ar)
{
	struct interp *in = interp_of(L);

	if (in->end_us == 0 || cpu_now_us() < in->end_us)
		return;
	lua_getinfo(L, "Sl", ar);
	lua_pushfstring(L, "%s:%d: time_max = %d ms is used up", ar->short_src, ar->currentline,
	    (int)in->time_max_ms);
	lua_error(L);
}

static void
take_away(lua_State *L)
{
	static const char *const globals[] = { "collectgarbage", "dofile", "load", "loadfile",
		"print", "warn" };

	for (size_t i = 0; i < G_N_ELEMENTS(globals); i++) {
		lua_pushnil(L);
		lua_setglobal(L, globals[i]);
	}
	lua_getglobal(L, LUA_STRLIBNAME);
	lua_pushnil(L);
	lua_setfield(L, -2, "dump");
	lua_pop(L, 1);
}

static int
open_libraries(lua_State *L)
{
	static const luaL_Reg libraries[] = {
		{ LUA_GNAME, luaopen_base },
		{ LUA_COLIBNAME, luaopen_coroutine },
		{ LUA_TABLIBNAME, luaopen_table },
		{ LUA_STRLIBNAME, luaopen_string },
		{ LUA_MATHLIBNAME, luaopen_math },
		{ LUA_UTF8LIBNAME, luaopen_utf8 },
	};

	for (size_t i = 0; i < G_N_ELEMENTS(libraries); i++) {
		luaL_requiref(L, libraries[i].name, libraries[i].func, 1);
		lua_pop(L, 1);
	}
	take_away(L);
	return 0;
}

bool
interp_open(struct interp *in, size_t memory_max, uint64_t time_max_ms)
{
	*in = (struct interp){ .max = memory_max, .time_max_ms = time_max_ms };
	in->L = lua_newstate(allocate, in);
	if (!in->L)
		return false;
	lua_pushcfunction(in->L, open_libraries);
	if (lua_pcall(in->L, 0, 0, 0) != LUA_OK) {
		interp_close(in);
		return false;
	}
	lua_sethook(in->L, look_at_clock, LUA_MASKCOUNT, HOOK_EVERY);
	in->end_us = cpu_now_us() + time_max_ms * OF_TIME_US;
	return true;
}

void
interp_close(struct interp *in)
{
	lua_State *L = in->L;

	in->L = NULL;
	in->end_us = 0; /* finalizers of a script are not asked how long they take: the front is */
	if (L)
		lua_close(L);
}

/* Whatever was thrown, as a text. */
static int
to_text(lua_State *L)
{
	luaL_tolstring(L, 1, NULL);
	return 1;
}

/* Running out of memory is the one error that does not say where. */
static char *
explain(struct interp *in, int status)
{
	const char *text = lua_tostring(in->L, -1);

	if (status == LUA_ERRMEM)
		return g_strdup_printf(
		    "line %d: not enough memory: memory_max = %zu bytes", in->line, in->max);
	return g_strdup(text ? text : "an error without a text");
}

bool
interp_call(struct interp *in, int nargs, int nresults, char **why)
{
	const int at = lua_gettop(in->L) - nargs;
	int status;

	lua_pushcfunction(in->L, to_text);
	lua_insert(in->L, at);
	status = lua_pcall(in->L, nargs, nresults, at);
	lua_remove(in->L, at);
	if (status == LUA_OK)
		return true;
	*why = explain(in, status);
	lua_pop(in->L, 1);
	return false;
}

bool
interp_load(struct interp *in, const char *source, size_t len, const char *name, char **why)
{
	g_autofree char *chunk = g_strconcat("@", name, NULL);
	int status = luaL_loadbufferx(in->L, source, len, chunk, "t");

	if (status == LUA_OK)
		return interp_call(in, 0, 0, why);
	*why = explain(in, status);
	lua_pop(in->L, 1);
	return false;
}
