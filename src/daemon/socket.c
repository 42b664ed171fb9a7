/* socket - see socket.h */
#include "daemon/socket.h"

#include <errno.h>
#include <grp.h>
#include <libmilter/mfapi.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/auto.h"
#include "base/fsx.h"
#include "base/log.h"

#define FOLDER_MODE     0750
#define NO_ACCESS       0777 /* umask under which sockets are made */
#define LISTENER_FD_MAX 256  /* it was opened a moment ago, among the first */

G_DEFINE_QUARK(avm_socket_error, socket_error)

bool
socket_group(const char *option, gid_t *gid, GError **err)
{
	static const char *const known[] = { "postfix", "smmsp" };
	const struct group *gr;

	*gid = (gid_t)-1;
	if (option[0] == '\0')
		return true;
	if (strcmp(option, "auto") != 0) {
		gr = getgrnam(option);
		if (gr == NULL) {
			g_set_error(err, SOCKET_ERROR, SOCKET_E_FAILED,
			    "socket_group = \"%s\": this group does not exist; write "
			    "\"auto\" or the "
			    "group of the mail server",
			    option);
			return false;
		}
		*gid = gr->gr_gid;
		return true;
	}
	for (size_t i = 0; i < G_N_ELEMENTS(known) && *gid == (gid_t)-1; i++) {
		gr = getgrnam(known[i]);
		/* Only root can give a file to a group it is not in. */
		if (gr != NULL && (geteuid() == 0 || group_member(gr->gr_gid)))
			*gid = gr->gr_gid;
	}
	return true;
}

static bool
remove_stale(const struct endpoint *e, GError **err)
{
	struct stat st;

	if (lstat(e->path, &st) != 0)
		return errno == ENOENT ? true : fsx_fail(err, e->path, "look at the socket");
	if (!S_ISSOCK(st.st_mode)) {
		g_set_error(err, SOCKET_ERROR, SOCKET_E_FAILED,
		    "%s: is there and is not a socket; move it away or choose another path",
		    e->path);
		return false;
	}
	if (unlink(e->path) != 0 && errno != ENOENT)
		return fsx_fail(err, e->path, "remove the socket that nobody listens on");
	return true;
}

bool
socket_prepare(const struct endpoint *e, uid_t owner, gid_t group, GError **err)
{
	g_autofree char *folder = NULL;
	bool made;

	if (endpoint_alive(e)) {
		g_autofree char *text = endpoint_libmilter(e);

		g_set_error(err, SOCKET_ERROR, SOCKET_E_BUSY,
		    "%s: another program listens there, most likely another avmilter; "
		    "stop it first or choose another socket",
		    text);
		return false;
	}
	if (e->family != ENDPOINT_UNIX)
		return true;
	folder = g_path_get_dirname(e->path);
	made = access(folder, F_OK) != 0;
	if (!fsx_folder(folder, FOLDER_MODE, err))
		return false;
	if (made && geteuid() == 0 && chown(folder, owner, group) != 0)
		return fsx_fail(err, folder, "hand the folder over to user and group");
	if (made && geteuid() != 0 && group != (gid_t)-1 && chown(folder, (uid_t)-1, group) != 0)
		return fsx_fail(err, folder,
		    "give the folder to the group of the mail server (add our user to that group)");
	return remove_stale(e, err);
}

bool
socket_hand_over(const char *path, uid_t owner, gid_t group, mode_t mode, GError **err)
{
	const uid_t to = geteuid() == 0 ? owner : (uid_t)-1;

	if ((to != (uid_t)-1 || group != (gid_t)-1) && chown(path, to, group) != 0) {
		fsx_fail(err, path, "give the socket to its group");
		if (err != NULL && geteuid() != 0)
			g_prefix_error(err,
			    "only root or a member of the group can do this "
			    "(systemd: SupplementaryGroups=): ");
		return false;
	}
	if (chmod(path, mode) != 0)
		return fsx_fail(err, path, "set the mode of the socket");
	return true;
}

