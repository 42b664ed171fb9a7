#include "scanner/layers.h"

#include <dlfcn.h>
#include <string.h>

#include "scanner/packed.h"
#include "scanner/zipdir.h"

#define NAME_MAX_SHOWN 80 /* bytes of one member in a path */

/*
 * Archive formats with a magic that is no accident, and the least size of one that is not empty.
 * What they hold when they hold anything is shown as a member or as a layer.
 */
static const struct {
	const char *type;
	size_t more_than;
} archives[] = { { "CL_TYPE_ZIP", 22 }, { "CL_TYPE_RAR", 20 }, { "CL_TYPE_7Z", 32 },
	{ "CL_TYPE_GZ", 24 }, { "CL_TYPE_BZ", 14 }, { "CL_TYPE_XZ", 32 }, { "CL_TYPE_MSCAB", 36 },
	{ "CL_TYPE_LHA_LZH", 24 }, { "CL_TYPE_ALZ", 16 }, { "CL_TYPE_EGG", 22 } };

/* Two bytes make a gzip file for libclamav; gunzip wants more of a header, and so do we. */
static bool
plausible(const char *type, const unsigned char *data, size_t size)
{
	if (strcmp(type, "CL_TYPE_GZ") == 0)
		return size > 3 && data[2] == 8 && (data[3] & 0xe0) == 0;
	if (strcmp(type, "CL_TYPE_BZ") == 0)
		return size > 4 && data[3] >= '1' && data[3] <= '9' && data[4] == 0x31;
	return true;
}

/* Old binary cpio (cpio(5)): 26 bytes, the name with its NUL, the content. libclamav asks for the two
 * bytes of the magic only, which one in 32768 random files has. A name that does not fit, or does not
 * end, is no cpio's. */
#define CPIO_OLD_HEADER    26
#define CPIO_OLD_NAME_SIZE 20

static bool
is_cpio_old(const unsigned char *data, size_t size)
{
	bool little = size > 0 && data[0] == 0xc7;
	size_t len;

	if (size <= CPIO_OLD_HEADER)
		return false;
	len = little ? data[CPIO_OLD_NAME_SIZE] | data[CPIO_OLD_NAME_SIZE + 1] << 8
		     : data[CPIO_OLD_NAME_SIZE] << 8 | data[CPIO_OLD_NAME_SIZE + 1];
	return len > 1 && len <= size - CPIO_OLD_HEADER &&
	    memchr(data + CPIO_OLD_HEADER, '\0', len) == data + CPIO_OLD_HEADER + len - 1;
}

static bool
is_archive(const char *type)
{
	for (size_t i = 0; i < G_N_ELEMENTS(archives); i++)
		if (strcmp(type, archives[i].type) == 0)
			return true;
	return g_str_has_suffix(type, "_TAR");
}

/* An archive that must show something, or it could not be opened. */
static bool
must_open(const char *type, const void *data, size_t size)
{
	for (size_t i = 0; i < G_N_ELEMENTS(archives); i++)
		if (strcmp(type, archives[i].type) == 0)
			return size > archives[i].more_than && plausible(type, data, size);
	return false;
}

static void
check_depth(const struct layers *l, struct verdict *v)
{
	unsigned n = 0;

	for (unsigned i = 0; i < l->depth; i++)
		n += l->at[i].archive;
	if (n > l->archives_max)
		verdict_partial(
		    v, REASON_LIMIT_DEPTH, "archives nested deeper than max_extract_depth");
}

/* Debian keeps the RAR half of libclamav, which is non-free, in a package of its own; the library
 * knows if it has it. */
static bool
have_rar(void)
{
	const int *have = dlsym(RTLD_DEFAULT, "have_rar");

	return have && *have;
}

/* A name that libclamav made up because the mail gave none. */
static bool
is_temporary(const char *name)
{
	return g_str_has_prefix(name, "clamav-") && g_str_has_suffix(name, ".tmp");
}

/* What libclamav does not see in there, and says nothing about. */
static void
check_unseen(
    const struct layer *at, const char *type, const void *data, size_t size, struct verdict *v)
{
	const char *packed = at->archive ? NULL : packed_format(data, size);

	if (packed)
		verdict_partial(v, REASON_UNSUPPORTED,
		    "a file packed with %s, which libclamav does not unpack", packed);
	if (at->unopened && strcmp(type, "CL_TYPE_ZIP") == 0 && zipdir_unsupported(data, size))
		verdict_partial(v, REASON_UNSUPPORTED,
		    "a zip archive with a compression method that libclamav does not know");
	if (strcmp(type, "CL_TYPE_BZ") == 0 && packed_bzip2_more(data, size))
		verdict_partial(v, REASON_UNSUPPORTED,
		    "a bzip2 file of several streams, of which libclamav unpacks the first");
}

