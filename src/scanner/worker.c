#include "scanner/worker.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

#include "base/auto.h"
#include "scanner/channel.h"
#include "scanner/clamav.h"
#include "scanner/cputime.h"
#include "scanner/decompose.h"
#include "scanner/prepare.h"

#define PATIENCE_LEAST   60
#define COVERED_A_PACKET 1024 /* ids; below PROTO_MAX */

/* A file mapped from a descriptor that the front sent. */
struct map {
	void *base; /* NULL: not mapped */
	size_t size;
};

struct slot {
	enum object_store store;
	bool body; /* text that is no file: see text_max() */
	uint64_t offset, size;
	struct proto_place place;
};

/* A worker and the message that it holds. */
struct worker {
	const struct worker_setup *setup;
	struct map message, arena;
	uint64_t arena_size; /* promised by DECOMPOSE */
	bool holding, decomposed, placed;
	GArray *objects; /* of struct slot */
	uint32_t seq;    /* of the request at hand */
	uint64_t cpu_start_us, known_before;
};

/* Either end of the dialogue is broken: nothing sensible can be said any more, and the front sees
 * our death. */
static void
give_up(int code)
{
	_exit(code);
}

static void
unmap(struct map *m)
{
	if (m->base && m->size > 0)
		munmap(m->base, m->size);
	m->base = NULL;
	m->size = 0;
}

/* Map all of a descriptor that must be exactly size bytes long. An empty file maps to no bytes. */
static bool
map_fd(struct map *m, int fd, uint64_t size, int prot)
{
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0 || (uint64_t)st.st_size != size || size > SIZE_MAX)
		return false;
	m->size = size;
	if (size == 0) {
		m->base = m; /* not NULL; nobody reads no bytes */
		return true;
	}
	/* Older kernels refuse a shared mapping of a sealed memfd even for reading. */
	m->base = mmap(NULL, size, prot, prot & PROT_WRITE ? MAP_SHARED : MAP_PRIVATE, fd, 0);
	if (m->base != MAP_FAILED)
		return true;
	m->base = NULL;
	return false;
}

static void
forget(struct worker *w)
{
	unmap(&w->message);
	unmap(&w->arena);
	g_array_set_size(w->objects, 0);
	w->holding = false;
}

static uint64_t
known(const struct worker *w)
{
	return w->setup->engine ? clamav_known(w->setup->engine) : 0;
}

static void
send_finding(struct worker *w, const struct finding *f)
{
	struct proto_finding head = { .kind = f->kind };
	const char *where = f->object ? f->object : "";
	struct iovec parts[] = { { &head, sizeof head }, { f->name, strlen(f->name) + 1 },
		{ (void *)(uintptr_t)where, strlen(where) + 1 } };

	if (!channel_send(
		w->setup->sock, PROTO_FINDING, w->seq, parts, G_N_ELEMENTS(parts), NULL, 0))
		give_up(EX_UNAVAILABLE);
}

/* The answer to a request: what was found, then how far it got. */
static void
send_verdict(struct worker *w, const struct verdict *v)
{
	const char *why = v->failed_why ? v->failed_why : v->partial_why ? v->partial_why : "";
	struct proto_done done = { .state = verdict_state(v),
		.partial = v->partial,
		.failed = v->failed,
		.known = (uint32_t)(known(w) - w->known_before),
		.cpu_us = cpu_now_us() - w->cpu_start_us };
	char nul = '\0';
	struct iovec parts[] = { { &done, sizeof done },
		{ (void *)(uintptr_t)why, strnlen(why, PROTO_TEXT_MAX - 1) }, { &nul, 1 } };

	for (unsigned i = 0; v->findings && i < v->findings->len; i++)
		send_finding(w, v->findings->pdata[i]);
	if (!channel_send(w->setup->sock, PROTO_DONE, w->seq, parts, G_N_ELEMENTS(parts), NULL, 0))
		give_up(EX_UNAVAILABLE);
}

/* Text to be read in the mail. What has a name is a file, of which a signature may be the hash: with
 * other line ends it would not be found. */
static bool
is_body(const struct part *p)
{
	return p->kind == OBJECT_PART && !p->names[0] &&
	    (p->type[0] == '\0' || g_str_has_prefix(p->type, "text/"));
}

static void
send_hints(struct worker *w, const struct proto_hints *hints)
{
	struct iovec part = { (void *)(uintptr_t)hints, sizeof *hints };

	if (!channel_send(w->setup->sock, PROTO_HINTS, w->seq, &part, 1, NULL, 0))
		give_up(EX_UNAVAILABLE);
}

