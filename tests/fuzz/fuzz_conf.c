/*
 * fuzz_conf - no text breaks the configuration's reader; what it accepts it can write
 */
#include "conf/conf.h"

int	 LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	g_autofree char *text = g_strndup((const char *)data, size);
	g_autoptr(GError) err = NULL;
	struct conf *c = conf_parse(text, "fuzz", &err);

	g_assert(!c == !!err);
	if (c) {
		g_autoptr(GString) out = g_string_new(NULL);

		conf_write(c, out);
		g_assert(out->len > 0 && conf_warnings(c));
		conf_unref(&c);
	} else {
		g_assert(err->message[0]);
	}
	return 0;
}
