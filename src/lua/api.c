#include "lua/api.h"

#include <glib.h>
#include <lauxlib.h>
#include <string.h>

#include "lua/values.h"

#define ENGINE_NAME_MAX 40 /* P21 */
#define SKIPPED_BY      "lua"

/* Keys of Lua's registry. */
#define DIALOGUE "avmilter.dialogue"
#define CALL     "avmilter.call"    /* the bundle of the call */
#define CONTEXT  "avmilter.context" /* name -> value */
#define CHANGES  "avmilter.changes" /* name -> value, or false */
#define MESSAGE  "avmilter.message"
#define PARTS    "avmilter.parts"

static struct dialogue *
dialogue_of(lua_State *L)
{
	struct dialogue *d;

	lua_getfield(L, LUA_REGISTRYINDEX, DIALOGUE);
	d = lua_touserdata(L, -1);
	lua_pop(L, 1);
	return d;
}

/* Push a field of the call. Raises an error when there is no call. */
static void
push_field(lua_State *L, const char *name)
{
	if (lua_getfield(L, LUA_REGISTRYINDEX, CALL) == LUA_TNIL)
		luaL_error(L,
		    "there is no message yet: this belongs into on_message, on_verdict or "
		    "on_recipient");
	lua_getfield(L, -1, name);
	lua_remove(L, -2);
}

/* Make a table of the registry when it is not there; push it. */
static void
push_own(lua_State *L, const char *key)
{
	if (lua_getfield(L, LUA_REGISTRYINDEX, key) != LUA_TNIL)
		return;
	lua_pop(L, 1);
	lua_newtable(L);
	lua_pushvalue(L, -1);
	lua_setfield(L, LUA_REGISTRYINDEX, key);
}

/* The value on top becomes the variable; nil unsets it. */
static void
remember(lua_State *L, const char *table, const char *name)
{
	push_own(L, table);
	lua_insert(L, -2);
	lua_setfield(L, -2, name);
	lua_pop(L, 1);
}

static void
set_variable(lua_State *L, const char *name, const char *value)
{
	lua_pushstring(L, value);
	remember(L, CONTEXT, name);
	if (value)
		lua_pushstring(L, value);
	else
		lua_pushboolean(L, false);
	remember(L, CHANGES, name);
}

static int
context_get(lua_State *L)
{
	const char *name = luaL_checkstring(L, 2);

	push_own(L, CONTEXT);
	lua_getfield(L, -1, name);
	return 1;
}

static int
context_set(lua_State *L)
{
	size_t nlen, vlen = 0;
	const char *name = luaL_checklstring(L, 2, &nlen);
	const char *value = lua_isnoneornil(L, 3) ? NULL : luaL_checklstring(L, 3, &vlen);

	luaL_argcheck(L, nlen > 0 && strlen(name) == nlen, 2, "a name is expected");
	luaL_argcheck(L, !value || strlen(value) == vlen, 3, "a value cannot contain a zero byte");
	luaL_argcheck(
	    L, nlen + vlen < PROTO_SET_BYTES - 1, 3, "name and value have together at most 4 KB");
	set_variable(L, name, value);
	return 0;
}

/* msg:header(NAME[, N]): the value of the Nth field of that name, from the top. */
static int
header(lua_State *L)
{
	const char *name = luaL_checkstring(L, 2);
	lua_Integer wanted = luaL_optinteger(L, 3, 1);

	push_field(L, "msg");
	lua_getfield(L, -1, "headers");
	for (lua_Integer i = 1; lua_geti(L, -1, i) != LUA_TNIL; i++) {
		lua_getfield(L, -1, "name");
		if (g_ascii_strcasecmp(lua_tostring(L, -1), name) == 0 && --wanted == 0) {
			lua_getfield(L, -2, "value");
			return 1;
		}
		lua_pop(L, 2);
	}
	return 1;
}

