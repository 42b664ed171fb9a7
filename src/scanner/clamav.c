#include "scanner/clamav.h"

#include <clamav.h>
#include <string.h>

#include "base/auto.h"
#include "scanner/cputime.h"
#include "scanner/engine.h"
#include "scanner/layers.h"
#include "scanner/memo.h"
#include "scanner/odf.h"
#include "scanner/oledoc.h"
#include "scanner/shape.h"
#include "scanner/signame.h"
#include "verdict/clamav_names.h"

/* One scan, as the callbacks see it. */
struct scan {
	struct verdict *v;
	struct verdict content; /* what only the content is to blame for, if nothing failed */
	struct clamav *engine;
	bool decomposed;
	uint64_t cpu_start_us;
	size_t len;
	struct layers layers;
	struct trail *trail;
	struct memo *memo; /* or NULL */
	bool complained;
	bool costly; /* the object itself is a mail that must not be parsed */
	bool raw;    /* it is scanned as it stands */
};

/* So little is never costly, however small the administrator's limits are: the self-test's mail is less. */
#define CHEAP_HEADER 4096
#define CHEAP_PARTS  16
#define PARTS_MAX    100000 /* where max_file_count = 0 says "no count" */

/* libclamav's mail parser is quadratic in the parameters of a field too (measured: 200000 of them, minutes), and cannot
 * be stopped. It does not get what GMime would not get. */
static bool
too_costly(struct scan *sc, const char *type, const char *buffer, size_t size)
{
	const struct proto_settings *lim = &sc->engine->limits;
	const struct shape_limits shape = { .header_max = MAX(lim->header_max, CHEAP_HEADER),
		.parts_max =
		    lim->max_file_count > 0 ? MAX(lim->max_file_count, CHEAP_PARTS) : PARTS_MAX };

	return !sc->raw && buffer && strcmp(type, "CL_TYPE_MAIL") == 0 &&
	    !shape_acceptable(buffer, size, &shape, &sc->content);
}

static bool
time_used(const struct scan *sc)
{
	return cpu_now_us() - sc->cpu_start_us >= sc->engine->limits.max_extract_time_ms * 1000;
}

static void
judge_name(struct scan *sc, const char *name)
{
	g_autofree char *where = layers_path(&sc->layers);

	bool broken = clamav_meaning(name).partial == REASON_CORRUPT;
	signame_judge(broken ? &sc->content : sc->v, name, where, time_used(sc));
}

static void
on_virus(int fd, const char *name, void *context)
{
	(void)fd;
	judge_name(context, name ? name : "Unnamed");
}

/* Let those who keep account see a layer. True: it was clean in an earlier mail, at the same place. */
static bool
show_layer(struct scan *sc, uint32_t level, const char *type, uint32_t attributes,
    const char *buffer, size_t size)
{
	/* The object itself is no part of itself, and it is never looked up. */
	const bool hashed = level > 0 && buffer;
	uint8_t digest[DIGEST_LEN];

	if (hashed)
		digest_of(buffer, size, digest);
	/* A normalised layer is not what it was made from: no part can be that. */
	unsigned below = trail_enter(sc->trail, level,
	    hashed && !(attributes & LAYER_ATTRIBUTES_NORMALIZED) ? digest : NULL, buffer, size);
	return sc->memo &&
	    memo_enter(sc->memo, level, below, type, attributes, hashed ? digest : NULL, size);
}

/* Each new layer, before it is scanned. The unpackers of libclamav cut a member at their limit and
 * scan the rest as if that were all (measured: zip). Their limit is larger than ours, so a layer
 * that is larger than ours may be a cut one. */