/* libmilter tells its troubles to syslog only: try what it tried, to learn errno. */
static void
explain(const struct endpoint *e, const char *text, GError **err)
{
	const int family = e->family == ENDPOINT_UNIX ? AF_UNIX
	    : e->family == ENDPOINT_INET6             ? AF_INET6
						      : AF_INET;
	AUTO(fd_close) int fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct sockaddr_un sun = { .sun_family = AF_UNIX };

	errno = 0;
	if (fd >= 0 && e->family == ENDPOINT_UNIX && strlen(e->path) < sizeof(sun.sun_path)) {
		memcpy(sun.sun_path, e->path, strlen(e->path));
		if (bind(fd, (struct sockaddr *)&sun, sizeof(sun)) == 0)
			unlink(e->path);
	}
	if (errno != 0)
		fsx_fail(err, text, "listen on the milter socket");
	else
		g_set_error(err, SOCKET_ERROR, SOCKET_E_FAILED,
		    "%s: cannot listen on the milter socket: address or port is taken, not "
		    "allowed, "
		    "or not of this machine (libmilter tells syslog more)",
		    text);
}

static void
remember(struct socket_file *file, const char *path)
{
	struct stat st;

	if (lstat(path, &st) != 0)
		return;
	*file = (struct socket_file){ .path = g_strdup(path), .dev = st.st_dev, .ino = st.st_ino };
}

void
socket_file_remove(struct socket_file *file)
{
	struct stat st;

	if (file->path != NULL && lstat(file->path, &st) == 0 && st.st_dev == file->dev &&
	    st.st_ino == file->ino)
		unlink(file->path);
	g_free(file->path);
	file->path = NULL;
}

/*
 * libmilter writes each edit by itself and keeps its descriptors to itself. With Nagle's algorithm
 * the second write waits for the MTA's delayed acknowledgement, 40 ms for every mail; connections
 * inherit the option from the socket that listens.
 */
static void
speak_at_once(const struct endpoint *e)
{
	const long most = sysconf(_SC_OPEN_MAX);

	for (int fd = 0; fd < most && fd < LISTENER_FD_MAX; fd++) {
		struct sockaddr_storage ss = { 0 };
		socklen_t len = sizeof(ss), n = sizeof(int);
		int listens = 0;

		if (getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listens, &n) < 0 || !listens ||
		    getsockname(fd, (struct sockaddr *)&ss, &len) < 0)
			continue;
		/* Port and family stand in the same place for both families. */
		if ((ss.ss_family == AF_INET || ss.ss_family == AF_INET6) &&
		    ntohs(((struct sockaddr_in *)&ss)->sin_port) == e->port &&
		    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &(int){ 1 }, sizeof(int)) < 0)
			log_warn("%u: TCP_NODELAY: %s", e->port, g_strerror(errno));
	}
}

bool
socket_open_milter(
    const struct conf *conf, const struct identity *owner, struct socket_file *file, GError **err)
{
	AUTO(endpoint_free) struct endpoint *e = endpoint_parse(conf->socket, err);
	g_autofree char *text = e != NULL ? endpoint_libmilter(e) : NULL;
	gid_t group;
	mode_t old;
	int rc;

	if (e == NULL || !socket_group(conf->socket_group, &group, err) ||
	    !socket_prepare(e, owner->uid, group, err))
		return false;
	if (smfi_setconn(text) != MI_SUCCESS) {
		g_set_error(err, SOCKET_ERROR, SOCKET_E_FAILED,
		    "socket = \"%s\": libmilter does not take it", conf->socket);
		return false;
	}
	smfi_setbacklog(SOMAXCONN);
	old = umask(NO_ACCESS);
	rc = smfi_opensocket(false);
	umask(old);
	if (rc != MI_SUCCESS) {
		explain(e, text, err);
		return false;
	}
	if (e->family != ENDPOINT_UNIX) {
		speak_at_once(e);
		return true;
	}
	remember(file, e->path);
	return socket_hand_over(e->path, owner->uid, group, conf->socket_mode, err);
}

int
socket_open_unix(const char *path, uid_t owner, gid_t group, mode_t mode, GError **err)
{
	AUTO(fd_close) int fd = -1;
	const struct endpoint e = { .family = ENDPOINT_UNIX, .path = (char *)(uintptr_t)path };
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	mode_t old;
	int rc, out;

	if (strlen(path) >= sizeof(sun.sun_path)) {
		g_set_error(err, SOCKET_ERROR, SOCKET_E_FAILED,
		    "%s: longer than %zu bytes, the most that a socket's path may have", path,
		    sizeof(sun.sun_path) - 1);
		return -1;
	}
	if (!socket_prepare(&e, owner, group, err))
		return -1;
	memcpy(sun.sun_path, path, strlen(path));
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	old = umask(NO_ACCESS);
	rc = fd < 0 ? -1 : bind(fd, (struct sockaddr *)&sun, sizeof(sun));
	umask(old);
	if (rc != 0) {
		fsx_fail(err, path, "bind the socket");
		return -1;
	}
	if (!socket_hand_over(path, owner, group, mode, err))
		return -1;
	if (listen(fd, SOMAXCONN) != 0) {
		fsx_fail(err, path, "listen on the socket");
		return -1;
	}
	out = fd;
	fd = -1;
	return out;
}

