/*
 * fuzz_answer - whatever a worker says, what is accepted lies inside its bounds
 *
 * Input: packets, each a byte for its kind, two for its length, and its body.
 */
#include "worker/answer.h"

#include <string.h>

#include "message/object.h"

#define HEAD 3
#define COVERABLE 4	/* objects of a message, itself included */

int	 LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check_list(const struct answer_list *l)
{
	uint64_t total = 0, in_arena = 0;

	for (guint i = 0; i < l->pieces->len; i++) {
		const struct piece *p = g_ptr_array_index(l->pieces, i);
		uint64_t store = p->o.store == STORE_ARENA ? l->bounds.arena_size : l->bounds.spool_size;
		size_t text = strlen(p->path) + strlen(p->type);

		g_assert(p->o.id == i && p->o.offset <= store && p->o.size <= store - p->o.offset);
		for (uint32_t k = 0; k < p->o.name_count; k++)
			text += strlen(p->names[k]);
		g_assert(p->names[p->o.name_count] == NULL && text <= PROTO_MAX);
		total += i > 0 ? p->o.size : 0;
		in_arena += p->o.store == STORE_ARENA ? p->o.size : 0;
	}
	g_assert(total <= l->bounds.total_max && in_arena <= l->bounds.arena_size);
	g_assert(l->pieces->len <= l->bounds.count_max + 1);
}

static void
take(struct answer_list *l, struct answer_cover *c, const struct packet *p, unsigned kind)
{
	const char *why = NULL, *name = NULL, *inner = NULL, *text = NULL;
	enum finding_kind finding = FINDING_NONE;
	struct verdict v = { 0 };
	struct proto_done done;

	if (kind % 4 == 3)
		g_assert(answer_covered(c, p, &why) || why);
	else if (kind % 4 == 0)
		g_assert(answer_object(l, p, &why) || why);
	else if (kind % 4 == 1 && answer_finding(p, &finding, &name, &inner, &why))
		verdict_find(&v, finding, name, inner, "fuzz");
	else if (kind % 4 == 2 && answer_done(p, &done, &text, &why))
		answer_apply(&done, text, &v);
	/* Clean only by a DONE that says COMPLETE and gives no reason. */
	g_assert(!verdict_is_clean(&v) || (kind % 4 == 2 && done.state == SCAN_COMPLETE && !done.partial && !done.failed));
	verdict_clear(&v);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct answer_bounds b = { .spool_size = 1000, .arena_size = 4096, .object_max = 2000, .total_max = 5000,
		.count_max = 20 };
	struct answer_list l;
	struct answer_cover c;

	answer_list_init(&l, &b);
	answer_cover_init(&c, COVERABLE);
	while (size >= HEAD) {
		size_t len = MIN((size_t)(data[1] | data[2] << 8), size - HEAD);
		/* A block of its own, so that reading behind the packet is seen. */
		uint8_t *body = g_memdup2(data + HEAD, len);
		struct packet p = { .body = body, .len = len };

		take(&l, &c, &p, data[0]);
		g_free(body);
		data += HEAD + len;
		size -= HEAD + len;
	}
	check_list(&l);
	g_assert(c.ids[0] == 0 && c.last < COVERABLE);
	answer_cover_clear(&c);
	answer_list_clear(&l);
	return 0;
}
