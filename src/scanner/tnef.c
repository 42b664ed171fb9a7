#include "scanner/tnef.h"

#include <glib.h>
#include <stdint.h>
#include <string.h>

#define MAGIC            0x223e9f78u
#define HEAD_SIZE        6 /* magic and key */
#define ATTRIBUTE_SIZE   9 /* level, tag, length */
#define CHECKSUM_SIZE    2
#define LEVEL_MESSAGE    1
#define LEVEL_ATTACHMENT 2

/* Attributes. */
#define ATT_BEGIN      0x9002u
#define ATT_TITLE      0x8010u
#define ATT_DATA       0x800fu
#define ATT_BODY       0x800cu
#define ATT_METAFILE   0x8011u
#define ATT_PROPERTIES 0x9003u
#define ATT_ATTACHMENT 0x9005u

/* Types of a MAPI property. */
#define TYPE_MULTI  0x1000u
#define TYPE_OBJECT 0x000du
#define TYPE_STRING 0x001eu
#define TYPE_WIDE   0x001fu
#define TYPE_BINARY 0x0102u
#define NAMED       0x8000u /* properties from here on carry a name */
#define GUID_SIZE   16
#define KIND_STRING 1

#define PROP_LONG_NAME 0x3707u
#define PROP_NAME      0x3704u
#define CONTENT_LEAST  16 /* bytes of a property that are worth a look of their own */

struct cursor {
	const unsigned char *at, *end;
	tnef_listener *fn;
	void *arg;
	bool stop;
};

static unsigned
get16(const unsigned char *p)
{
	return p[0] | (unsigned)p[1] << 8;
}

static uint32_t
get32(const unsigned char *p)
{
	return get16(p) | (uint32_t)get16(p + 2) << 16;
}

static size_t
left(const struct cursor *c)
{
	return (size_t)(c->end - c->at);
}

static bool
take32(struct cursor *c, uint32_t *out)
{
	if (left(c) < 4)
		return false;
	*out = get32(c->at);
	c->at += 4;
	return true;
}

static void
tell(struct cursor *c, enum tnef_item item, const void *data, size_t len)
{
	if (len > 0 && !c->stop && !c->fn(c->arg, item, data, len))
		c->stop = true;
}

/* Bytes of a value of fixed size as it stands there, 0 if it has none. */
static size_t
fixed_size(unsigned type)
{
	switch (type) {
	case 0x0000:
	case 0x0001:
	case 0x0002:
	case 0x0003:
	case 0x0004:
	case 0x000a:
	case 0x000b:
		return 4;
	case 0x0005:
	case 0x0006:
	case 0x0007:
	case 0x0014:
	case 0x0040:
		return 8;
	case 0x0048:
		return GUID_SIZE;
	default:
		return 0;
	}
}

static void
value(struct cursor *c, unsigned type, unsigned id, const unsigned char *data, size_t len)
{
	if (id == PROP_LONG_NAME || id == PROP_NAME) {
		tell(c, type == TYPE_WIDE ? TNEF_NAME_WIDE : TNEF_NAME, data, len);
		return;
	}
	/* An object begins with the identifier of its interface. */
	if (type == TYPE_OBJECT && len > GUID_SIZE) {
		data += GUID_SIZE;
		len -= GUID_SIZE;
	}
	if (len >= CONTENT_LEAST)
		tell(c, TNEF_CONTENT, data, len);
}

/* Values that carry their length. */
static bool
sized_values(struct cursor *c, unsigned type, unsigned id)
{
	uint32_t count, len;

	if (!take32(c, &count))
		return false;
	for (; count > 0 && !c->stop; count--) {
		if (!take32(c, &len))
			return false;
		size_t have = MIN(len, left(c)),
		       padded = MIN(((size_t)len + 3) & ~(size_t)3, left(c));
		value(c, type, id, c->at, have);
		c->at += padded;
		if (have < len)
			return false;
	}
	return true;
}

static bool
name_of_property(struct cursor *c)
{
	uint32_t kind, len;

	if (left(c) < GUID_SIZE)
		return false;
	c->at += GUID_SIZE;
	if (!take32(c, &kind) || !take32(c, &len))
		return false;
	if (kind == KIND_STRING) {
		size_t padded = ((size_t)len + 3) & ~(size_t)3;
		if (padded > left(c))
			return false;
		c->at += padded;
	}
	return true;
}

/* MAPI properties; what ends the list early hides the rest of it. */
static bool
properties(struct cursor *c)
{
	uint32_t count, values;

	if (!take32(c, &count))
		return false;
	for (; count > 0 && !c->stop; count--) {
		if (left(c) < 4)
			return false;
		unsigned type = get16(c->at), id = get16(c->at + 2), base = type & ~TYPE_MULTI;
		c->at += 4;
		if (id >= NAMED && !name_of_property(c))
			return false;
		size_t size = fixed_size(base);
		if (size == 0) {
			if (!sized_values(c, base, id))
				return false;
			continue;
		}
		values = 1;
		if ((type & TYPE_MULTI) && !take32(c, &values))
			return false;
		if (values > left(c) / size)
			return false;
		c->at += values * size;
	}
	return true;
}

static bool
attribute(struct cursor *c, unsigned id, const unsigned char *data, size_t len)
{
	struct cursor inner = { .at = data, .end = data + len, .fn = c->fn, .arg = c->arg };
	bool whole = true;

	switch (id) {
	case ATT_BEGIN:
		tell(c, TNEF_NEXT, data, len);
		break;
	case ATT_TITLE:
		tell(c, TNEF_NAME, data, len);
		break;
	case ATT_DATA:
	case ATT_BODY:
	case ATT_METAFILE:
		tell(c, TNEF_CONTENT, data, len);
		break;
	case ATT_PROPERTIES:
	case ATT_ATTACHMENT:
		whole = properties(&inner);
		c->stop |= inner.stop;
		break;
	default:
		break;
	}
	return whole;
}

bool
tnef_is(const void *data, size_t size)
{
	return size >= HEAD_SIZE && get32(data) == MAGIC;
}

bool
tnef_walk(const void *data, size_t size, tnef_listener *fn, void *arg)
{
	struct cursor c = {
		.at = data, .end = (const unsigned char *)data + size, .fn = fn, .arg = arg
	};
	bool whole = true;

	if (!tnef_is(data, size))
		return false;
	c.at += HEAD_SIZE;
	while (left(&c) >= ATTRIBUTE_SIZE && !c.stop) {
		unsigned level = c.at[0], id = get16(c.at + 1);
		uint32_t len = get32(c.at + 5);
		c.at += ATTRIBUTE_SIZE;
		if (level != LEVEL_MESSAGE && level != LEVEL_ATTACHMENT)
			return false;
		size_t have = MIN(len, left(&c));
		if (!attribute(&c, id, c.at, have))
			whole = false;
		if (have < len)
			return false;
		c.at += have;
		c.at += MIN(CHECKSUM_SIZE, left(&c));
	}
	return whole;
}
