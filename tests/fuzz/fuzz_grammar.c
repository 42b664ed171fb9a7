/*
 * fuzz_grammar - what a fingerprint may leave out holds nothing that decision 7 forbids, whatever
 * the value
 */
#include <glib.h>
#include <string.h>
#include <strings.h>

#include "scan/fingerprint.h"
#include "scan/grammar.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const names[] = {"Received",       "Message-ID",
	                                    "Date",           "Return-Path",
	                                    "DKIM-Signature", "ARC-Authentication-Results"};
	g_autofree char *value = g_strndup((const char *)data, size);

	for (size_t i = 0; i < G_N_ELEMENTS(names); i++) {
		if (!fingerprint_volatile(names[i], value))
			continue;
		g_assert(strlen(value) <= FINGERPRINT_VALUE_MAX);
		g_assert(strpbrk(value, "!\"#$%&'*?\\^`{|}~\x7f") == NULL);
		g_assert(strcasestr(value, "content-") == NULL && strstr(value, "://") == NULL);
		g_assert(strstr(value, "\n--") == NULL && strstr(value, "\n\n") == NULL);
		for (const char *p = value; *p; p++)
			g_assert(((unsigned char)*p >= ' ' && (unsigned char)*p < 0x7f) ||
			         *p == '\t' || *p == '\n' || (p[0] == '\r' && p[1] == '\n'));
	}
	return 0;
}
