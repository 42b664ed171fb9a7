/* print_stats - the answer of stats: one table for each engine, then the rest */
#include "ctl/print.h"

#include <glib.h>
#include <stdint.h>
#include <stdio.h>

#define WIDTH 20

static void
print_count(const json_t *e, const char *what, const char *key)
{
	printf("  %-*s%" JSON_INTEGER_FORMAT "\n", WIDTH, what,
	    json_integer_value(json_object_get(e, key)));
}

static void
print_time(const json_t *e, const char *what, const char *key)
{
	printf("  %-*s%.3fms\n", WIDTH, what, json_real_value(json_object_get(e, key)));
}

void
print_engine_stats(const json_t *engines)
{
	const char *title;
	json_t *e;

	json_object_foreach ((json_t *)(uintptr_t)engines, title, e) {
		printf("%s\n", title); /* of our configuration: letters, digits, - and _ */
		print_count(e, "Messages checked:", "messages_checked");
		print_count(e, "MIME parts checked:", "parts_checked");
		print_count(e, "Viruses detected:", "viruses_detected");
		print_count(e, "Viruses cured:", "viruses_cured");
		print_count(e, "Failures:", "failures");
		print_time(e, "Avg. time/message", "average_ms_per_message");
		print_time(e, "Avg. time/MIME part", "average_ms_per_part");
	}
}
