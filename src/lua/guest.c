#include "lua/guest.h"

#include <fcntl.h>
#include <glib.h>
#include <lauxlib.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sysexits.h>
#include <unistd.h>

#include "lua/api.h"
#include "scanner/sandbox.h"
#include "verdict/action.h"

#define NAME "avmilter-script"
#define MEMORY_SLACK                                                                               \
	((uint64_t)64 * 1024 * 1024) /* bundles, the interpreter itself, the C library */
#define FILES           32
#define PATIENCE_LEAST  30
#define PATIENCE_FACTOR 20 /* times time_max: the front is far more strict */

struct guest {
	struct dialogue dialogue;
	struct proto_script limits;
	char *name; /* of the script, for messages */
	struct mapped source;
};

static const struct {
	enum proto_hook hook;
	const char *name;
} hooks[] = {
	{ PROTO_ON_MESSAGE, "on_message" },
	{ PROTO_ON_VERDICT, "on_verdict" },
	{ PROTO_ON_RECIPIENT, "on_recipient" },
};

/* One call: what is to be run, by functions that Lua protects. */
struct call {
	struct guest *guest;
	struct mapped bundle;
	uint32_t hooks;
};

/* The function of a hook on top of the stack: the line where it begins. */
static int
line_defined(lua_State *L)
{
	lua_Debug at;

	lua_pushvalue(L, -1);
	lua_getinfo(L, ">S", &at);
	return at.linedefined;
}

static int
wrong_return(lua_State *L, struct guest *g, const char *hook, int line, const char *wanted)
{
	return luaL_error(L, "%s:%d: %s returned %s; it returns %s", g->name, line, hook,
	    luaL_tolstring(L, 1, NULL), wanted);
}

/* The two results of on_verdict or on_recipient stand in the stack from 1. */
static void
send_outcome(lua_State *L, struct guest *g, const char *hook, int line, uint32_t recipient)
{
	static const char wanted[] =
	    "nil, or reject, tempfail, discard, quarantine, redirect or pass, "
	    "and then a text or an address";
	struct proto_outcome out = { .recipient = recipient, .line = (uint32_t)line };
	enum action action = ACTION_REJECT;
	const char *text;
	size_t len = 0;

	if (lua_isnil(L, 1) && lua_isnil(L, 2))
		return;
	if (lua_type(L, 1) != LUA_TSTRING || !action_parse(lua_tostring(L, 1), &action) ||
	    action == ACTION_REPAIR || (!lua_isnil(L, 2) && lua_type(L, 2) != LUA_TSTRING))
		wrong_return(L, g, hook, line, wanted);
	text = lua_isnil(L, 2) ? "" : lua_tolstring(L, 2, &len);
	if (strlen(text) != len || len >= PROTO_OUTCOME_BYTES)
		luaL_error(L, "%s:%d: %s returned a text with a zero byte or more than %d bytes",
		    g->name, line, hook, PROTO_OUTCOME_BYTES - 1);
	out.action = action;
	dialogue_say(&g->dialogue, PROTO_OUTCOME, &out, sizeof out, text, NULL);
}

/* Each hook runs as a function of its own, so that its results can be counted from 1. */
static int
after_hook(lua_State *L)
{
	struct guest *g = lua_touserdata(L, lua_upvalueindex(1));
	const char *hook = lua_tostring(L, lua_upvalueindex(2));
	const int line = (int)lua_tointeger(L, lua_upvalueindex(3));
	const lua_Integer recipient = lua_tointeger(L, lua_upvalueindex(4));

	lua_settop(L, 2);
	send_outcome(L, g, hook, line, (uint32_t)recipient);
	return 0;
}

static int
after_message(lua_State *L)
{
	struct guest *g = lua_touserdata(L, lua_upvalueindex(1));
	const int line = (int)lua_tointeger(L, lua_upvalueindex(3));

	lua_settop(L, 1);
	if (lua_isnil(L, 1))
		return 0;
	if (lua_type(L, 1) != LUA_TSTRING || strcmp(lua_tostring(L, 1), "skip") != 0)
		wrong_return(L, g, "on_message", line, "nil or \"skip\"");
	api_skip(L);
	return 0;
}

