/*
 * daemon/socket, pidfile, privileges, folders: what a start does to the file system, and what it refuses
 */
#include "unit.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "daemon/folders.h"
#include "daemon/pidfile.h"
#include "daemon/privileges.h"
#include "daemon/socket.h"

static char *dir;

static int
setup(void **state)
{
	(void)state;
	dir = unit_mkdir();
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	unit_rmdir(dir);
	return 0;
}

static mode_t
mode_of(const char *path)
{
	struct stat st;

	assert_int_equal(lstat(path, &st), 0);
	return st.st_mode & 07777;
}

static void
mode_and_folder(void **state)
{
	g_autofree char *folder = g_build_filename(dir, "sub", NULL), *path = g_build_filename(folder, "s", NULL);
	GError *err = NULL;
	int fd = socket_open_unix(path, getuid(), (gid_t)-1, 0640, &err);

	(void)state;
	assert_true(fd >= 0);
	assert_int_equal(mode_of(path), 0640);
	assert_int_equal(mode_of(folder), 0750);
	/* A live one is refused, a dead one replaced. */
	assert_int_equal(socket_open_unix(path, getuid(), (gid_t)-1, 0600, &err), -1);
	assert_true(g_error_matches(err, SOCKET_ERROR, SOCKET_E_BUSY));
	assert_non_null(strstr(err->message, path));
	g_clear_error(&err);
	close(fd);
	fd = socket_open_unix(path, getuid(), (gid_t)-1, 0600, &err);
	assert_true(fd >= 0);
	assert_int_equal(mode_of(path), 0600);
	close(fd);
}

static void
other_things_are_left_alone(void **state)
{
	g_autofree char *path = g_build_filename(dir, "precious", NULL), *deep = g_build_filename(dir, "a/b/s", NULL);
	g_autofree char *text = NULL, *long_path = g_strnfill(200, 'x');
	GError *err = NULL;

	(void)state;
	assert_true(g_file_set_contents(path, "precious", -1, NULL));
	assert_int_equal(socket_open_unix(path, getuid(), (gid_t)-1, 0600, &err), -1);
	assert_non_null(strstr(err->message, "not a socket"));
	g_clear_error(&err);
	assert_true(g_file_get_contents(path, &text, NULL, NULL));
	assert_string_equal(text, "precious");
	assert_int_equal(socket_open_unix(deep, getuid(), (gid_t)-1, 0600, &err), -1);
	g_clear_error(&err);
	assert_int_equal(socket_open_unix(long_path, getuid(), (gid_t)-1, 0600, &err), -1);
	assert_non_null(strstr(err->message, "longer"));
	g_clear_error(&err);
}

static void
only_our_own_file_is_removed(void **state)
{
	g_autofree char *path = g_build_filename(dir, "s", NULL);
	struct socket_file file = { .path = NULL };
	struct stat st;

	(void)state;
	assert_true(g_file_set_contents(path, "", -1, NULL));
	assert_int_equal(lstat(path, &st), 0);
	file = (struct socket_file){ .path = g_strdup(path), .dev = st.st_dev, .ino = st.st_ino + 1 };
	socket_file_remove(&file);
	assert_null(file.path);
	assert_int_equal(access(path, F_OK), 0);
	file = (struct socket_file){ .path = g_strdup(path), .dev = st.st_dev, .ino = st.st_ino };
	socket_file_remove(&file);
	assert_int_equal(access(path, F_OK), -1);
	socket_file_remove(&file);
}

static void
groups(void **state)
{
	GError *err = NULL;
	gid_t gid = 0;
	const struct group *postfix = getgrnam("postfix"), *smmsp = getgrnam("smmsp");

	(void)state;
	assert_true(socket_group("", &gid, NULL));
	assert_int_equal(gid, (gid_t)-1);
	assert_true(socket_group("auto", &gid, NULL));
	postfix = getgrnam("postfix");
	if (postfix != NULL)
		assert_int_equal(gid, postfix->gr_gid);
	else if (smmsp == NULL)
		assert_int_equal(gid, (gid_t)-1);
	assert_false(socket_group("no-such-group", &gid, &err));
	assert_non_null(strstr(err->message, "no-such-group"));
	g_clear_error(&err);
}

static void
advice_names_both_spellings(void **state)
{
	g_autoptr(GPtrArray) notes = g_ptr_array_new_with_free_func(g_free), warnings = g_ptr_array_new_with_free_func(g_free);
	struct conf *c = conf_parse("socket = \"unix:/var/spool/postfix/avmilter/a.sock\"", "x", NULL);

	(void)state;
	socket_advice(c, notes, warnings);
	assert_int_equal(notes->len, 2);
	assert_non_null(strstr(g_ptr_array_index(notes, 0), "smtpd_milters = unix:avmilter/a.sock"));
	assert_non_null(strstr(g_ptr_array_index(notes, 1), "S=unix:/var/spool/postfix/avmilter/a.sock, F=T, T="));
	conf_unref(&c);
	g_ptr_array_set_size(notes, 0);
	c = conf_parse("socket = \"inet:8891@127.0.0.1\"", "x", NULL);
	socket_advice(c, notes, warnings);
	assert_non_null(strstr(g_ptr_array_index(notes, 0), "smtpd_milters = inet:127.0.0.1:8891"));
	assert_non_null(strstr(g_ptr_array_index(notes, 1), "S=inet:8891@127.0.0.1, F=T"));
	conf_unref(&c);
}

