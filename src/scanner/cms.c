#include "scanner/cms.h"

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#define TAG_OCTETS      0x04
#define TAG_OID         0x06
#define TAG_SEQUENCE    0x30
#define TAG_EXPLICIT    0xa0
#define TAG_CONSTRUCTED 0x20
#define TAG_LONG        0x1f /* all bits of the number set: it continues in the next bytes */
#define INDEFINITE      0x80
#define DEPTH_MAX       32

/* What is left of the level at hand. */
struct level {
	const unsigned char *at, *end;
};

/* One element. With an indefinite length, body reaches to the end of the level it stands in. */
struct element {
	unsigned tag;
	bool indefinite;
	struct level body;
};

static const struct {
	const char *oid;
	enum cms_kind kind;
	bool signed_like; /* version and algorithms stand before the content */
} kinds[] = {
	{ "\x2a\x86\x48\x86\xf7\x0d\x01\x07\x01", CMS_PLAIN, false },
	{ "\x2a\x86\x48\x86\xf7\x0d\x01\x07\x02", CMS_PLAIN, true },
	{ "\x2a\x86\x48\x86\xf7\x0d\x01\x07\x03", CMS_ENCRYPTED, false },
	{ "\x2a\x86\x48\x86\xf7\x0d\x01\x07\x04", CMS_ENCRYPTED, false },
	{ "\x2a\x86\x48\x86\xf7\x0d\x01\x07\x05", CMS_PLAIN, true },
	{ "\x2a\x86\x48\x86\xf7\x0d\x01\x07\x06", CMS_ENCRYPTED, false },
	{ "\x2a\x86\x48\x86\xf7\x0d\x01\x09\x10\x01\x02", CMS_PLAIN, true },
	{ "\x2a\x86\x48\x86\xf7\x0d\x01\x09\x10\x01\x09", CMS_OTHER, false },
	{ "\x2a\x86\x48\x86\xf7\x0d\x01\x09\x10\x01\x17", CMS_ENCRYPTED, false },
};
/* All of them begin so: PKCS #7, and S/MIME's own types. */
static const unsigned char family[] = { 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01 };

/* Read the head of the next element; false at the end of the level or at nonsense. A length beyond the end is cut. */
static bool
enter(const struct level *l, struct element *e)
{
	const unsigned char *p = l->at;
	size_t len, n;

	if (l->end - p < 2 || (p[0] & TAG_LONG) == TAG_LONG)
		return false;
	e->tag = *p++;
	len = *p++;
	e->indefinite = len == INDEFINITE;
	if (e->indefinite && !(e->tag & TAG_CONSTRUCTED))
		return false;
	if (len > INDEFINITE) {
		n = len & 0x7f;
		if (n > (size_t)(l->end - p))
			return false;
		for (len = 0; n > 0; n--, p++) {
			if (len > SIZE_MAX >> 8)
				return false;
			len = len << 8 | *p;
		}
	}
	e->body.at = p;
	e->body.end = e->indefinite || len > (size_t)(l->end - p) ? l->end : p + len;
	return true;
}

static bool
at_end(const struct level *l)
{
	return l->end - l->at < 2 || (l->at[0] == 0 && l->at[1] == 0);
}

/* Step behind the element at hand: for an indefinite one behind its end mark. */
static bool
skip(struct level *l)
{
	unsigned depth = 0;

	do {
		struct element e;
		if (depth > 0 && l->end - l->at >= 2 && l->at[0] == 0 && l->at[1] == 0) {
			l->at += 2;
			depth--;
			continue;
		}
		if (!enter(l, &e))
			return false;
		l->at = e.indefinite ? e.body.at : e.body.end;
		if (e.indefinite && ++depth > DEPTH_MAX)
			return false;
	} while (depth > 0);
	return true;
}

