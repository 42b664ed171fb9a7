/*
 * fsx: complete or reported; a tree of any depth goes, what a link points to stays
 */
#include "base/fsx.h"

#include "unit.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/auto.h"

static void
unnamed(void **state)
{
	char *dir = unit_mkdir();
	AUTO(fd_close) int fd = fsx_unnamed(dir, NULL);
	char buf[8] = "";
	struct stat st;
	g_autoptr(GError) err = NULL;
	g_autoptr(GDir) listing = NULL;

	(void)state;
	assert_true(fd >= 0);
	assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
	assert_int_equal(fstat(fd, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	assert_int_equal(st.st_nlink, 0);
	assert_true(fsx_pwrite_all(fd, "hello", 5, 3, NULL));
	assert_true(fsx_pread_all(fd, buf, 5, 3, NULL));
	assert_string_equal(buf, "hello");
	assert_false(fsx_pread_all(fd, buf, 6, 3, &err));
	assert_non_null(strstr(err->message, "read beyond the end"));
	listing = g_dir_open(dir, 0, NULL);
	assert_null(g_dir_read_name(listing));
	unit_rmdir(dir);
}

static void
unnamed_fails_with_place(void **state)
{
	g_autoptr(GError) err = NULL;

	(void)state;
	assert_int_equal(fsx_unnamed("/nonexistent/dir", &err), -1);
	assert_true(g_error_matches(err, G_FILE_ERROR, G_FILE_ERROR_NOENT));
	assert_non_null(strstr(err->message, "/nonexistent/dir: make a file: No such file"));
}

static void
write_reports_full_disk(void **state)
{
	AUTO(fd_close) int fd = open("/dev/full", O_RDWR | O_CLOEXEC);
	g_autoptr(GError) err = NULL;

	(void)state;
	assert_true(fd >= 0);
	assert_false(fsx_pwrite_all(fd, "x", 1, 0, &err));
	assert_true(g_error_matches(err, G_FILE_ERROR, G_FILE_ERROR_NOSPC));
	assert_string_equal(err->message, "/dev/full: write: No space left on device");
}

static void
folder(void **state)
{
	char *dir = unit_mkdir();
	g_autofree char *sub = g_strconcat(dir, "/a", NULL), *deep = g_strconcat(dir, "/x/y", NULL);
	g_autofree char *file = g_strconcat(dir, "/file", NULL);
	struct stat st;
	g_autoptr(GError) err = NULL;
	mode_t old = umask(077);

	(void)state;
	assert_true(fsx_folder(sub, 0750, NULL));
	umask(old);
	assert_int_equal(stat(sub, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0750);
	assert_int_equal(chmod(sub, 0711), 0);
	assert_true(fsx_folder(sub, 0750, NULL));
	assert_int_equal(stat(sub, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0711);
	assert_false(fsx_folder(deep, 0700, &err));
	g_clear_error(&err);
	assert_true(g_file_set_contents(file, "", 0, NULL));
	assert_false(fsx_folder(file, 0700, &err));
	assert_true(g_error_matches(err, G_FILE_ERROR, G_FILE_ERROR_NOTDIR));
	unit_rmdir(dir);
}

static void
tree(void **state)
{
	char *outside = unit_mkdir(), *dir = unit_mkdir();
	g_autofree char *keep = g_strconcat(outside, "/keep", NULL),
			*link = g_strconcat(dir, "/link", NULL);
	g_autofree char *closed = g_strconcat(dir, "/closed", NULL),
			*inner = g_strconcat(closed, "/sub", NULL);
	g_autofree char *file = g_strconcat(inner, "/f", NULL);

	(void)state;
	assert_true(g_file_set_contents(keep, "x", 1, NULL));
	assert_int_equal(symlink(outside, link), 0);
	assert_int_equal(g_mkdir_with_parents(inner, 0700), 0);
	assert_true(g_file_set_contents(file, "x", 1, NULL));
	assert_int_equal(chmod(inner, 0), 0);
	assert_int_equal(chmod(closed, 0), 0);
	assert_true(fsx_remove_tree(dir, NULL));
	assert_int_not_equal(access(dir, F_OK), 0);
	assert_int_equal(access(keep, F_OK), 0);
	assert_true(fsx_remove_tree(dir, NULL));
	g_free(dir);
	unit_rmdir(outside);
}

/* Deeper than there are descriptors, longer than PATH_MAX. */
static void
deep_tree(void **state)
{
	char *dir = unit_mkdir();
	int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC), next;

	(void)state;
	for (int i = 0; i < 2500; i++) {
		assert_int_equal(mkdirat(fd, "deeper", 0700), 0);
		next = openat(fd, "deeper", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		assert_true(next >= 0);
		close(fd);
		fd = next;
		if (i % 100 == 0) {
			int f = openat(fd, ".removing.7", O_CREAT | O_WRONLY | O_CLOEXEC, 0600);

			assert_true(f >= 0);
			close(f);
		}
	}
	close(fd);
	assert_true(fsx_remove_tree(dir, NULL));
	assert_int_not_equal(access(dir, F_OK), 0);
	g_free(dir);
}

static void
tree_refuses_a_link(void **state)
{
	char *dir = unit_mkdir();
	g_autofree char *real = g_strconcat(dir, "/real", NULL),
			*link = g_strconcat(dir, "/link", NULL);
	g_autoptr(GError) err = NULL;

	(void)state;
	assert_int_equal(mkdir(real, 0700), 0);
	assert_int_equal(symlink(real, link), 0);
	assert_false(fsx_remove_tree(link, &err));
	assert_non_null(err);
	assert_int_equal(access(real, F_OK), 0);
	unit_rmdir(dir);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(unnamed),
    cmocka_unit_test(unnamed_fails_with_place),
    cmocka_unit_test(write_reports_full_disk),
    cmocka_unit_test(folder),
    cmocka_unit_test(tree),
    cmocka_unit_test(deep_tree),
    cmocka_unit_test(tree_refuses_a_link),
};

UNIT_RUN(tests)
