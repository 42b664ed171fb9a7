/*
 * banned - functions that have hurt mail filters before; using one is a compile error
 *
 * Included by the compiler command line (-include) into every file of ours after the system headers it guards.
 */
#ifndef AVM_BASE_BANNED_H
#define AVM_BASE_BANNED_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* With clang the fortified ones are macros, which must go before their names can be poisoned. */
#undef sprintf
#undef vsprintf
#pragma GCC poison strcpy strcat sprintf vsprintf strtok gets strncpy strncat
#pragma GCC poison atoi atol atoll localtime gmtime asctime ctime
#pragma GCC poison system popen tmpnam mktemp

#endif
