/*
 * fuzz_container - our own looks into zip directories and Office documents read no byte that is not there
 */
#include "scanner/oledoc.h"
#include "scanner/zipdir.h"

#include <glib.h>
#include <stdint.h>

int	 LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	g_autofree uint8_t *exact = size > 0 ? g_memdup2(data, size) : g_malloc0(1);

	(void)zipdir_unsupported(exact, size);
	(void)oledoc_encrypted(exact, size);
	return 0;
}
