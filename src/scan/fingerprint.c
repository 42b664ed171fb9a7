/*
 * fingerprint - what of a message may influence its verdict, as one digest
 *
 * The grammars are narrower than the RFCs: a value that they refuse costs a miss, one that they
 * admit is never looked at in a message whose twin is known.
 */
#include "scan/fingerprint.h"

#include <string.h>
#include <strings.h>

#include "scan/grammar.h"

/* The one list of fields that may be left out: name, grammar, how many of them at most. */
static const struct volatile_field {
	const char *name;
	bool (*valid)(const char *value);
	unsigned max;
} volatile_fields[] = {
	{ "Received", grammar_received, 64 },
	{ "X-Received", grammar_received, 64 },
	{ "Message-ID", grammar_msgid, 1 },
	{ "Date", grammar_date, 1 },
	{ "Return-Path", grammar_path, 1 },
	{ "DKIM-Signature", grammar_tags, 8 },
	{ "ARC-Seal", grammar_tags, 32 },
	{ "ARC-Message-Signature", grammar_tags, 32 },
	{ "ARC-Authentication-Results", grammar_results, 32 },
};
#define FIELDS G_N_ELEMENTS(volatile_fields)

/* Index in the table, FIELDS if it is not there. */
static size_t
field_find(const char *name)
{
	size_t i;

	for (i = 0; i < FIELDS; i++)
		if (strcasecmp(volatile_fields[i].name, name) == 0)
			break;
	return i;
}

static bool
value_is_plain(const struct volatile_field *f, const char *value)
{
	char flat[FINGERPRINT_VALUE_MAX + 1];

	return grammar_flatten(value, flat, sizeof flat) && f->valid(flat);
}

bool
fingerprint_volatile(const char *name, const char *value)
{
	size_t i = field_find(name);

	return i < FIELDS && value_is_plain(&volatile_fields[i], value);
}

static void
digest_string(struct digest *d, const char *s)
{
	uint64_t len = strlen(s);

	digest_add(d, &len, sizeof len);
	digest_add(d, s, len);
}

bool
fingerprint_of(const struct message *m, GPtrArray *left, uint8_t out[DIGEST_LEN])
{
	AUTO(digest_free) struct digest *d = NULL;
	const uint64_t end = UINT64_MAX;
	unsigned seen[FIELDS] = { 0 };

	if (!m->sealed || m->error != NULL || m->headers_over)
		return false;
	d = digest_new();
	digest_string(d, "avmilter fingerprint 1");
	for (guint i = 0; i < m->headers->len; i++) {
		struct header *h = g_ptr_array_index(m->headers, i);
		size_t f = field_find(h->name);

		if (f < FIELDS && seen[f] < volatile_fields[f].max &&
		    value_is_plain(&volatile_fields[f], h->value)) {
			seen[f]++;
			if (left != NULL)
				g_ptr_array_add(left, h);
			continue;
		}
		digest_string(d, h->name);
		digest_string(d, h->value);
	}
	/* No field name has this length: a body cannot look like one more field. */
	digest_add(d, &end, sizeof end);
	digest_add(d, m->body_digest, DIGEST_LEN);
	digest_end(d, out);
	return true;
}

void
fingerprint_bind(
    const uint8_t content[DIGEST_LEN], const uint8_t plan[DIGEST_LEN], uint8_t out[DIGEST_LEN])
{
	AUTO(digest_free) struct digest *d = digest_new();

	digest_string(d, "avmilter message " AVM_VERSION);
	digest_add(d, content, DIGEST_LEN);
	digest_add(d, plan, DIGEST_LEN);
	digest_end(d, out);
}
