/*
 * object: slices stay inside their store, hashes are ours, labels
 */
#include "message/object.h"

#include "unit.h"

#include <sys/mman.h>
#include <unistd.h>

struct world {
	struct spool_budget *budget;
	struct spool *spool;
	struct objects *set;
};

static struct world
world(const char *text, const char *arena_text)
{
	struct spool_limits lim = {
	    .memory_max = 1 << 20, .total_max = 1 << 26, .file_base = "/nonexistent"};
	struct world w = {.budget = spool_budget_new()};
	int arena = -1;

	w.spool = spool_new(w.budget, &lim);
	assert_true(spool_append(w.spool, text, strlen(text), NULL));
	assert_true(spool_seal(w.spool, NULL));
	if (arena_text) {
		arena = memfd_create("arena", MFD_CLOEXEC);
		assert_true(fsx_pwrite_all(arena, arena_text, strlen(arena_text), 0, NULL));
	}
	w.set = objects_new(w.spool, arena, arena_text ? strlen(arena_text) : 0);
	return w;
}

static void
end(struct world *w)
{
	objects_free(&w->set);
	assert_null(w->set);
	objects_free(&w->set);
	spool_free(&w->spool);
	spool_budget_free(&w->budget);
}

static void
assert_hash(const struct object *o, const char *bytes)
{
	uint8_t sha[DIGEST_LEN];

	digest_of(bytes, strlen(bytes), sha);
	assert_memory_equal(o->sha256, sha, DIGEST_LEN);
}

static void
slices(void **state)
{
	struct world w = world("0123456789", "arena bytes");
	char name1[] = "a.zip", name2[] = "b";
	char *both[] = {name1, name2, NULL};
	struct object *whole, *part, *in_arena, *nothing;
	char buf[6] = "";

	(void)state;
	whole = objects_add(w.set, OBJECT_MESSAGE, STORE_SPOOL, 0, 10, "", NULL, NULL, NULL);
	part = objects_add(w.set, OBJECT_PART, STORE_SPOOL, 3, 4, "1", "text/plain", both, NULL);
	in_arena = objects_add(w.set, OBJECT_PART, STORE_ARENA, 6, 5, "2.1", NULL, NULL, NULL);
	nothing = objects_add(w.set, OBJECT_PART, STORE_SPOOL, 10, 0, "3", NULL, NULL, NULL);
	assert_hash(whole, "0123456789");
	assert_hash(part, "3456");
	assert_hash(in_arena, "bytes");
	assert_hash(nothing, "");
	assert_int_equal(nothing->id, 3);
	name1[0] = 'X';
	assert_string_equal(part->names[0], "a.zip");
	assert_string_equal(part->names[1], "b");
	assert_null(part->names[2]);
	assert_null(whole->names[0]);
	assert_true(objects_read(w.set, in_arena, 1, buf, 4, NULL));
	assert_string_equal(buf, "ytes");
	assert_true(objects_read(w.set, part, 0, buf, 4, NULL));
	assert_memory_equal(buf, "3456", 4);
	assert_false(objects_read(w.set, part, 0, buf, 5, NULL));
	assert_false(objects_read(w.set, part, 5, buf, 0, NULL));
	assert_false(objects_read(w.set, part, UINT64_MAX, buf, 2, NULL));
	end(&w);
}

static void
outside(void **state)
{
	static const struct {
		int store;
		uint64_t offset, size;
	} rows[] = {
	    {STORE_SPOOL, 0, 11},
	    {STORE_SPOOL, 11, 0},
	    {STORE_SPOOL, 10, 1},
	    {STORE_SPOOL, UINT64_MAX, 2},
	    {STORE_SPOOL, 2, UINT64_MAX},
	    {STORE_ARENA, 0, 1},
	    {2, 0, 0},
	    {-1, 0, 0},
	};
	struct world w = world("0123456789", NULL);

	(void)state;
	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		g_autoptr(GError) err = NULL;

		assert_null(objects_add(w.set, OBJECT_PART, (enum object_store)rows[i].store,
		                        rows[i].offset, rows[i].size, "1", NULL, NULL, &err));
		assert_true(g_error_matches(err, SPOOL_ERROR, SPOOL_E_IO));
	}
	assert_int_equal(w.set->list->len, 0);
	end(&w);
}

/* An arena that is shorter than it was said to be: an error, not a signal. */
static void
shrunken_arena(void **state)
{
	struct world w = world("x", "0123456789");
	g_autoptr(GError) err = NULL;

	(void)state;
	assert_int_equal(ftruncate(w.set->arena, 4), 0);
	assert_null(objects_add(w.set, OBJECT_PART, STORE_ARENA, 0, 10, "1", NULL, NULL, &err));
	assert_non_null(strstr(err->message, "read beyond the end"));
	end(&w);
}

static void
large_hash(void **state)
{
	g_autofree char *text = g_strnfill(300000, 'q');
	struct world w = world(text, NULL);
	struct object *o =
	    objects_add(w.set, OBJECT_PART, STORE_SPOOL, 1, 200000, "1", NULL, NULL, NULL);

	(void)state;
	text[200000] = '\0';
	assert_hash(o, text);
	end(&w);
}

static void
labels(void **state)
{
	struct world w = world("x", NULL);
	char n[] = "invoice.doc";
	char *names[] = {n, NULL};
	static const char *const want[] = {"message", "part 2.1", "invoice.doc"};

	(void)state;
	assert_non_null(
	    objects_add(w.set, OBJECT_MESSAGE, STORE_SPOOL, 0, 1, "", NULL, NULL, NULL));
	assert_non_null(
	    objects_add(w.set, OBJECT_PART, STORE_SPOOL, 0, 1, "2.1", NULL, NULL, NULL));
	assert_non_null(
	    objects_add(w.set, OBJECT_PART, STORE_SPOOL, 0, 1, "2.2", NULL, names, NULL));
	for (guint i = 0; i < 3; i++) {
		g_autofree char *label = object_label(g_ptr_array_index(w.set->list, i));

		assert_string_equal(label, want[i]);
	}
	end(&w);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(slices),     cmocka_unit_test(outside), cmocka_unit_test(shrunken_arena),
    cmocka_unit_test(large_hash), cmocka_unit_test(labels),
};

UNIT_RUN(tests)
