/*
 * cputime - how much processor time this process has used
 */
#ifndef AVM_SCANNER_CPUTIME_H
#define AVM_SCANNER_CPUTIME_H

#include <stdint.h>

/* CLOCK_PROCESS_CPUTIME_ID in microseconds. */
uint64_t cpu_now_us(void);

#endif
