/*
 * api - what a script sees: the table av, the message with its context, the verdict
 *
 * Context variables that a script sets are told to the front only when its hooks have returned: a script that fails has set nothing.
 */
#ifndef AVM_LUA_API_H
#define AVM_LUA_API_H

#include "lua/dialogue.h"
#include "lua/interp.h"

/* Make av. d is borrowed; no message is there yet. Raises errors. */
void	 api_open(lua_State *L, struct dialogue *d);
/* Take the bundle of a call: a message is there. Raises errors. */
void	 api_begin(lua_State *L, const char *bundle, size_t len);
/* Push the message, the verdict (nil before the scan), the list of recipients. */
void	 api_push_message(lua_State *L);
void	 api_push_verdict(lua_State *L);
void	 api_push_recipients(lua_State *L);
/* Do what on_message asks for by returning "skip". Raises an error when no variable is configured. */
void	 api_skip(lua_State *L);
/* Tell the front what was set. */
void	 api_send_context(lua_State *L, struct dialogue *d);

#endif