/* Push the table of an answer. */
static void
push_answer(lua_State *L, struct mapped *m, bool sealed)
{
	values_push(L, m->bytes, m->len, sealed);
	mapped_close(m);
}

/* msg:parts(): the decoded parts, or nil and why there are none. */
static int
parts(lua_State *L)
{
	struct mapped m;

	push_field(L, "msg");
	if (lua_getfield(L, LUA_REGISTRYINDEX, PARTS) == LUA_TNIL) {
		lua_pop(L, 1);
		m = dialogue_ask(dialogue_of(L), PROTO_ASK_PARTS, 0, "");
		push_answer(L, &m, true);
		lua_pushvalue(L, -1);
		lua_setfield(L, LUA_REGISTRYINDEX, PARTS);
	}
	if (lua_getfield(L, -1, "failed") != LUA_TNIL) {
		lua_pushnil(L);
		lua_insert(L, -2);
		return 2;
	}
	lua_pop(L, 1);
	lua_getfield(L, -1, "list");
	return 1;
}

/* What the engines left in the context. */
static void
note_context(lua_State *L, int answer)
{
	if (lua_getfield(L, answer, "context") != LUA_TTABLE) {
		lua_pop(L, 1);
		return;
	}
	for (lua_Integer i = 1; lua_geti(L, -1, i) == LUA_TTABLE; i++) {
		lua_getfield(L, -1, "name");
		lua_getfield(L, -2, "value");
		remember(L, CONTEXT, lua_tostring(L, -2));
		lua_pop(L, 2);
	}
	lua_pop(L, 2);
}

static int
give(lua_State *L, enum proto_scan_state state, const char *info)
{
	lua_pushinteger(L, (lua_Integer)state);
	lua_pushstring(L, info);
	lua_pushnil(L);
	lua_pushnil(L);
	return 4;
}

static int
ask_scan(lua_State *L, enum proto_question q, uint32_t part, int engine)
{
	size_t len = 0;
	const char *title = luaL_optlstring(L, engine, "", &len);
	struct mapped m;
	int at;

	if (len > ENGINE_NAME_MAX)
		return give(
		    L, PROTO_AV_NAME_TOO_LONG, "the name of an engine has at most 40 characters");
	if (strlen(title) != len)
		return give(L, PROTO_AV_NO_ENGINE, "there is no engine of that name");
	m = dialogue_ask(dialogue_of(L), q, part, title);
	push_answer(L, &m, false);
	at = lua_gettop(L);
	note_context(L, at);
	lua_getfield(L, at, "status");
	lua_getfield(L, at, "info");
	lua_getfield(L, at, "engine");
	lua_getfield(L, at, "code");
	return 4;
}

static int
scan(lua_State *L)
{
	push_field(L, "msg");
	lua_pop(L, 1);
	return ask_scan(L, PROTO_ASK_SCAN, 0, 1);
}

static int
scan_part(lua_State *L)
{
	lua_Integer id;
	bool container;

	push_field(L, "msg");
	lua_pop(L, 1);
	luaL_checktype(L, 1, LUA_TTABLE);
	lua_getfield(L, 1, "container");
	lua_getfield(L, 1, "part");
	container = lua_toboolean(L, -2);
	id = lua_tointeger(L, -1);
	lua_pop(L, 2);
	if (container)
		return give(L, PROTO_AV_PART_IS_CONTAINER,
		    "it is a container: scan the parts inside of it");
	luaL_argcheck(L, id > 0, 1, "a part of msg:parts() is expected");
	return ask_scan(L, PROTO_ASK_PART, (uint32_t)id, 2);
}

static int
engines(lua_State *L)
{
	lua_newtable(L);
	push_field(L, "engines");
	for (lua_Integer i = 1; lua_geti(L, -1, i) != LUA_TNIL; i++)
		lua_seti(L, -3, i);
	lua_pop(L, 2);
	return 1;
}

