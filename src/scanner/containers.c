#include "scanner/containers.h"

#include "scanner/charset.h"
#include "scanner/cms.h"
#include "scanner/openpgp.h"
#include "scanner/tnef.h"

#define NAME_LEN_MAX 255 /* bytes of a name in TNEF that are read */

static void
add_piece(void *arg, const void *data, size_t len)
{
	sink_add(arg, data, len);
}

static void
open_cms(struct offer *o, const struct source *src)
{
	struct sink s = offer_sink(o);
	enum cms_kind kind = cms_open(src->base, src->len, add_piece, &s);

	switch (kind) {
	case CMS_NONE:
		return;
	case CMS_PLAIN:
		break;
	case CMS_ENCRYPTED:
		verdict_find(o->h->v, FINDING_ENCRYPTED, "Encrypted.SMIME", "", "");
		return;
	case CMS_OTHER:
		verdict_partial(
		    o->h->v, REASON_UNSUPPORTED, "an S/MIME object of a kind that is not opened");
		return;
	case CMS_BROKEN:
		verdict_partial(o->h->v, REASON_CORRUPT, "a broken S/MIME object");
		break;
	}
	if (offer_work(o, src->len))
		offer_decoded(o, &s, 0, s.used);
}

/* A walk through TNEF: first for the names, then for the content, which gets them all. */
struct winmail {
	struct offer *o;
	const struct source *src;
	GPtrArray *names; /* of char * */
	bool content;
};

static void
add_name(struct winmail *w, const void *data, size_t len, bool wide)
{
	unsigned char narrow[NAME_LEN_MAX];
	struct sink s = { .base = narrow, .size = sizeof narrow };

	if (w->names->len >= PROTO_NAMES_MAX)
		return;
	if (wide)
		charset_narrow(data, len, CHARSET_UTF16LE, &s);
	else
		sink_add(&s, data, len);
	while (s.used > 0 && narrow[s.used - 1] == '\0')
		s.used--;
	char *name = g_utf8_make_valid((const char *)narrow, (gssize)s.used);
	for (char *p = name; *p != '\0'; p++)
		if ((unsigned char)*p < ' ' || *p == 0x7f)
			*p = '_';
	if (*name != '\0' && !g_ptr_array_find_with_equal_func(w->names, name, g_str_equal, NULL))
		g_ptr_array_add(w->names, name);
	else
		g_free(name);
}

static bool
on_item(void *arg, enum tnef_item item, const void *data, size_t len)
{
	struct winmail *w = arg;

	if (!w->content) {
		if (item != TNEF_CONTENT)
			add_name(w, data, len, item == TNEF_NAME_WIDE);
		return true;
	}
	if (item == TNEF_CONTENT && offer_work(w->o, len))
		offer_piece(w->o, w->src, data, len);
	return !w->o->stop;
}

static void
open_tnef(struct offer *o, const struct source *src)
{
	g_autoptr(GPtrArray) names = g_ptr_array_new_with_free_func(g_free);
	struct winmail w = { .o = o, .src = src, .names = names };

	if (!offer_work(o, src->len))
		return;
	if (!tnef_walk(src->base, src->len, on_item, &w))
		verdict_partial(o->h->v, REASON_CORRUPT, "a broken TNEF object (winmail.dat)");
	g_ptr_array_add(names, NULL);
	w.content = true;
	o->names = (char **)names->pdata;
	(void)tnef_walk(src->base, src->len, on_item, &w);
	o->names = NULL;
}

void
containers_open(struct offer *o, const struct source *src)
{
	if (tnef_is(src->base, src->len)) {
		open_tnef(o, src);
		return;
	}
	open_cms(o, src);
	if (openpgp_encrypted(src->base, src->len) || openpgp_armoured(src->base, src->len))
		verdict_find(o->h->v, FINDING_ENCRYPTED, "Encrypted.OpenPGP", "", "");
}
