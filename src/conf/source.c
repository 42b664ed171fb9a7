/*
 * source - a configuration and all the files it includes, as one row of tokens
 */
#include "conf/source.h"

#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct source {
	GArray *out;
	struct problems *problems;
	unsigned files;
};

static void splice_file(struct source *s, const char *file, GArray *tokens, unsigned depth);

/* The content of a regular file of bounded size; NULL and a reason. A pipe or a terminal would make
 * a reload hang. */
static char *
read_file(const char *path, size_t *len, struct problems *p, char **why)
{
	AUTO(fd_close) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	g_autofree char *text = NULL;
	size_t have = 0;
	struct stat st;
	ssize_t n;

	if (fd < 0 || fstat(fd, &st) < 0) {
		*why = g_strdup_printf("cannot be read: %s", g_strerror(errno));
		return NULL;
	}
	if (!S_ISREG(st.st_mode)) {
		*why = g_strdup("is not a file");
		return NULL;
	}
	if (st.st_mode & S_IWOTH)
		problems_warn(p, (struct place){ problems_file(p, path), 0 },
		    "everybody may write this file: chmod o-w");
	text = g_malloc(SOURCE_SIZE_MAX + 1);
	while (have <= SOURCE_SIZE_MAX &&
	    (n = read(fd, text + have, SOURCE_SIZE_MAX + 1 - have)) != 0) {
		if (n < 0 && errno != EINTR) {
			*why = g_strdup_printf("cannot be read: %s", g_strerror(errno));
			return NULL;
		}
		have += n > 0 ? (size_t)n : 0;
	}
	if (have > SOURCE_SIZE_MAX) {
		*why = g_strdup_printf(
		    "is larger than %d MiB: this is no configuration", SOURCE_SIZE_MAX >> 20);
		return NULL;
	}
	*len = have;
	return g_realloc(g_steal_pointer(&text), have + 1);
}

/* Read one included file into s->out. at is where include() stands. */
static void
include_file(struct source *s, struct place at, const char *path, unsigned depth)
{
	g_autofree char *text = NULL, *why = NULL;
	g_autoptr(GArray) tokens = NULL;
	const char *file;
	size_t len = 0;

	if (++s->files > SOURCE_FILES_MAX) {
		problems_error(
		    s->problems, at, "more than %d files are included", SOURCE_FILES_MAX);
		return;
	}
	text = read_file(path, &len, s->problems, &why);
	if (!text) {
		problems_error(s->problems, at, "include: %s %s", path, why);
		return;
	}
	file = problems_file(s->problems, path);
	tokens = tokens_new(file, text, len, s->problems);
	splice_file(s, file, tokens, depth);
}

/* A folder that is not there holds no files that match; one that cannot be read is an error. */
static int
glob_error(const char *path, int error)
{
	(void)path;
	return error != ENOENT && error != ENOTDIR;
}

/* What include(pattern) in file names: the pattern itself, or the files that match, sorted. */
static void
include(struct source *s, struct place at, const char *file, const char *pattern, unsigned depth)
{
	g_autofree char *dir = g_path_get_dirname(file);
	g_autofree char *path =
	    g_path_is_absolute(pattern) ? g_strdup(pattern) : g_build_filename(dir, pattern, NULL);
	glob_t found = { 0 };

	if (depth >= SOURCE_DEPTH_MAX) {
		problems_error(s->problems, at,
		    "include: more than %d files deep; does %s include itself?", SOURCE_DEPTH_MAX,
		    path);
		return;
	}
	if (!strpbrk(pattern, "*?[")) {
		include_file(s, at, path, depth + 1);
		return;
	}
	switch (glob(path, 0, glob_error, &found)) {
	case 0:
		for (size_t i = 0; i < found.gl_pathc && s->files <= SOURCE_FILES_MAX; i++)
			include_file(s, at, found.gl_pathv[i], depth + 1);
		break;
	case GLOB_NOMATCH:
		break;
	default:
		problems_error(
		    s->problems, at, "include: %s cannot be searched: %s", path, g_strerror(errno));
	}
	globfree(&found);
}

static const struct token *
token_at(const GArray *tokens, guint i)
{
	return &g_array_index(tokens, struct token, MIN(i, tokens->len - 1));
}

/* include ( "PATH" ) at i; returns how many tokens it takes, 0 if there is none here. */
static guint
try_include(struct source *s, const char *file, const GArray *tokens, guint i, unsigned depth)
{
	const struct token *t = token_at(tokens, i), *path = token_at(tokens, i + 2);

	if (t->type != TOKEN_WORD || strcmp(t->text, "include") != 0)
		return 0;
	if (token_at(tokens, i + 1)->type != TOKEN_LEFT || !token_is_text(path) ||
	    token_at(tokens, i + 3)->type != TOKEN_RIGHT) {
		problems_error(s->problems, t->at, "write include(\"PATH\")");
		for (guint n = 1;; n++) {
			const struct token *next = token_at(tokens, i + n);

			if (next->at.line != t->at.line || next->type == TOKEN_END ||
			    next->type == TOKEN_CLOSE)
				return n;
		}
	}
	include(s, t->at, file, path->text, depth);
	return 4;
}

/* Copy a file's tokens to s->out, includes resolved; each of its braces must have its partner in
 * the same file. */
static void
splice_file(struct source *s, const char *file, GArray *tokens, unsigned depth)
{
	g_autoptr(GArray) open = g_array_new(FALSE, FALSE, sizeof(struct place));
	guint i = 0;

	while (token_at(tokens, i)->type != TOKEN_END) {
		struct token t = *token_at(tokens, i);
		guint taken = try_include(s, file, tokens, i, depth);

		if (taken > 0) {
			i += taken;
			continue;
		}
		i++;
		if (t.type == TOKEN_OPEN) {
			g_array_append_val(open, t.at);
		} else if (t.type == TOKEN_CLOSE && open->len == 0) {
			problems_error(s->problems, t.at,
			    "} without {: take it away, or write the { that it should close");
			continue;
		} else if (t.type == TOKEN_CLOSE) {
			g_array_set_size(open, open->len - 1);
		}
		t.text = g_strdup(t.text);
		g_array_append_val(s->out, t);
	}
	for (guint n = open->len; n > 0; n--) {
		struct place at = g_array_index(open, struct place, n - 1);
		struct token close = {
			.type = TOKEN_CLOSE, .at = token_at(tokens, i)->at, .text = g_strdup("")
		};

		problems_error(
		    s->problems, at, "{ is never closed: write } where this section or list ends");
		g_array_append_val(s->out, close);
	}
}

static GArray *
whole(const char *name, const char *text, size_t len, struct problems *p)
{
	const char *file = problems_file(p, name);
	g_autoptr(GArray) tokens = tokens_new(file, text, len, p);
	struct source s = { .out = token_array_new(), .problems = p };
	struct token end = *token_at(tokens, tokens->len - 1);

	splice_file(&s, file, tokens, 0);
	end.text = g_strdup("");
	g_array_append_val(s.out, end);
	return s.out;
}

GArray *
source_text(const char *name, const char *text, struct problems *p)
{
	return whole(name, text, strlen(text), p);
}

GArray *
source_read(const char *path, struct problems *p)
{
	g_autofree char *why = NULL;
	size_t len = 0;
	g_autofree char *text = read_file(path, &len, p, &why);

	if (!text) {
		problems_error(p, (struct place){ problems_file(p, path), 0 }, "%s", why);
		return NULL;
	}
	return whole(path, text, len, p);
}
