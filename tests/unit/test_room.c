/*
 * test_room - free memory in made-up trees of /proc and /sys: the tightest bound counts
 */
#include "worker/room.h"

#include <sys/stat.h>
#include <unistd.h>

#include "unit.h"

#define MIB (1024 * 1024ull)

struct tree {
	char *root;
};

static struct tree
tree_new(void)
{
	struct tree t = { .root = g_dir_make_tmp("room-XXXXXX", NULL) };

	assert_non_null(t.root);
	return t;
}

static void
tree_free(struct tree *t)
{
	assert_true(fsx_remove_tree(t->root, NULL));
	g_free(t->root);
}

static void
put(const struct tree *t, const char *path, const char *text)
{
	g_autofree char *full = g_strconcat(t->root, path, NULL), *dir = g_path_get_dirname(full);

	assert_int_equal(g_mkdir_with_parents(dir, 0700), 0);
	assert_true(g_file_set_contents(full, text, -1, NULL));
}

static void
expect(const struct tree *t, uint64_t mib, const char *by)
{
	char who[ROOM_TEXT_MAX] = "";
	uint64_t bytes;

	assert_true(room_available(t->root, &bytes, who));
	assert_int_equal(bytes, mib * MIB);
	assert_string_equal(who, by);
}

#define MEMINFO "MemTotal: 4194304 kB\nMemFree: 1 kB\nMemAvailable:    2097152 kB\nSwapFree: 9999999 kB\n"

static void
machine(void **state)
{
	struct tree t = tree_new();
	char who[ROOM_TEXT_MAX];
	uint64_t bytes;

	(void)state;
	assert_false(room_available(t.root, &bytes, who));
	put(&t, "/proc/meminfo", "nonsense\nMemAvailable: lots\n");
	assert_false(room_available(t.root, &bytes, who));
	put(&t, "/proc/meminfo", MEMINFO);
	expect(&t, 2048, "MemAvailable");
	put(&t, "/proc/self/cgroup", "0::/\n");
	expect(&t, 2048, "MemAvailable");
	tree_free(&t);
}

static void
groups_v2(void **state)
{
	struct tree t = tree_new();

	(void)state;
	put(&t, "/proc/meminfo", MEMINFO);
	put(&t, "/proc/self/cgroup", "0::/system.slice/avmilter.service\n");
	put(&t, "/sys/fs/cgroup/system.slice/avmilter.service/memory.max", "max\n");
	put(&t, "/sys/fs/cgroup/system.slice/avmilter.service/memory.current", "524288000\n");
	expect(&t, 2048, "MemAvailable");
	put(&t, "/sys/fs/cgroup/system.slice/avmilter.service/memory.max", "1048576000\n");
	expect(&t, 500, "/sys/fs/cgroup/system.slice/avmilter.service");
	/* Page cache can be had. */
	put(&t, "/sys/fs/cgroup/system.slice/avmilter.service/memory.stat",
	    "anon 1\ninactive_anon 7\ninactive_file 104857600\nfile 9\n");
	expect(&t, 600, "/sys/fs/cgroup/system.slice/avmilter.service");
	put(&t, "/sys/fs/cgroup/system.slice/avmilter.service/memory.high", "734003200\n");
	expect(&t, 300, "/sys/fs/cgroup/system.slice/avmilter.service");
	/* One above is tighter. */
	put(&t, "/sys/fs/cgroup/system.slice/memory.max", "1048576000\n");
	put(&t, "/sys/fs/cgroup/system.slice/memory.current", "1153433600\n");
	expect(&t, 0, "/sys/fs/cgroup/system.slice");
	tree_free(&t);
}

static void
groups_v1(void **state)
{
	struct tree t = tree_new();

	(void)state;
	put(&t, "/proc/meminfo", MEMINFO);
	put(&t, "/proc/self/cgroup", "9:cpu,cpuacct:/a\n4:memory:/a/b\n0::/\n");
	put(&t, "/sys/fs/cgroup/memory/a/b/memory.limit_in_bytes", "9223372036854771712\n");
	put(&t, "/sys/fs/cgroup/memory/a/b/memory.usage_in_bytes", "1048576\n");
	expect(&t, 2048, "MemAvailable");
	put(&t, "/sys/fs/cgroup/memory/a/memory.limit_in_bytes", "209715200\n");
	put(&t, "/sys/fs/cgroup/memory/a/memory.usage_in_bytes", "157286400\n");
	put(&t, "/sys/fs/cgroup/memory/a/memory.stat", "inactive_file 1\ntotal_inactive_file 52428800\n");
	expect(&t, 100, "/sys/fs/cgroup/memory/a");
	/* Names of another place are not followed. */
	put(&t, "/proc/self/cgroup", "4:memory:/../a/b\n");
	expect(&t, 2048, "MemAvailable");
	tree_free(&t);
}

static void
held(void **state)
{
	struct tree t = tree_new();
	uint64_t bytes;

	(void)state;
	assert_false(room_held(t.root, 7, &bytes));
	put(&t, "/proc/7/status", "Name:\tx\nVmRSS:\t 600 kB\nRssAnon:\t     512 kB\nRssFile:\t 88 kB\n");
	assert_true(room_held(t.root, 7, &bytes));
	assert_int_equal(bytes, 512 * 1024);
	assert_true(room_held("", getpid(), &bytes));
	assert_true(bytes > 0);
	tree_free(&t);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(machine),
		cmocka_unit_test(groups_v2),
		cmocka_unit_test(groups_v1),
		cmocka_unit_test(held),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
