#include "lua/values.h"

#include <lauxlib.h>
#include <stdlib.h>
#include <string.h>

#include "worker/proto_script.h"

#define SLOTS 8 /* of Lua's stack that one table needs */

struct cursor {
	const char *at, *end;
	bool sealed;
};

static const char *
text(lua_State *L, struct cursor *c)
{
	const char *s = c->at;
	const char *nul = memchr(s, '\0', (size_t)(c->end - s));

	if (!nul)
		luaL_error(L, "malformed bundle");
	c->at = nul + 1;
	return s;
}

static int
refuse_change(lua_State *L)
{
	return luaL_error(L, "this table is read only");
}

static int
length_of(lua_State *L)
{
	lua_pushinteger(L, (lua_Integer)lua_rawlen(L, lua_upvalueindex(1)));
	return 1;
}

static int
next_of(lua_State *L)
{
	lua_settop(L, 2);
	return lua_next(L, 1) ? 2 : (lua_pushnil(L), 1);
}

static int
pairs_of(lua_State *L)
{
	lua_pushcfunction(L, next_of);
	lua_pushvalue(L, lua_upvalueindex(1));
	lua_pushnil(L);
	return 3;
}

void
values_seal(lua_State *L)
{
	const int data = lua_gettop(L);

	luaL_checkstack(L, SLOTS, NULL);
	lua_newtable(L);
	lua_createtable(L, 0, 5);
	lua_pushvalue(L, data);
	lua_setfield(L, -2, "__index");
	lua_pushcfunction(L, refuse_change);
	lua_setfield(L, -2, "__newindex");
	lua_pushvalue(L, data);
	lua_pushcclosure(L, length_of, 1);
	lua_setfield(L, -2, "__len");
	lua_pushvalue(L, data);
	lua_pushcclosure(L, pairs_of, 1);
	lua_setfield(L, -2, "__pairs");
	lua_pushboolean(L, false);
	lua_setfield(L, -2, "__metatable");
	lua_setmetatable(L, -2);
	lua_remove(L, data);
}

static void push_table(lua_State *L, struct cursor *c, unsigned depth);

static void
push_value(lua_State *L, struct cursor *c, char letter, unsigned depth)
{
	switch (letter) {
	case 's':
		lua_pushstring(L, text(L, c));
		break;
	case 'n':
		lua_pushinteger(L, (lua_Integer)strtoll(text(L, c), NULL, 10));
		break;
	case 't':
	case 'f':
		lua_pushboolean(L, letter == 't');
		break;
	case '{':
		push_table(L, c, depth + 1);
		break;
	default:
		luaL_error(L, "malformed bundle");
	}
}

static void
push_table(lua_State *L, struct cursor *c, unsigned depth)
{
	lua_Integer n = 0;

	luaL_checkstack(L, SLOTS, NULL);
	lua_newtable(L);
	while (c->at < c->end && *c->at != '}') {
		const char letter = *c->at++;
		const char *key = text(L, c);

		if (depth >= PROTO_BUNDLE_DEPTH)
			luaL_error(L, "malformed bundle");
		push_value(L, c, letter, depth);
		if (*key)
			lua_setfield(L, -2, key);
		else
			lua_rawseti(L, -2, ++n);
	}
	if (c->at == c->end)
		luaL_error(L, "malformed bundle");
	c->at++;
	if (c->sealed)
		values_seal(L);
}

void
values_push(lua_State *L, const char *bytes, size_t len, bool sealed)
{
	struct cursor c = { bytes, bytes + len, sealed };

	push_table(L, &c, 0);
	if (c.at != c.end)
		luaL_error(L, "malformed bundle");
}