static bool
on_part(void *arg, const struct part *p)
{
	struct worker *w = arg;
	struct slot slot = { p->store, is_body(p), p->offset, p->size, *p->place };
	struct proto_object head = { .id = p->id,
		.kind = p->kind,
		.store = p->store,
		.offset = p->offset,
		.size = p->size,
		.name_count = g_strv_length(p->names) };
	g_autoptr(GString) strings = g_string_new(NULL);

	g_string_append_len(strings, p->path, (gssize)strlen(p->path) + 1);
	g_string_append_len(strings, p->type, (gssize)strlen(p->type) + 1);
	for (char **n = p->names; *n; n++)
		g_string_append_len(strings, *n, (gssize)strlen(*n) + 1);
	g_array_append_val(w->objects, slot);
	struct iovec parts[] = { { &head, sizeof head }, { strings->str, strings->len } };
	if (!channel_send(
		w->setup->sock, PROTO_OBJECT, w->seq, parts, G_N_ELEMENTS(parts), NULL, 0))
		give_up(EX_UNAVAILABLE);
	return true;
}

static void
do_decompose(struct worker *w, struct packet *p)
{
	const struct proto_decompose *ask = packet_body(p, sizeof *ask);
	AUTO(fd_close) int message = packet_take_fd(p);
	AUTO(fd_close) int arena = packet_take_fd(p);
	AUTO(verdict_clear) struct verdict v = { 0 };
	struct proto_hints hints = { 0 };
	struct map out = { 0 };

	if (!ask || message < 0 || arena < 0)
		give_up(EX_PROTOCOL);
	forget(w);
	w->arena_size = ask->arena_size;
	w->decomposed = ask->mime != 0;
	w->placed = w->decomposed && ask->places != 0;
	if (map_fd(&w->message, message, ask->size, PROT_READ) &&
	    map_fd(&out, arena, ask->arena_size, PROT_READ | PROT_WRITE)) {
		struct decompose job = { .message = w->message.base,
			.size = w->message.size,
			.arena = out.base,
			.arena_size = out.size,
			.mime = w->decomposed,
			.places = w->placed,
			.limits = w->setup->settings,
			.cpu_start_us = w->cpu_start_us,
			.hints = &hints.codes,
			.listener = on_part,
			.arg = w };
		w->holding = true;
		decompose(&job, &v);
	} else {
		verdict_fail(
		    &v, REASON_ENGINE_ERROR, "the message cannot be mapped: %s", g_strerror(errno));
	}
	/* The front adds the last seal only when nobody can write there any more. */
	unmap(&out);
	fd_close(&arena);
	if (hints.codes != 0)
		send_hints(w, &hints);
	send_verdict(w, &v);
}

/* The bytes of an object; NULL when the request breaks the rules. */
static const void *
object_bytes(const struct worker *w, uint32_t id, size_t *len)
{
	if (!w->holding || id >= w->objects->len)
		return NULL;
	const struct slot *s = &g_array_index(w->objects, struct slot, id);
	const struct map *m = s->store == STORE_ARENA ? &w->arena : &w->message;
	if (!m->base || s->offset > m->size || s->size > m->size - s->offset)
		return NULL;
	*len = s->size;
	return (const char *)m->base + s->offset;
}

/* The largest part that may be found among the layers by its lines. */
static size_t
text_max(const struct worker *w)
{
	uint64_t max = 0;

	for (guint i = 0; i < w->objects->len; i++) {
		const struct slot *s = &g_array_index(w->objects, struct slot, i);

		if (s->body)
			max = MAX(max, s->size);
	}
	return max;
}

/* Tell which parts the scan of the whole message has examined, if it was clean and can be believed. */
static void
send_covered(struct worker *w, const struct trail *t, const struct verdict *v)
{
	uint32_t ids[COVERED_A_PACKET];
	struct iovec part = { ids, 0 };
	guint n = 0;

	for (guint i = 1; verdict_is_clean(v) && trail_sound(t) && i < w->objects->len; i++) {
		size_t len;
		const void *bytes = object_bytes(w, i, &len);
		bool body = g_array_index(w->objects, struct slot, i).body;

		if (bytes && trail_has(t, bytes, len, body))
			ids[n++] = i;
		if (n == 0 || (n < G_N_ELEMENTS(ids) && i + 1 < w->objects->len))
			continue;
		part.iov_len = n * sizeof ids[0];
		if (!channel_send(w->setup->sock, PROTO_COVERED, w->seq, &part, 1, NULL, 0))
			give_up(EX_UNAVAILABLE);
		n = 0;
	}
}

