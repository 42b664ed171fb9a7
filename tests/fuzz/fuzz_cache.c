/*
 * fuzz_cache - what lies in the shared cache is believed only as it was sealed, under its own key
 *
 * Input: taken as a value, which must be refused, and as a packed verdict, which must come back; the first two bytes choose where a
 * sealed value is damaged.
 */
#include "scan/cache_mac.h"
#include "verdict/codec.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const uint8_t one[DIGEST_LEN] = { 1 }, other[DIGEST_LEN] = { 2 };
	g_autoptr(GByteArray) value = g_byte_array_new();
	struct mac_key key, stranger;
	size_t len = 0;

	if (size < 2)
		return 0;
	mac_key_of("a secret of the fuzzer", 22, &key);
	mac_key_of("a secret of a stranger", 22, &stranger);
	g_assert(!mac_open(&key, one, data, size, &len));
	mac_seal(&key, one, data + 2, size - 2, value);
	g_assert(value->len == size - 2 + MAC_OVERHEAD);
	const void *packed = mac_open(&key, one, value->data, value->len, &len);
	g_assert(packed && len == size - 2 && memcmp(packed, data + 2, len) == 0);
	g_assert(!mac_open(&key, other, value->data, value->len, &len));
	g_assert(!mac_open(&stranger, one, value->data, value->len, &len));
	size_t at = ((size_t)data[0] << 8 | data[1]) % value->len;
	g_assert(!mac_open(&key, one, value->data, at, &len));
	value->data[at] ^= 1 << (data[0] & 7);
	g_assert(!mac_open(&key, one, value->data, value->len, &len));
	return 0;
}
