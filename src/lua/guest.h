/*
 * guest - a script process: takes the script, then message after message, until its socket closes
 *
 * Each message gets a fresh state of Lua: nothing that a script keeps of one can touch another. The state of on_verdict and
 * on_recipient is one; that of on_message is another, and context variables are what goes from it to them.
 */
#ifndef AVM_LUA_GUEST_H
#define AVM_LUA_GUEST_H

/* The life of the process on this socket. Returns its exit status. */
int	 guest_run(int sock);

#endif