/* Octets in pieces: of the level to its end mark, which l->at is left behind. */
static bool
pieces(struct level *l, unsigned depth, cms_piece *fn, void *arg)
{
	struct element e;

	while (!at_end(l)) {
		if (depth > DEPTH_MAX || !enter(l, &e))
			return false;
		if (e.tag == (TAG_OCTETS | TAG_CONSTRUCTED)) {
			if (!pieces(&e.body, depth + 1, fn, arg))
				return false;
			l->at = e.indefinite ? e.body.at : e.body.end;
		} else if (e.tag == TAG_OCTETS) {
			if (e.body.end > e.body.at)
				fn(arg, e.body.at, (size_t)(e.body.end - e.body.at));
			l->at = e.body.end;
		} else {
			return false;
		}
	}
	l->at = l->end - l->at < 2 ? l->end : l->at + 2;
	return true;
}

/* [0] EXPLICIT around the content; absent in a detached signature. */
static enum cms_kind
content(struct level *l, cms_piece *fn, void *arg)
{
	struct element e;

	if (at_end(l))
		return CMS_PLAIN;
	if (!enter(l, &e) || e.tag != TAG_EXPLICIT)
		return CMS_BROKEN;
	struct level inner = e.body;
	if (at_end(&inner))
		return CMS_PLAIN;
	if (!enter(&inner, &e))
		return CMS_BROKEN;
	if ((e.tag & ~(unsigned)TAG_CONSTRUCTED) == TAG_OCTETS)
		return pieces(&inner, 0, fn, arg) ? CMS_PLAIN : CMS_BROKEN;
	/* Before CMS the content could be of any type (PKCS #7). */
	if (e.body.end > e.body.at)
		fn(arg, e.body.at, (size_t)(e.body.end - e.body.at));
	return CMS_PLAIN;
}

/* Behind versions and algorithms: a SEQUENCE of a type, which may be anybody's, and the content. */
static enum cms_kind
signed_content(struct level *l, cms_piece *fn, void *arg)
{
	struct element e;

	if (at_end(l))
		return CMS_PLAIN;
	if (!enter(l, &e) || e.tag != TAG_SEQUENCE)
		return CMS_BROKEN;
	struct level inner = e.body;
	while (!at_end(&inner)) {
		if (!enter(&inner, &e))
			return CMS_BROKEN;
		struct level own = e.body;
		if (e.tag == TAG_SEQUENCE && enter(&own, &e) && e.tag == TAG_OID && skip(&own) &&
		    !at_end(&own) && *own.at == TAG_EXPLICIT)
			return content(&own, fn, arg);
		if (!skip(&inner))
			return CMS_BROKEN;
	}
	return CMS_PLAIN;
}

enum cms_kind
cms_open(const void *data, size_t size, cms_piece *fn, void *arg)
{
	struct level all = { .at = data, .end = (const unsigned char *)data + size };
	struct element e, oid;

	if (size < 16 || *all.at != TAG_SEQUENCE || !enter(&all, &e) || !enter(&e.body, &oid) ||
	    oid.tag != TAG_OID)
		return CMS_NONE;
	size_t len = (size_t)(oid.body.end - oid.body.at);
	if (len <= sizeof family || memcmp(oid.body.at, family, sizeof family) != 0)
		return CMS_NONE;
	struct level inner = { .at = oid.body.end, .end = e.body.end };
	for (size_t i = 0; i < G_N_ELEMENTS(kinds); i++) {
		if (strlen(kinds[i].oid) != len || memcmp(oid.body.at, kinds[i].oid, len) != 0)
			continue;
		if (!kinds[i].signed_like)
			return kinds[i].kind == CMS_PLAIN ? content(&inner, fn, arg)
							  : kinds[i].kind;
		if (at_end(&inner))
			return CMS_PLAIN;
		if (!enter(&inner, &e) || e.tag != TAG_EXPLICIT)
			return CMS_BROKEN;
		return signed_content(&e.body, fn, arg);
	}
	return CMS_NONE;
}
