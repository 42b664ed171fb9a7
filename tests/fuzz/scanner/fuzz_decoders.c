/*
 * fuzz_decoders - no decoder of the sweep reads or writes a byte that is not there, and none makes more than it may
 *
 * The first byte chooses decoder and view, the second how much room there is.
 */
#include "scanner/base64.h"
#include "scanner/binhex.h"
#include "scanner/boundary.h"
#include "scanner/charset.h"
#include "scanner/encname.h"
#include "scanner/gunzip.h"
#include "scanner/lines.h"
#include "scanner/qp.h"
#include "scanner/uu.h"
#include "scanner/yenc.h"
#include "verdict/evasion.h"

#include <glib.h>
#include <stdint.h>

int	 LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
take_lines(const uint8_t *p, size_t len)
{
	const unsigned char *at = p;
	struct lines it;
	struct line l;

	lines_init(&it, p, len);
	while (lines_next(&it, &l)) {
		g_assert(l.p == at && l.end >= l.p && l.next > l.p && l.end <= l.next && l.next <= p + len);
		at = l.next;
	}
	g_assert(at == p + len);
}

static void
take_base64(const uint8_t *p, size_t len, unsigned view, struct sink *s)
{
	struct base64_look l;

	base64_look(p, len, &l);
	g_assert(base64_run(p, p + len) <= len);
	/* What is regular has one meaning only. */
	if (l.regular && s->size > len) {
		size_t used;
		base64_decode(p, len, BASE64_STOP, s);
		used = s->used;
		for (int other = BASE64_STOP; other < BASE64_VIEWS; other++) {
			g_autofree uint8_t *again = g_malloc(len + 4);
			struct sink t = { .base = again, .size = len + 4 };
			if (other == BASE64_ZEROES)
				continue;
			base64_decode(p, len, other, &t);
			g_assert(t.used == used && memcmp(again, s->base, used) == 0);
		}
		s->used = 0;
	}
	base64_decode(p, len, view % BASE64_VIEWS, s);
	g_assert(s->used <= len / 4 * 3 + 3);
}

static void
take_qp(const uint8_t *p, size_t len, unsigned view, struct sink *s)
{
	struct qp_look l;

	qp_look(p, len, &l);
	qp_decode(p, len, view % QP_VIEWS, s);
	g_assert(s->used <= len);
}

static void
take_binhex(const uint8_t *p, size_t len, struct sink *s)
{
	struct binhex f;

	g_assert(binhex_decode(p, len, s, &f) <= len);
	g_assert(f.data_len <= s->used && f.data <= s->used - f.data_len);
	g_assert(f.resource_len <= s->used && f.resource <= s->used - f.resource_len);
}

static void
take_fields(const uint8_t *p, size_t len)
{
	struct boundary b;

	boundary_read(p, p + len, &b);
	g_assert((b.odd & ~EVASION_ALL) == 0 && strlen(b.text) <= BOUNDARY_MAX);
	(void)encname_find(p, p + len);
	(void)encname_type(p, p + len);
	(void)uu_begin(p, p + len, NULL);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size < 2)
		return 0;
	size_t len = size - 2, room = data[1] & 1 ? data[1] : 2 * len + 512;
	g_autofree uint8_t *p = g_malloc(MAX(len, 1));
	g_autofree uint8_t *out = g_malloc(MAX(room, 1));
	struct sink s = { .base = out, .size = room };
	unsigned view = data[0] >> 3;

	memcpy(p, data + 2, len);
	switch (data[0] & 7) {
	case 0:
		take_base64(p, len, view, &s);
		break;
	case 1:
		take_qp(p, len, view, &s);
		break;
	case 2:
		g_assert(uu_decode(p, len, view & 1, &s) <= len);
		break;
	case 3:
		g_assert(yenc_decode(p, len, &s) <= len);
		break;
	case 4:
		take_binhex(p, len, &s);
		break;
	case 5:
		(void)gunzip_looks(p, len);
		gunzip(p, len, &s);
		break;
	case 6:
		(void)charset_look(p, len);
		(void)charset_is_utf7(p, len);
		charset_narrow(p, len, (enum charset)(1 + view % 3), &s);
		break;
	default:
		take_lines(p, len);
		take_fields(p, len);
	}
	g_assert(s.used <= s.size && (s.full || s.used <= room));
	return 0;
}
