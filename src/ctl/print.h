/*
 * print - an answer of the daemon for people, or as JSON
 */
#ifndef AVM_CTL_PRINT_H
#define AVM_CTL_PRINT_H

#include <jansson.h>
#include <stdbool.h>

/* The part of stats that speaks of the engines, for people. */
void	 print_engine_stats(const json_t *engines);

void	 print_answer(const char *command, const json_t *o, bool json);

#endif