/* Call the hook, whose arguments push pushes, and then after with its results. */
static void
run_hook(lua_State *L, struct guest *g, const char *hook, lua_CFunction after,
    lua_Integer recipient, const char *address)
{
	const int base = lua_gettop(L);
	int line;

	lua_getglobal(L, hook);
	line = line_defined(L);
	lua_pushlightuserdata(L, g);
	lua_pushstring(L, hook);
	lua_pushinteger(L, line);
	lua_pushinteger(L, recipient);
	lua_pushcclosure(L, after, 4);
	lua_insert(L, -2);
	api_push_message(L);
	if (address)
		lua_pushstring(L, address);
	if (after != after_message)
		api_push_verdict(L);
	lua_call(L, lua_gettop(L) - base - 2, LUA_MULTRET);
	lua_call(L, lua_gettop(L) - base - 1, 0);
}

static void
run_recipients(lua_State *L, struct guest *g)
{
	api_push_recipients(L);
	for (lua_Integer i = 1; lua_geti(L, -1, i) != LUA_TNIL; i++) {
		run_hook(L, g, "on_recipient", after_hook, i - 1, lua_tostring(L, -1));
		lua_pop(L, 1);
	}
	lua_pop(L, 2);
}

static int
run_hooks(lua_State *L)
{
	struct call *c = lua_touserdata(L, 1);

	api_begin(L, c->bundle.bytes, c->bundle.len);
	if (c->hooks & PROTO_ON_MESSAGE)
		run_hook(L, c->guest, "on_message", after_message, 0, NULL);
	if (c->hooks & PROTO_ON_VERDICT)
		run_hook(L, c->guest, "on_verdict", after_hook, PROTO_EVERYBODY, NULL);
	if (c->hooks & PROTO_ON_RECIPIENT)
		run_recipients(L, c->guest);
	api_send_context(L, &c->guest->dialogue);
	return 0;
}

static int
open_api(lua_State *L)
{
	api_open(L, lua_touserdata(L, 1));
	return 0;
}

/* A state with the script in it. False and *why. */
static bool
begin(struct guest *g, struct interp *in, char **why)
{
	if (!interp_open(in, g->limits.memory_max, g->limits.time_max_ms)) {
		*why = g_strdup("not enough memory: memory_max is too small");
		return false;
	}
	lua_pushcfunction(in->L, open_api);
	lua_pushlightuserdata(in->L, &g->dialogue);
	return interp_call(in, 1, 0, why) &&
	    interp_load(in, g->source.bytes, g->source.len, g->name, why);
}

/* Messages of Lua begin with the script's name; the others get it. */
static void
fail(struct guest *g, char *why)
{
	g_autofree char *text = g_str_has_prefix(why, g->name) ? g_strdup(why)
	    : g_str_has_prefix(why, "line ")
	    ? g_strdup_printf("%s:%s", g->name, why + strlen("line "))
	    : g_strdup_printf("%s: %s", g->name, why);

	g_free(why);
	channel_text(g->dialogue.sock, PROTO_FAILED, g->dialogue.seq, text);
}

static void
do_call(struct guest *g)
{
	const struct proto_call *ask = packet_body(&g->dialogue.packet, sizeof *ask);
	struct call c = { .guest = g };
	struct interp in;
	char *why = NULL;
	bool ok;

	if (!ask)
		_exit(EX_PROTOCOL);
	c.hooks = ask->hooks;
	c.bundle = dialogue_map(&g->dialogue, ask->size);
	ok = begin(g, &in, &why);
	if (ok) {
		lua_pushcfunction(in.L, run_hooks);
		lua_pushlightuserdata(in.L, &c);
		ok = interp_call(&in, 1, 0, &why);
	}
	interp_close(&in);
	mapped_close(&c.bundle);
	if (ok)
		dialogue_say(&g->dialogue, PROTO_DONE, "", 0, NULL, NULL);
	else
		fail(g, why);
}

