/* cidr - see cidr.h */
#include "base/cidr.h"

#include <arpa/inet.h>
#include <stdint.h>
#include <string.h>

#define V4_BITS   32
#define V6_BITS   128
#define V4_MAPPED 96 /* bits in front of an IPv4 address in its IPv6 form */

/* Everything is kept in IPv6 form. */
struct network {
	uint8_t address[16];
	unsigned bits;
	bool except;
};

struct cidr_list {
	GArray *networks; /* of struct network */
	bool only_exceptions;
};

/* The IPv6 form of an address; *v4 tells that it was written as IPv4, or means the same. */
static bool
parse_address(const char *text, uint8_t out[16], bool *v4)
{
	static const uint8_t mapped[12] = { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff };

	memcpy(out, mapped, sizeof(mapped));
	if (inet_pton(AF_INET, text, out + sizeof(mapped)) == 1) {
		*v4 = true;
		return true;
	}
	*v4 = false;
	return inet_pton(AF_INET6, text, out) == 1;
}

static bool
parse_network(const char *text, struct network *n)
{
	g_autofree char *address = NULL;
	guint64 bits;
	char *slash;
	bool v4;

	n->except = *text == '!';
	address = g_strdup(n->except ? text + 1 : text);
	slash = strchr(address, '/');
	if (slash != NULL)
		*slash++ = '\0';
	if (!parse_address(address, n->address, &v4))
		return false;
	bits = v4 ? V4_BITS : V6_BITS;
	if (slash != NULL && !g_ascii_string_to_unsigned(slash, 10, 0, bits, &bits, NULL))
		return false;
	n->bits = (unsigned)bits + (v4 ? V4_MAPPED : 0);
	return true;
}

struct cidr_list *
cidr_list_new(char *const *texts, GError **err)
{
	struct cidr_list *l = g_new0(struct cidr_list, 1);

	l->networks = g_array_new(FALSE, FALSE, sizeof(struct network));
	l->only_exceptions = *texts != NULL;
	for (; *texts != NULL; texts++) {
		struct network n = { 0 };

		if (!parse_network(*texts, &n)) {
			g_set_error(err, G_FILE_ERROR, G_FILE_ERROR_INVAL,
			    "\"%.60s\" is no network: write an address or ADDRESS/BITS", *texts);
			cidr_list_free(&l);
			return NULL;
		}
		l->only_exceptions &= n.except;
		g_array_append_val(l->networks, n);
	}
	return l;
}

void
cidr_list_free(struct cidr_list **lp)
{
	struct cidr_list *l = *lp;

	*lp = NULL;
	if (l == NULL)
		return;
	g_array_unref(l->networks);
	g_free(l);
}

bool
cidr_list_empty(const struct cidr_list *l)
{
	return l->networks->len == 0;
}

static bool
holds(const struct network *n, const uint8_t address[16])
{
	const unsigned bytes = n->bits / 8, rest = n->bits % 8;
	const unsigned mask = 0xffu << (8 - rest) & 0xff;

	return memcmp(n->address, address, bytes) == 0 &&
	    (rest == 0 || ((n->address[bytes] ^ address[bytes]) & mask) == 0);
}

bool
cidr_list_has(const struct cidr_list *l, const char *text)
{
	g_autofree char *bare = text != NULL ? g_strndup(text, strcspn(text, "%")) : NULL;
	uint8_t address[16];
	bool v4, in = l->only_exceptions;

	if (bare == NULL || !parse_address(bare, address, &v4))
		return false;
	for (guint i = 0; i < l->networks->len; i++) {
		const struct network *n = &g_array_index(l->networks, struct network, i);

		if (!holds(n, address))
			continue;
		if (n->except)
			return false;
		in = true;
	}
	return in;
}
