/*
 * interp - one Lua state inside its bounds: memory by counting, processor time by a hook, no way out
 *
 * There are the basic functions, coroutine, table, string, math and utf8; without those that read files, load code, or show bytecode.
 * A runaway function of the library, such as string.find, never meets the hook: the front kills the process then.
 *
 * Trap: errors are longjmps, so nothing that a caller of Lua holds may need a cleanup
 */
#ifndef AVM_LUA_INTERP_H
#define AVM_LUA_INTERP_H

#include <lua.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct interp {
	lua_State	*L;
	size_t		 used, max;	/* bytes */
	uint64_t	 time_max_ms;
	uint64_t	 end_us;	/* of our processor time; 0 = not counted yet */
	int		 line;		/* where memory was refused, 0 = it never was */
};

/* A state with its libraries. False when memory_max does not even hold those. */
bool	 interp_open(struct interp *in, size_t memory_max, uint64_t time_max_ms);
void	 interp_close(struct interp *in);

/* Compile source (text only) and run it. name: its path, for messages. False and *why (g_free). */
bool	 interp_load(struct interp *in, const char *source, size_t len, const char *name, char **why);
/* Call the function below nargs arguments on the stack for nresults. The same. */
bool	 interp_call(struct interp *in, int nargs, int nresults, char **why);

/* The interp of a state. */
struct interp *interp_of(lua_State *L);

#endif
