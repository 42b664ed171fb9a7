/*
 * fuzz_wrapped - what is taken out of S/MIME and TNEF lies inside of it and is not more than it; OpenPGP, packed files and manifests
 * are looked at without reading a byte that is not there
 */
#include "scanner/cms.h"
#include "scanner/odf.h"
#include "scanner/openpgp.h"
#include "scanner/packed.h"
#include "scanner/tnef.h"

#include <glib.h>
#include <stdint.h>

int	 LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct seen {
	const uint8_t *begin, *end;
	size_t	 total;
};

static void
on_piece(void *arg, const void *data, size_t len)
{
	struct seen *s = arg;
	const uint8_t *p = data;

	g_assert(len > 0 && p >= s->begin && p <= s->end && len <= (size_t)(s->end - p));
	s->total += len;
	g_assert(s->total <= (size_t)(s->end - s->begin));
}

static bool
on_item(void *arg, enum tnef_item item, const void *data, size_t len)
{
	(void)item;
	on_piece(arg, data, len);
	return true;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	g_autofree uint8_t *exact = size > 0 ? g_memdup2(data, size) : g_malloc0(1);
	struct seen cms = { .begin = exact, .end = exact + size }, tnef = cms;

	(void)cms_open(exact, size, on_piece, &cms);
	(void)tnef_walk(exact, size, on_item, &tnef);
	(void)openpgp_encrypted(exact, size);
	(void)openpgp_armoured(exact, size);
	(void)packed_format(exact, size);
	(void)packed_bzip2_more(exact, size);
	(void)odf_encrypted("META-INF/manifest.xml", exact, size);
	return 0;
}
