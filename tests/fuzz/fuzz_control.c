/*
 * fuzz_control - whatever a local process writes to the control socket, lines stay within their bound, and words survive a round trip
 *
 * Input: the bytes of a connection; the first one chooses the bound of a line.
 */
#include "control/protocol.h"

#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check_words(const char *line)
{
	g_autoptr(GError) err = NULL;
	g_auto(GStrv) words = control_split(line, &err);

	g_assert((words == NULL) == (err != NULL));
	if (!words || !words[0])
		return;
	g_autofree char *again = control_join((const char *const *)words);
	g_auto(GStrv) same = control_split(again, NULL);
	g_assert(same && g_strv_equal((const char *const *)words, (const char *const *)same));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct control_line l;
	int pair[2];
	char *line;

	if (size < 1 || size > 65536 || socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair) < 0)
		return 0;
	if (write(pair[1], data + 1, size - 1) != (ssize_t)(size - 1))
		g_assert_not_reached();
	close(pair[1]);
	control_line_init(&l, pair[0], data[0] & 1 ? CONTROL_REQUEST_MAX : 1 + data[0]);
	for (;;) {
		g_autoptr(GError) err = NULL;
		line = control_line_read(&l, 1000, &err);
		if (!line)
			break;
		g_assert(strlen(line) <= l.max && !strchr(line, '\n'));
		check_words(line);
		g_free(line);
	}
	control_line_clear(&l);
	close(pair[0]);
	return 0;
}