/* av.log(...), which is print too. */
static int
say(lua_State *L)
{
	const int n = lua_gettop(L);
	luaL_Buffer b;

	luaL_buffinit(L, &b);
	for (int i = 1; i <= n; i++) {
		if (i > 1)
			luaL_addchar(&b, ' ');
		luaL_tolstring(L, i, NULL);
		luaL_addvalue(&b);
	}
	luaL_pushresult(&b);
	channel_text(dialogue_of(L)->sock, PROTO_LOG, dialogue_of(L)->seq, lua_tostring(L, -1));
	return 0;
}

void
api_open(lua_State *L, struct dialogue *d)
{
	static const luaL_Reg functions[] = { { "engines", engines }, { "scan", scan },
		{ "scan_part", scan_part }, { "log", say }, { NULL, NULL } };

	lua_pushlightuserdata(L, d);
	lua_setfield(L, LUA_REGISTRYINDEX, DIALOGUE);
	luaL_newlib(L, functions);
#define X(name)                                                                                    \
	lua_pushinteger(L, PROTO_AV_##name);                                                       \
	lua_setfield(L, -2, #name);
	PROTO_SCAN_STATES(X)
#undef X
	values_seal(L);
	lua_setglobal(L, "av");
	lua_pushcfunction(L, say);
	lua_setglobal(L, "print");
}

/* The facts of the message, with its methods in front of them. */
static void
make_message(lua_State *L)
{
	static const luaL_Reg methods[] = { { "context_get", context_get },
		{ "context_set", context_set }, { "header", header }, { "parts", parts },
		{ NULL, NULL } };

	luaL_newlib(L, methods);
	lua_pushboolean(L, true);
	lua_setfield(L, -2, "container"); /* for av.scan_part(msg) */
	lua_newtable(L);
	push_field(L, "msg");
	lua_setfield(L, -2, "__index");
	lua_setmetatable(L, -2);
	values_seal(L);
	lua_setfield(L, LUA_REGISTRYINDEX, MESSAGE);
}

void
api_begin(lua_State *L, const char *bundle, size_t len)
{
	values_push(L, bundle, len, true);
	lua_setfield(L, LUA_REGISTRYINDEX, CALL);
	push_field(L, "context");
	lua_pushnil(L);
	lua_setfield(L, LUA_REGISTRYINDEX, CONTEXT);
	for (lua_Integer i = 1; lua_geti(L, -1, i) != LUA_TNIL; i++) {
		lua_getfield(L, -1, "name");
		lua_getfield(L, -2, "value");
		remember(L, CONTEXT, lua_tostring(L, -2));
		lua_pop(L, 2);
	}
	lua_pop(L, 2);
	make_message(L);
}

void
api_push_message(lua_State *L)
{
	lua_getfield(L, LUA_REGISTRYINDEX, MESSAGE);
}

void
api_push_verdict(lua_State *L)
{
	push_field(L, "verdict");
}

void
api_push_recipients(lua_State *L)
{
	push_field(L, "msg");
	lua_getfield(L, -1, "recipients");
	lua_remove(L, -2);
}

void
api_skip(lua_State *L)
{
	push_field(L, "skip");
	if (lua_isnil(L, -1))
		luaL_error(L, "on_message returned \"skip\", but skip_context_variable is empty");
	set_variable(L, lua_tostring(L, -1), SKIPPED_BY);
	lua_pop(L, 1);
}

void
api_send_context(lua_State *L, struct dialogue *d)
{
	unsigned n = 0;

	push_own(L, CHANGES);
	for (lua_pushnil(L); lua_next(L, -2); lua_pop(L, 1)) {
		if (++n > PROTO_SET_MAX)
			luaL_error(L, "more than %d context variables", PROTO_SET_MAX);
		dialogue_say(d, PROTO_SET, "", 0, lua_tostring(L, -2),
		    lua_isstring(L, -1) ? lua_tostring(L, -1) : NULL);
	}
	lua_pop(L, 1);
}