/* The message in lines that end in LF; *len gets shorter. The caller frees. NULL: as it is. */
static char *
in_lf(const struct worker *w, uint32_t id, const char *bytes, size_t *len)
{
	char *copy, *to;

	if (id != 0 || !(w->setup->settings->flags & PROTO_LF))
		return NULL;
	to = copy = g_malloc(*len + 1);
	for (const char *p = bytes, *end = bytes + *len; p < end; p++)
		if (*p != '\r' || p + 1 == end || p[1] != '\n')
			*to++ = *p;
	*len = (size_t)(to - copy);
	return copy;
}

static void
do_scan(struct worker *w, struct packet *p)
{
	const struct proto_scan *ask = packet_body(p, sizeof *ask);
	AUTO(fd_close) int arena = packet_take_fd(p);
	AUTO(verdict_clear) struct verdict v = { 0 };
	AUTO(trail_free) struct trail *trail = NULL;
	size_t len = 0;

	if (!ask || (arena >= 0 && w->arena.base))
		give_up(EX_PROTOCOL);
	if (arena >= 0 && !map_fd(&w->arena, arena, w->arena_size, PROT_READ)) {
		verdict_fail(&v, REASON_ENGINE_ERROR, "the decoded objects cannot be mapped: %s",
		    g_strerror(errno));
	} else if (!w->setup->engine) {
		verdict_fail(&v, REASON_REFUSED, "this scanner was started without an engine");
	} else {
		const void *bytes = object_bytes(w, ask->object, &len);
		if (!bytes)
			give_up(EX_PROTOCOL);
		if (ask->object == 0 && ask->flags & PROTO_SCAN_COVER)
			trail = trail_new(true, text_max(w));
		g_autofree char *lf = in_lf(w, ask->object, bytes, &len);

		clamav_scan(w->setup->engine, lf ? lf : bytes, len, w->decomposed, w->cpu_start_us,
		    trail, &v);
	}
	if (trail)
		send_covered(w, trail, &v);
	send_verdict(w, &v);
}

static void
do_place(struct worker *w, struct packet *p)
{
	const struct proto_place_of *ask = packet_body(p, sizeof *ask);
	AUTO(verdict_clear) struct verdict v = { 0 };

	if (!ask || !w->holding || !w->placed || ask->object >= w->objects->len)
		give_up(EX_PROTOCOL);
	struct iovec part = { &g_array_index(w->objects, struct slot, ask->object).place,
		sizeof(struct proto_place) };
	if (!channel_send(w->setup->sock, PROTO_PLACED, w->seq, &part, 1, NULL, 0))
		give_up(EX_UNAVAILABLE);
	verdict_complete(&v);
	send_verdict(w, &v);
}

static void
do_selftest(struct worker *w, struct packet *p)
{
	AUTO(verdict_clear) struct verdict v = { 0 };

	if (!packet_body(p, 0))
		give_up(EX_PROTOCOL);
	selftest_run(w->setup->selftest, w->setup->engine, &v);
	send_verdict(w, &v);
}

/* Seconds after which a request is given up without the front, which has its own, shorter deadline.
 */
static unsigned
patience(const struct worker *w)
{
	return (unsigned)(2 * w->setup->settings->max_extract_time_ms / 1000) + PATIENCE_LEAST;
}

static void
do_request(struct worker *w, struct packet *p)
{
	w->seq = p->head.seq;
	w->cpu_start_us = cpu_now_us();
	w->known_before = known(w);
	alarm(patience(w));
	switch (p->head.op) {
	case PROTO_DECOMPOSE:
		do_decompose(w, p);
		break;
	case PROTO_SCAN:
		do_scan(w, p);
		break;
	case PROTO_PLACE:
		do_place(w, p);
		break;
	case PROTO_RELEASE:
		forget(w);
		break;
	case PROTO_SELFTEST:
		do_selftest(w, p);
		break;
	default:
		give_up(EX_PROTOCOL);
	}
	alarm(0);
}

void
worker_run(const struct worker_setup *setup)
{
	struct worker w = { .setup = setup,
		.objects = g_array_new(FALSE, FALSE, sizeof(struct slot)) };
	g_autoptr(GError) err = NULL;

	if (!prepare_worker(setup, &err)) {
		g_autofree char *text =
		    g_strdup_printf("worker %u: %s", setup->number, err->message);
		channel_log(setup->zygote, text);
		give_up(EX_OSERR);
	}
	struct packet *p = g_new0(struct packet, 1);
	for (;;) {
		switch (channel_recv(setup->sock, p)) {
		case CHANNEL_PACKET:
			do_request(&w, p);
			packet_close(p);
			break;
		case CHANNEL_CLOSED:
			give_up(EX_OK);
			break;
		case CHANNEL_BROKEN:
			give_up(EX_PROTOCOL);
		}
	}
}
