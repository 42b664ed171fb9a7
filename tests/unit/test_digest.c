/*
 * digest: FIPS 180-2 vectors, pieces equal the whole, a digest can be used again, many threads at
 * once
 */
#include "base/digest.h"

#include "unit.h"

#include <pthread.h>

static const char empty_hex[] = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
static const char abc_hex[] = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

static void
vectors(void **state)
{
	uint8_t out[DIGEST_LEN];
	char hex[DIGEST_HEX];

	(void)state;
	digest_of("", 0, out);
	assert_string_equal(digest_hex(out, hex), empty_hex);
	digest_of("abc", 3, out);
	assert_string_equal(digest_hex(out, hex), abc_hex);
}

static void
pieces_and_reuse(void **state)
{
	struct digest *d = digest_new();
	uint8_t out[DIGEST_LEN];
	char hex[DIGEST_HEX];

	(void)state;
	digest_end(d, out);
	assert_string_equal(digest_hex(out, hex), empty_hex);
	for (int round = 0; round < 2; round++) {
		digest_add(d, "a", 1);
		digest_add(d, "", 0);
		digest_add(d, "bc", 2);
		digest_end(d, out);
		assert_string_equal(digest_hex(out, hex), abc_hex);
	}
	digest_free(&d);
	assert_null(d);
	digest_free(&d);
}

static void *
hash_many(void *arg)
{
	uint8_t out[DIGEST_LEN];
	char hex[DIGEST_HEX];
	int *bad = arg;

	for (int i = 0; i < 500; i++) {
		digest_of("abc", 3, out);
		*bad += strcmp(digest_hex(out, hex), abc_hex) != 0;
	}
	return NULL;
}

static void
threads(void **state)
{
	pthread_t t[4];
	int bad[4] = {0};

	(void)state;
	for (int i = 0; i < 4; i++)
		assert_int_equal(pthread_create(&t[i], NULL, hash_many, &bad[i]), 0);
	for (int i = 0; i < 4; i++) {
		pthread_join(t[i], NULL);
		assert_int_equal(bad[i], 0);
	}
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(vectors),
    cmocka_unit_test(pieces_and_reuse),
    cmocka_unit_test(threads),
};

UNIT_RUN(tests)