/* Members that libclamav showed and then could not unpack, about which it says nothing (a 7z packed
 * with bzip2 or deflate). */
static bool
left_out(const struct layer *at)
{
	return at->archive && at->children < (at->twice ? at->members / 2 : at->members);
}

static void
pop(struct layers *l, const char *found, struct verdict *v)
{
	if (l->depth == 0)
		return;
	struct layer *at = &l->at[--l->depth];
	if (found &&
	    (g_str_has_prefix(found, "Heuristics.Encrypted.") ||
		g_str_has_prefix(found, "Heuristics.Limits.")))
		at->unopened = at->archive = false;
	if (left_out(at))
		verdict_partial(
		    v, REASON_UNSUPPORTED, "an archive with a member that cannot be unpacked");
	if (at->unopened && at->rar && !have_rar())
		verdict_partial(
		    v, REASON_UNSUPPORTED, "a RAR archive, and libclamunrar is not installed");
	else if (at->unopened)
		verdict_partial(v, REASON_CORRUPT, "an archive that cannot be opened");
	g_free(at->name);
	memset(at, 0, sizeof *at);
}

void
layers_enter(struct layers *l, uint32_t level, const char *type, const char *name, const void *data,
    size_t size, struct verdict *v)
{
	while (l->depth > level)
		pop(l, NULL, v);
	l->seen++;
	if (level >= LAYERS_MAX) {
		verdict_partial(v, REASON_LIMIT_DEPTH, "nested deeper than libclamav should go");
		return;
	}
	struct layer *at = &l->at[level];
	/* An "archive" that libclamav thinks to see in the middle of a program is a guess; one that
	 * a mail or an archive holds is a fact. */
	bool put_there = level == 0 ||
	    (l->depth == level && (l->at[level - 1].mail || l->at[level - 1].archive));
	if (level > 0) {
		l->at[level - 1].unopened = false;
		l->at[level - 1].children++;
	}
	for (; l->depth < level; l->depth++)
		memset(&l->at[l->depth], 0, sizeof l->at[l->depth]);
	l->depth = level + 1;
	at->name =
	    level > 0 && name && !is_temporary(name) ? g_strndup(name, NAME_MAX_SHOWN) : NULL;
	g_strlcpy(at->type, type, sizeof at->type);
	at->mail = strcmp(type, "CL_TYPE_MAIL") == 0;
	at->archive = is_archive(type);
	at->unopened = put_there && must_open(type, data, size);
	at->rar = strcmp(type, "CL_TYPE_RAR") == 0;
	at->twice = strcmp(type, "CL_TYPE_ZIP") == 0;
	at->guess = strcmp(type, "CL_TYPE_CPIO_OLD") == 0 && !is_cpio_old(data, size);
	if (put_there)
		check_unseen(at, type, data, size, v);
	if (at->archive)
		check_depth(l, v);
}

/* (A zip may have become a document since.) */
static bool
is_hidden(const struct layer *at, const char *container)
{
	return at->archive && is_archive(container) && strcmp(container, at->type) != 0;
}

void
layers_member(struct layers *l, const char *container, uint64_t size, bool encrypted)
{
	struct layer *at = l->depth > 0 ? &l->at[l->depth - 1] : NULL;

	if (!at || is_hidden(at, container))
		return;
	at->unopened = false;
	at->members += size > LAYERS_TOO_SMALL && !encrypted;
}

bool
layers_guess(const struct layers *l)
{
	return l->depth > 0 && l->at[l->depth - 1].guess;
}

void
layers_known(struct layers *l)
{
	if (l->depth > 0)
		l->at[l->depth - 1].unopened = l->at[l->depth - 1].archive = false;
}

void
layers_leave(struct layers *l, uint32_t level, const char *found, struct verdict *v)
{
	if (level >= LAYERS_MAX)
		return;
	while (l->depth > level + 1)
		pop(l, NULL, v);
	if (l->depth == level + 1)
		pop(l, found, v);
}

void
layers_end(struct layers *l, struct verdict *v)
{
	while (l->depth > 0)
		pop(l, NULL, v);
}

char *
layers_path(const struct layers *l)
{
	GString *p = g_string_new(NULL);

	for (unsigned i = 1; i < l->depth; i++) {
		if (!l->at[i].name)
			continue;
		if (p->len > 0)
			g_string_append_c(p, '/');
		g_string_append(p, l->at[i].name);
	}
	return g_string_free(p, FALSE);
}
