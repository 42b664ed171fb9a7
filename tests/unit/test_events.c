/* events: what is raised is counted by kind and told to the one listener */
#include "unit.h"

#include <string.h>

#include "base/events.h"

struct heard {
	unsigned calls;
	enum event_kind kind;
	char text[64];
};

static void
hear(void *arg, enum event_kind kind, const char *text)
{
	struct heard *h = arg;

	h->calls++;
	h->kind = kind;
	snprintf(h->text, sizeof(h->text), "%s", text);
}

static void
test_counted_without_listener(void **state)
{
	const uint64_t before = event_raised(EVENT_UPDATE), other = event_raised(EVENT_CRASH);

	(void)state;
	event_raise(EVENT_UPDATE, "definitions %d", 7);
	assert_int_equal(event_raised(EVENT_UPDATE), before + 1);
	assert_int_equal(event_raised(EVENT_CRASH), other);
}

static void
test_listener_comes_and_goes(void **state)
{
	struct heard first = { 0 }, second = { 0 };

	(void)state;
	event_listen(hear, &first);
	event_raise(EVENT_CRASH, "worker %u died", 3u);
	assert_int_equal(first.calls, 1);
	assert_int_equal(first.kind, EVENT_CRASH);
	assert_string_equal(first.text, "worker 3 died");
	event_listen(hear, &second);
	event_raise(EVENT_SHUTDOWN, "100%% done");
	assert_int_equal(first.calls, 1);
	assert_string_equal(second.text, "100% done");
	event_listen(NULL, NULL);
	event_raise(EVENT_SHUTDOWN, "gone");
	assert_int_equal(second.calls, 1);
}

static void
test_names_are_those_of_the_options(void **state)
{
	static const char *const names[EVENT_COUNT] = { "crash", "startup", "shutdown", "update",
		"update_error", "load_exceeded" };

	(void)state;
	for (int i = 0; i < EVENT_COUNT; i++)
		assert_string_equal(event_name((enum event_kind)i), names[i]);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_counted_without_listener),
		cmocka_unit_test(test_listener_comes_and_goes),
		cmocka_unit_test(test_names_are_those_of_the_options),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
