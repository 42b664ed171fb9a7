/*
 * control_thread - keep libmilter from starting a thread that waits for our signals
 */
#ifndef AVM_MILTER_CONTROL_THREAD_H
#define AVM_MILTER_CONTROL_THREAD_H

#include <stdbool.h>

/* True once smfi_main() has called our function in the place of its own. */
bool	 control_thread_prevented(void);

#endif