static cl_error_t
on_layer(int fd, const char *type, const char **ancestors, size_t parent_size, const char *name,
    size_t size, const char *buffer, uint32_t level, uint32_t attributes, void *context)
{
	struct scan *sc = context;
	bool known = show_layer(sc, level, type, attributes, buffer, size);

	(void)fd, (void)ancestors, (void)parent_size;
	layers_enter(&sc->layers, level, type, name, buffer, size, &sc->content);
	if (size > sc->engine->limits.max_extract_size)
		verdict_partial(sc->v, REASON_LIMIT_SIZE, "%s is larger than max_extract_size",
		    level > 0 ? "a member" : "the object");
	if ((sc->engine->limits.flags & PROTO_ALERT_ENCRYPTED) && oledoc_encrypted(buffer, size))
		judge_name(sc, "Heuristics.Encrypted.OLE2");
	if ((sc->engine->limits.flags & PROTO_ALERT_ENCRYPTED) && odf_encrypted(name, buffer, size))
		judge_name(sc, "Heuristics.Encrypted.ODF");
	bool costly = too_costly(sc, type, buffer, size);
	sc->costly |= costly && level == 0;
	if (!known && !costly)
		return CL_CLEAN;
	if (costly)
		return CL_BREAK;
	layers_known(&sc->layers);
	sc->engine->known++;
	return CL_BREAK; /* of this layer only: what is around and beside it is scanned */
}

/* What a container says about a member before it is unpacked: a member that is too large may be
 * stepped over in silence. */
static cl_error_t
on_member(const char *container, unsigned long container_size, const char *name, unsigned long size,
    int encrypted, unsigned position, void *context)
{
	struct scan *sc = context;

	(void)container_size, (void)name, (void)position;
	if (layers_guess(&sc->layers))
		return CL_CLEAN;
	layers_member(&sc->layers, container ? container : "", size, encrypted);
	/* What stands here instead of a size means zip64, which libclamav steps over. */
	if (size == UINT32_MAX)
		verdict_partial(sc->v, REASON_UNSUPPORTED, "a member of a zip64 archive");
	else if (size > sc->engine->limits.max_extract_size)
		verdict_partial(
		    sc->v, REASON_LIMIT_SIZE, "a member is larger than max_extract_size");
	return CL_CLEAN;
}

static cl_error_t
on_layer_done(int fd, int result, const char *name, void *context)
{
	struct scan *sc = context;

	(void)fd;
	int level = trail_leave(sc->trail, result);
	if (level < 0)
		return CL_CLEAN;
	if (sc->memo)
		memo_leave(sc->memo, (uint32_t)level, result == 0);
	layers_leave(&sc->layers, (uint32_t)level, name, &sc->content);
	return CL_CLEAN;
}

/* Something was found and looked up among the files that are allowed. If it is one, all around it is
 * called clean. */
static void
on_hash(int fd, unsigned long long size, const unsigned char *md5, const char *name, void *context)
{
	struct scan *sc = context;

	(void)fd, (void)size, (void)md5, (void)name;
	trail_doubt(sc->trail);
	if (sc->memo)
		memo_doubt(sc->memo);
}

static void
on_complaint(void *arg, const char *text)
{
	struct scan *sc = arg;
	AUTO(verdict_clear) struct verdict one = { 0 };

	sc->complained = true;
	if (sc->memo)
		memo_doubt(sc->memo);
	complaint_judge(&one, text, sc->decomposed);
	if (one.failed != REASON_NONE)
		verdict_fail(sc->v, one.failed, "%s", one.failed_why);
	if (one.partial != REASON_NONE)
		verdict_partial(&sc->content, one.partial, "%s", one.partial_why);
}

void
engine_set_callbacks(struct cl_engine *e)
{
	cl_engine_set_clcb_virus_found(e, on_virus);
	cl_engine_set_clcb_file_inspection(e, on_layer);
	cl_engine_set_clcb_post_scan(e, on_layer_done);
	cl_engine_set_clcb_meta(e, on_member);
	cl_engine_set_clcb_hash(e, on_hash);
}

