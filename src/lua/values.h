/*
 * values - bundles of the front (worker/proto_script.h) as values of Lua
 */
#ifndef AVM_LUA_VALUES_H
#define AVM_LUA_VALUES_H

#include <lua.h>
#include <stdbool.h>
#include <stddef.h>

/*
 * Push the table that a bundle is; sealed: scripts can read it and what is in it, with pairs, ipairs and # too, but change nothing.
 * A bundle that is malformed is an error of Lua.
 */
void	 values_push(lua_State *L, const char *bytes, size_t len, bool sealed);
/* Put a view of the table on the top of the stack, which only reads, in its place. */
void	 values_seal(lua_State *L);

#endif