static void
pid_files(void **state)
{
	g_autofree char *path = g_build_filename(dir, "pid", NULL), *text = NULL;
	struct pidfile *p = pidfile_take(path, NULL), *none;
	GError *err = NULL;
	int fd;

	(void)state;
	assert_non_null(p);
	assert_true(g_file_get_contents(path, &text, NULL, NULL));
	assert_int_equal(g_ascii_strtoll(text, NULL, 10), getpid());
	none = pidfile_take(path, &err);	/* flock() holds between two descriptors of one process too */
	assert_null(none);
	assert_non_null(strstr(err->message, path));
	g_clear_error(&err);
	pidfile_drop(&p);
	assert_null(p);
	assert_int_equal(access(path, F_OK), -1);
	/* What a killed one left behind is taken over. */
	fd = open(path, O_CREAT | O_WRONLY, 0600);
	assert_int_equal(write(fd, "99999999\n", 9), 9);
	close(fd);
	p = pidfile_take(path, NULL);
	assert_non_null(p);
	pidfile_drop(&p);
	pidfile_drop(&p);
}

static void
identities(void **state)
{
	GError *err = NULL;
	struct identity *id = identity_find("nobody", NULL);

	(void)state;
	assert_non_null(id);
	assert_int_equal(id->uid, getpwnam("nobody")->pw_uid);
	identity_free(&id);
	assert_null(id);
	id = identity_find("nobody:root", NULL);
	assert_int_equal(id->gid, 0);
	identity_free(&id);
	assert_null(identity_find("no-such-user", &err));
	assert_non_null(strstr(err->message, "no-such-user"));
	g_clear_error(&err);
	assert_null(identity_find("nobody:no-such-group", &err));
	assert_non_null(strstr(err->message, "no-such-group"));
	g_clear_error(&err);
}

static void
what_a_user_may(void **state)
{
	g_autofree char *closed = g_build_filename(dir, "closed", NULL), *inner = g_build_filename(closed, "x/y", NULL);
	g_autofree char *blocked = NULL;
	struct identity *nobody = identity_find("nobody", NULL);

	(void)state;
	if (geteuid() != 0) {
		identity_free(&nobody);
		skip();		/* only root can become somebody else to ask */
	}
	assert_int_equal(mkdir(closed, 0700), 0);
	assert_int_equal(chmod(dir, 0755), 0);
	assert_int_equal(identity_access(nobody, dir, R_OK | X_OK), 0);
	assert_int_equal(identity_access(nobody, dir, W_OK), EACCES);
	assert_int_equal(identity_access(nobody, closed, R_OK), EACCES);
	assert_int_equal(identity_access(nobody, "/no/such", R_OK), ENOENT);
	blocked = identity_blocked_at(nobody, inner);
	assert_string_equal(blocked, closed);
	assert_null(identity_blocked_at(nobody, closed));
	assert_int_equal(geteuid(), 0);		/* asked by a child: we are who we were */
	identity_free(&nobody);
}

/* In a child: giving up root is for good. */
static void
dropped_for_good(void **state)
{
	int status = 0;
	pid_t pid;

	(void)state;
	if (geteuid() != 0)
		skip();		/* nothing to give up */
	pid = fork();
	if (pid == 0) {
		struct identity *nobody = identity_find("nobody", NULL);
		bool ok = nobody != NULL && privileges_drop(nobody, NULL) && geteuid() == nobody->uid && getgid() == nobody->gid &&
		    setuid(0) != 0 && setgroups(0, NULL) != 0 && access("/etc/shadow", R_OK) != 0;

		_exit(ok ? 0 : 1);
	}
	assert_true(pid > 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

static void
folders(void **state)
{
	g_autofree char *text = g_strdup_printf("antivirus { file_base = \"%s/spool\" scratch_base = \"%s/none/scratch\" }", dir, dir);
	struct conf *c = conf_parse(text, "x", NULL);
	struct identity *self = identity_find(getpwuid(geteuid())->pw_name, NULL);
	g_autoptr(GPtrArray) errors = g_ptr_array_new_with_free_func(g_free);
	g_autofree char *spool = g_build_filename(dir, "spool", NULL), *none = g_build_filename(dir, "none", NULL);
	GError *err = NULL;

	(void)state;
	folders_check(c, self, errors);
	assert_int_equal(errors->len, 1);
	assert_non_null(strstr(g_ptr_array_index(errors, 0), "scratch_base"));
	assert_int_equal(access(spool, F_OK), -1);	/* a check makes nothing */
	assert_false(folders_make(c, self, &err));
	assert_non_null(strstr(err->message, "scratch_base"));
	g_clear_error(&err);
	assert_int_equal(mode_of(spool), 0700);
	assert_int_equal(mkdir(none, 0700), 0);
	assert_true(folders_make(c, self, &err));
	g_ptr_array_set_size(errors, 0);
	folders_check(c, self, errors);
	assert_int_equal(errors->len, 0);
	identity_free(&self);
	conf_unref(&c);
}

#define T(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

static const struct CMUnitTest tests[] = {
	T(mode_and_folder), T(other_things_are_left_alone), T(only_our_own_file_is_removed), T(groups),
	T(advice_names_both_spellings), T(pid_files), T(identities), T(what_a_user_may), T(dropped_for_good), T(folders),
};

UNIT_RUN(tests)