/* The answer itself, after the callbacks have had their say. */
static void
judge_answer(struct scan *sc, cl_error_t rc, const char *name)
{
	/* A limit that is reached at once keeps libclamav from looking at all; then it has said so.
	 */
	bool told = sc->v->states != 0 || sc->content.states != 0 || verdict_top(sc->v) != NULL;
	bool unseen = sc->layers.seen == 0 && sc->len > LAYERS_TOO_SMALL && !told;

	if (rc != CL_CLEAN && rc != CL_VIRUS)
		verdict_fail(sc->v, REASON_ENGINE_ERROR, "libclamav: %s", cl_strerror(rc));
	else if (unseen)
		verdict_fail(sc->v, REASON_ENGINE_ERROR, "libclamav did not look at the object");
	else if (rc == CL_VIRUS && !told && !name)
		verdict_fail(
		    sc->v, REASON_ENGINE_ERROR, "libclamav found something and did not say what");
	else
		verdict_complete(sc->v);
	if (rc == CL_VIRUS && name && !verdict_top(sc->v))
		judge_name(sc, name);
}

/* A file that our disk cut short looks like a corrupt archive, and a member that could not be
 * written like one that cannot be unpacked. That must not become a refusal for good: a scan that
 * failed says nothing about the content, the next try will. */
static void
blame_content(struct scan *sc)
{
	if (sc->v->failed == REASON_NONE && sc->content.partial != REASON_NONE)
		verdict_partial(sc->v, sc->content.partial, "%s", sc->content.partial_why);
	verdict_clear(&sc->content);
}

static struct memo *
memo_of(struct clamav *c)
{
	if (!c->memo && c->limits.flags & PROTO_LAYER_CACHE)
		c->memo = memo_new();
	return c->memo;
}

/* The layers of this scan are clean for later mails, if nothing at all speaks against it. (That
 * exceeded limits always alert, engine.c sees to.) */
static void
end_memo(const struct scan *sc, cl_error_t rc)
{
	if (sc->memo)
		memo_end(sc->memo,
		    rc == CL_CLEAN && verdict_is_clean(sc->v) && !sc->complained &&
			trail_sound(sc->trail));
}

void
clamav_scan(struct clamav *c, const void *data, size_t len, bool decomposed, uint64_t cpu_start_us,
    struct trail *trail, struct verdict *v)
{
	AUTO(trail_free) struct trail *own = trail ? NULL : trail_new(false, 0);
	struct scan sc = { .v = v,
		.engine = c,
		.decomposed = decomposed,
		.cpu_start_us = cpu_start_us,
		.len = len,
		.layers = { .archives_max = c->limits.max_extract_depth },
		.trail = trail ? trail : own,
		.memo = memo_of(c) };
	const char *name = NULL;
	unsigned long scanned = 0;

	/* Nothing to look at: every one of the no bytes has been examined. */
	if (len == 0) {
		verdict_complete(v);
		return;
	}
	cl_fmap_t *map = cl_fmap_open_memory(data, len);
	if (!map) {
		verdict_fail(v, REASON_ENGINE_ERROR, "libclamav: no memory for the object");
		return;
	}
	if (sc.memo)
		memo_begin(sc.memo);
	complaint_listen(on_complaint, &sc);
	struct cl_scan_options options = c->options;
	cl_error_t rc = cl_scanmap_callback(map, NULL, &name, &scanned, c->engine, &options, &sc);
	if (sc.costly && rc == CL_CLEAN) {
		sc.raw = true;
		options.parse &= ~(uint32_t)CL_SCAN_PARSE_MAIL;
		layers_end(&sc.layers, &sc.content);
		rc = cl_scanmap_callback(map, NULL, &name, &scanned, c->engine, &options, &sc);
	}
	layers_end(&sc.layers, &sc.content);
	judge_answer(&sc, rc, name);
	blame_content(&sc);
	complaint_listen(NULL, NULL);
	end_memo(&sc, rc);
	cl_fmap_close(map);
}

uint64_t
clamav_known(const struct clamav *c)
{
	return c->known;
}