/* Which hooks has the script? Raises an error when it has none, or something else by such a name. Raw,
 * because a script may refuse to have globals read that are not there. */
static int
find_hooks(lua_State *L)
{
	uint32_t found = 0;

	lua_pushglobaltable(L);
	for (size_t i = 0; i < G_N_ELEMENTS(hooks); i++) {
		lua_pushstring(L, hooks[i].name);
		const int type = lua_rawget(L, -2);

		if (type == LUA_TFUNCTION)
			found |= hooks[i].hook;
		else if (type != LUA_TNIL)
			return luaL_error(
			    L, "%s is a %s, not a function", hooks[i].name, lua_typename(L, type));
		lua_pop(L, 1);
	}
	if (found == 0)
		return luaL_error(
		    L, "none of the functions on_message, on_verdict and on_recipient");
	lua_pushinteger(L, found);
	return 1;
}

/* Load the script for the first time, and tell how that went. */
static void
try_script(struct guest *g, unsigned sandbox)
{
	struct proto_script_ready ready = { .sandbox = sandbox };
	struct interp in;
	char *why = NULL;

	if (begin(g, &in, &why)) {
		lua_pushcfunction(in.L, find_hooks);
		if (interp_call(&in, 0, 1, &why))
			ready.hooks = (uint32_t)lua_tointeger(in.L, -1);
	}
	interp_close(&in);
	if (ready.hooks != 0)
		dialogue_say(&g->dialogue, PROTO_SCRIPT_READY, &ready, sizeof ready, NULL, NULL);
	else
		fail(g, why);
}

/* Close every door before the first byte of the script is read. */
static bool
enter_sandbox(const struct guest *g, unsigned *have, GError **err)
{
	const struct sandbox s = {
		.memory = g->limits.memory_max + MEMORY_SLACK,
		.files = FILES,
		.want = sandbox_offers(),
	};

	*have = s.want;
	if (g->limits.require_sandbox && s.want != SANDBOX_ALL) {
		g_set_error_literal(err, G_FILE_ERROR, G_FILE_ERROR_NOSYS,
		    "sandbox = \"require\": this kernel does not offer all of it");
		return false;
	}
	return sandbox_enter(&s, err);
}

static void
take_script(struct guest *g)
{
	g_autoptr(GError) err = NULL;
	struct packet *p = &g->dialogue.packet;
	unsigned sandbox = 0;

	dialogue_receive(&g->dialogue);
	if (p->head.op != PROTO_SCRIPT || p->head.len <= sizeof g->limits ||
	    p->body[p->head.len - 1] != '\0')
		_exit(EX_PROTOCOL);
	memcpy(&g->limits, p->body, sizeof g->limits);
	g->name = g_path_get_basename((const char *)p->body + sizeof g->limits);
	g->dialogue.patience =
	    PATIENCE_LEAST + (unsigned)(g->limits.time_max_ms * PATIENCE_FACTOR / 1000);
	g->source = dialogue_map(&g->dialogue, g->limits.size);
	if (enter_sandbox(g, &sandbox, &err))
		try_script(g, sandbox);
	else
		fail(g, g_strdup(err->message));
}

/* Only the front ends us. */
static void
set_signals(void)
{
	static const int ignored[] = { SIGINT, SIGTERM, SIGHUP, SIGPIPE, SIGXFSZ };

	for (size_t i = 0; i < G_N_ELEMENTS(ignored); i++)
		signal(ignored[i], SIG_IGN);
	signal(SIGALRM, SIG_DFL);
}

int
guest_run(int sock)
{
	struct guest *g = g_new0(struct guest, 1);

	(void)fcntl(sock, F_SETFD, FD_CLOEXEC);
	(void)prctl(PR_SET_NAME, NAME);
	set_signals();
	g->dialogue.sock = sock;
	g->dialogue.patience = PATIENCE_LEAST;
	take_script(g);
	for (;;) {
		dialogue_receive(&g->dialogue);
		if (g->dialogue.packet.head.op != PROTO_CALL)
			return EX_PROTOCOL;
		do_call(g);
	}
}
