/*
 * fuzz_verdict - no byte string decodes to half a verdict; what decodes encodes to the same bytes
 */
#include "verdict/codec.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct verdict v = {0};
	g_autoptr(GByteArray) again = g_byte_array_new();

	if (verdict_decode(data, size, &v)) {
		g_assert(v.states != 0);
		verdict_encode(&v, again);
		g_assert(again->len == size && memcmp(again->data, data, size) == 0);
	} else {
		g_assert(v.states == 0 && v.findings == NULL && !verdict_is_clean(&v));
	}
	verdict_clear(&v);
	return 0;
}
