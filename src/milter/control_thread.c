/*
 * control_thread - keep libmilter from starting a thread that waits for our signals
 *
 * smfi_main() begins with mi_control_startup() (signal.c of libmilter), which starts a thread in
 * sigwait() for HUP, TERM and INT; whichever of the three it gets stops libmilter. Our main thread
 * waits for the same signals, and whenever it is not waiting at that very moment, for example while
 * it reloads, the kernel hands the signal to libmilter's thread: a second HUP would end the daemon
 * in the middle of its mails. libmilter offers no way to leave the thread out, but its shared
 * library calls the function by its exported name, so this one of the program takes its place.
 *
 * The daemon checks at its start that this has worked (server_start()).
 */
#include "milter/control_thread.h"

#include <libmilter/mfapi.h>
#include <stdatomic.h>

static atomic_bool called;

int mi_control_startup(char *name);

int
mi_control_startup(char *name)
{
	(void)name;
	atomic_store(&called, true);
	return MI_SUCCESS;
}

bool
control_thread_prevented(void)
{
	return atomic_load(&called);
}