/* Postfix on Debian runs smtpd in a chroot: below it the path is shorter, outside it there is
 * nothing. */
#define POSTFIX_CHROOT "/var/spool/postfix"

static void
postfix_advice(
    const struct conf *conf, const struct endpoint *e, GPtrArray *notes, GPtrArray *warnings)
{
	g_autofree char *spelled = endpoint_postfix(e);
	AUTO(identity_free) struct identity *postfix = identity_find("postfix", NULL);
	g_autofree char *blocked = NULL;
	const bool unix_socket = e->family == ENDPOINT_UNIX;

	if (unix_socket && g_str_has_prefix(e->path, POSTFIX_CHROOT "/"))
		g_ptr_array_add(notes,
		    g_strdup_printf("Postfix, main.cf: smtpd_milters = unix:%s (in a "
				    "chroot, as on Debian) or %s (without)",
			e->path + strlen(POSTFIX_CHROOT "/"), spelled));
	else
		g_ptr_array_add(
		    notes, g_strdup_printf("Postfix, main.cf: smtpd_milters = %s", spelled));
	if (!unix_socket || postfix == NULL)
		return;
	if (!g_str_has_prefix(e->path, POSTFIX_CHROOT "/") &&
	    access(POSTFIX_CHROOT "/etc", F_OK) == 0)
		g_ptr_array_add(warnings,
		    g_strdup_printf("socket %s: a Postfix whose smtpd runs in a chroot (Debian) "
				    "cannot see it: choose a path below " POSTFIX_CHROOT
				    ", for example unix:" POSTFIX_CHROOT "/avmilter/avmilter.sock",
			e->path));
	blocked = identity_blocked_at(postfix, e->path);
	if (blocked != NULL && access(blocked, F_OK) == 0)
		g_ptr_array_add(warnings,
		    g_strdup_printf("socket %s: user postfix cannot pass the folder "
				    "%s: chgrp postfix it and chmod g+x it",
			e->path, blocked));
	(void)conf;
}

static void
sendmail_advice(const struct endpoint *e, GPtrArray *notes, GPtrArray *warnings)
{
	g_autofree char *spelled = endpoint_libmilter(e);
	struct stat st;

	g_ptr_array_add(notes,
	    g_strdup_printf("sendmail, sendmail.mc: INPUT_MAIL_FILTER(`avmilter', "
			    "`S=%s, F=T, T=C:30s;S:30s;R:30s;E:5m')",
		spelled));
	if (e->family != ENDPOINT_UNIX)
		return;
	for (g_autofree char *p = g_path_get_dirname(e->path);
	     strcmp(p, "/") != 0 && strcmp(p, ".") != 0;) {
		char *up = g_path_get_dirname(p);

		if (stat(p, &st) == 0 && (st.st_mode & S_IWOTH))
			g_ptr_array_add(warnings,
			    g_strdup_printf("socket %s: sendmail refuses a socket below "
					    "a folder that everybody may write to (%s)",
				e->path, p));
		g_free(p);
		p = up;
	}
}

void
socket_advice(const struct conf *conf, GPtrArray *notes, GPtrArray *warnings)
{
	AUTO(endpoint_free) struct endpoint *e = endpoint_parse(conf->socket, NULL);
	gid_t group;

	if (e == NULL)
		return;
	postfix_advice(conf, e, notes, warnings);
	sendmail_advice(e, notes, warnings);
	if (e->family == ENDPOINT_UNIX && socket_group(conf->socket_group, &group, NULL) &&
	    group == (gid_t)-1 && (conf->socket_mode & S_IWOTH) == 0)
		g_ptr_array_add(warnings,
		    g_strdup(
			"socket_group: there is no group postfix or smmsp that the socket can be "
			"given to, "
			"so only root and our user reach it; name the mail server's group, and "
			"make our user a member of it when it is not started as root"));
}
