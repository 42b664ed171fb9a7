/* privileges - see privileges.h */
#include "daemon/privileges.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/auto.h"
#include "base/fsx.h"

#define GROUPS_MAX 256

static bool
find_group(const char *name, gid_t *gid, GError **err)
{
	const struct group *gr = getgrnam(name);

	if (gr == NULL) {
		g_set_error(err, G_FILE_ERROR, G_FILE_ERROR_FAILED,
		    "group %s does not exist; make it with: addgroup --system %s", name, name);
		return false;
	}
	*gid = gr->gr_gid;
	return true;
}

struct identity *
identity_find(const char *text, GError **err)
{
	g_auto(GStrv) part = g_strsplit(text, ":", 2);
	AUTO(identity_free) struct identity *id = g_new0(struct identity, 1);
	struct identity *out;
	const struct passwd *pw = getpwnam(part[0]);

	if (pw == NULL) {
		g_set_error(err, G_FILE_ERROR, G_FILE_ERROR_FAILED,
		    "user %s does not exist; make it with: adduser --system --group "
		    "--no-create-home %s",
		    part[0], part[0]);
		return NULL;
	}
	id->name = g_strdup(pw->pw_name);
	id->uid = pw->pw_uid;
	id->gid = pw->pw_gid;
	if (part[1] != NULL && !find_group(part[1], &id->gid, err))
		return NULL;
	id->groups = g_new0(gid_t, GROUPS_MAX);
	id->group_count = GROUPS_MAX;
	if (getgrouplist(id->name, id->gid, id->groups, &id->group_count) < 0)
		id->group_count = GROUPS_MAX;
	out = id;
	id = NULL;
	return out;
}

void
identity_free(struct identity **idp)
{
	if (*idp == NULL)
		return;
	g_free((*idp)->name);
	g_free((*idp)->groups);
	g_free(*idp);
	*idp = NULL;
}

struct identity *
identity_for_process(const char *text, GError **err)
{
	struct identity *id = identity_find(text, err);
	const struct passwd *pw;

	if (id == NULL || geteuid() == 0 || id->uid == geteuid())
		return id;
	pw = getpwuid(geteuid());
	g_set_error(err, G_FILE_ERROR, G_FILE_ERROR_PERM,
	    "user = \"%s\", but this process runs as %s and only root can become somebody "
	    "else: start it as root or as %s, "
	    "or write user = \"%s\"",
	    id->name, pw != NULL ? pw->pw_name : "another user", id->name,
	    pw != NULL ? pw->pw_name : "its name");
	identity_free(&id);
	return NULL;
}

/* All three steps of becoming somebody else; async-signal-safe calls only, for the child of
 * identity_access(). */
static bool
become(const struct identity *id)
{
	return setgroups((size_t)id->group_count, id->groups) == 0 &&
	    setresgid(id->gid, id->gid, id->gid) == 0 && setresuid(id->uid, id->uid, id->uid) == 0;
}

bool
privileges_drop(const struct identity *id, GError **err)
{
	if (geteuid() == 0 && id->uid != 0) {
		if (!become(id))
			return fsx_fail(err, id->name, "become this user");
		if (setuid(0) == 0 || getuid() != id->uid || geteuid() != id->uid) {
			g_set_error(err, G_FILE_ERROR, G_FILE_ERROR_PERM,
			    "user %s: root's rights are still there after giving them up",
			    id->name);
			return false;
		}
	}
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
		return fsx_fail(err, id->name, "PR_SET_NO_NEW_PRIVS");
	prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
	return true;
}

int
identity_access(const struct identity *id, const char *path, int mode)
{
	int status = 0;
	pid_t pid;

	if (geteuid() != 0 || id->uid == 0)
		return faccessat(AT_FDCWD, path, mode, AT_EACCESS) == 0 ? 0 : errno;
	pid = fork();
	if (pid < 0)
		return errno;
	if (pid == 0)
		_exit(!become(id) ? EPERM : access(path, mode) == 0 ? 0 : errno & 0xff);
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	return WIFEXITED(status) ? WEXITSTATUS(status) : EPERM;
}

char *
identity_blocked_at(const struct identity *id, const char *path)
{
	g_autofree char *at = g_path_get_dirname(path);
	g_autoptr(GPtrArray) chain = g_ptr_array_new_with_free_func(g_free);

	for (char *p = g_strdup(at);; p = g_path_get_dirname(p)) {
		g_ptr_array_insert(chain, 0, p);
		if (strcmp(p, "/") == 0 || strcmp(p, ".") == 0)
			break;
	}
	for (guint i = 0; i < chain->len; i++)
		if (identity_access(id, g_ptr_array_index(chain, i), X_OK) != 0)
			return g_strdup(g_ptr_array_index(chain, i));
	return NULL;
}
