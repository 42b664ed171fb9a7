#include "scanner/rehearsal.h"

#include <clamav.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/auto.h"
#include "scanner/clamav.h"
#include "scanner/generation.h"
#include "scanner/loader.h"
#include "verdict/database_files.h"

/* Bytes of a piece: some ten thousand signatures, a few ten MB of engine. */
#define PIECE (1024 * 1024)

/* The child's own work. */
struct trial {
	const struct proto_settings *settings;
	const char *folder;
	const char *path;      /* the file that is being tried */
	const char *extension; /* with its dot */
	unsigned long line;    /* of it at which the piece begins */
	uint64_t signatures;
};

/* Try a piece as a file of its own. */
static bool
try_piece(struct trial *t, const char *bytes, size_t len, GError **err)
{
	g_autofree char *name = g_strconcat("piece", t->extension, NULL);
	g_autofree char *path = g_build_filename(t->folder, name, NULL);
	bool ok =
	    g_file_set_contents_full(path, bytes, (gssize)len, G_FILE_SET_CONTENTS_NONE, 0600, err);

	ok = ok && clamav_try(t->settings, path, t->folder, &t->signatures, err);
	unlink(path);
	if (!ok)
		g_prefix_error(err, "in the lines from %lu on: ", t->line);
	for (size_t i = 0; i < len; i++)
		t->line += bytes[i] == '\n';
	return ok;
}

/* The part of buf that ends with a line; all of it at the end of the file or when one line fills it. */
static size_t
whole_lines(const char *buf, size_t len, bool last)
{
	const char *end = last ? NULL : memrchr(buf, '\n', len);

	return end ? (size_t)(end - buf) + 1 : len;
}

static bool
try_lines(struct trial *t, GError **err)
{
	g_autofree char *buf = g_malloc(PIECE);
	FILE *f = fopen(t->path, "re");
	size_t len = 0;
	bool ok = f != NULL, last = false;

	if (!f)
		g_set_error(err, G_FILE_ERROR, G_FILE_ERROR_FAILED, "open: %s", g_strerror(errno));
	while (ok && !last) {
		size_t piece;

		len += fread(buf + len, 1, PIECE - len, f);
		last = len < PIECE;
		if (ferror(f)) {
			g_set_error(
			    err, G_FILE_ERROR, G_FILE_ERROR_IO, "read: %s", g_strerror(errno));
			ok = false;
			break;
		}
		piece = whole_lines(buf, len, last);
		ok = piece == 0 || try_piece(t, buf, piece, err);
		memmove(buf, buf + piece, len - piece);
		len -= piece;
	}
	if (f)
		fclose(f);
	return ok;
}

static bool
try_container(struct trial *t, GError **err)
{
	struct cl_cvd *head;
	cl_error_t rc = cl_init(CL_INIT_DEFAULT);

	if (rc == CL_SUCCESS)
		rc = cl_cvdverify(t->path);
	if (rc != CL_SUCCESS)
		g_set_error(
		    err, G_FILE_ERROR, G_FILE_ERROR_FAILED, "does not verify: %s", cl_strerror(rc));
	head = rc == CL_SUCCESS ? cl_cvdhead(t->path) : NULL;
	if (head) {
		t->signatures += head->sigs;
		cl_cvdfree(head);
	}
	return rc == CL_SUCCESS;
}

static bool
try_file(struct trial *t, GError **err)
{
	t->extension = strrchr(t->path, '.');
	t->line = 1;
	switch (database_kind(t->path)) {
	case DATABASE_LINES:
		return try_lines(t, err);
	case DATABASE_CONTAINER:
		return try_container(t, err);
	case DATABASE_WHOLE:
	case DATABASE_NONE:
		break;
	}
	return clamav_try(t->settings, t->path, t->folder, &t->signatures, err);
}

static bool
try_all(const struct proto_settings *s, const char *folder, GError **err)
{
	g_autoptr(GPtrArray) files = generation_files(s->database, err);
	struct trial t = { .settings = s, .folder = folder };

	if (!files)
		return false;
	for (unsigned i = 0; i < files->len; i++) {
		t.path = files->pdata[i];
		if (!try_file(&t, err)) {
			g_prefix_error(err, "database %s: ", t.path);
			return false;
		}
	}
	if (t.signatures == 0)
		g_set_error(err, G_FILE_ERROR, G_FILE_ERROR_FAILED,
		    "database %s: holds no signature", s->database);
	return t.signatures > 0;
}

/* The child: says nothing when all is well. */
static void
child(const struct proto_settings *s, const char *folder, int out)
{
	g_autoptr(GError) err = NULL;

	prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
	loader_give_way();
	if (try_all(s, folder, &err))
		_exit(0);
	if (write(out, err->message, MIN(strlen(err->message), PROTO_TEXT_MAX - 1)) < 0)
		_exit(2);
	_exit(1);
}

/* Its words, till it ends. False when the front went away meanwhile. */
static bool
listen_to(int in, int front, GString *words)
{
	struct pollfd fds[2] = { { .fd = in, .events = POLLIN }, { .fd = front, .events = 0 } };
	char buf[PROTO_TEXT_MAX];

	for (;;) {
		int n = poll(fds, G_N_ELEMENTS(fds), -1);
		ssize_t got;

		if (n < 0 && errno != EINTR)
			return false;
		if (n <= 0)
			continue;
		if (fds[1].revents)
			return false;
		got = read(in, buf, sizeof buf);
		if (got <= 0)
			return true;
		g_string_append_len(words, buf, got);
	}
}

static enum rehearsal
judge(const struct proto_settings *s, int status, const char *words, GError **err)
{
	g_autofree char *remedy = generation_remedy(s->database);

	if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return REHEARSAL_OK;
	if (words[0] != '\0')
		g_set_error(err, G_FILE_ERROR, G_FILE_ERROR_FAILED,
		    "%s; remove the broken file, then %s", words, remedy);
	else
		g_set_error(err, G_FILE_ERROR, G_FILE_ERROR_FAILED,
		    "database %s: loading it on trial ended with %s %d", s->database,
		    WIFSIGNALED(status) ? "signal" : "status",
		    WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status));
	return REHEARSAL_BROKEN;
}

enum rehearsal
rehearse(const struct proto_settings *s, const char *folder, int front, GError **err)
{
	g_autoptr(GString) words = g_string_new(NULL);
	int pair[2], status = 0;
	bool listened;
	pid_t pid = -1;

	if (pipe2(pair, O_CLOEXEC) == 0) {
		pid = fork();
		if (pid == 0)
			child(s, folder, pair[1]);
		close(pair[1]);
		if (pid < 0)
			close(pair[0]);
	}
	if (pid < 0) {
		g_set_error(err, G_FILE_ERROR, G_FILE_ERROR_FAILED,
		    "cannot make a process that tries the database: %s", g_strerror(errno));
		return REHEARSAL_BROKEN;
	}
	listened = listen_to(pair[0], front, words);
	close(pair[0]);
	if (!listened)
		kill(pid, SIGKILL);
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		continue;
	return listened ? judge(s, status, words->str, err) : REHEARSAL_ENDED;
}
