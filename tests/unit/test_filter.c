/*
 * engine/filter, message/candidates, sniff, zipnames: one word that asks is enough, and what nobody can know asks too
 */
#include "world.h"

#include <sys/mman.h>
#include <unistd.h>

#include "engine/filter.h"
#include "message/candidates.h"
#include "message/zipnames.h"
#include "scan/plan.h"


static void
put(GByteArray *to, unsigned n, unsigned bytes)
{
	for (unsigned i = 0; i < bytes; i++, n >>= 8)
		g_byte_array_append(to, &(guint8){(guint8)n}, 1);
}

static void
put_text(GByteArray *to, const char *text, size_t len)
{
	g_byte_array_append(to, (const guint8 *)text, (guint)len);
}

/* The archive with these members, comma separated. claim: members in the end record besides those. */
static GByteArray *
zip_of(const char *members, const char *before, const char *behind, unsigned claim)
{
	g_auto(GStrv) names = g_strsplit(members, ",", -1);
	GByteArray *out = g_byte_array_new(), *dir = g_byte_array_new();
	unsigned n = 0;

	put_text(out, before, strlen(before));
	for (char **name = names; *name && **name; name++, n++) {
		const unsigned at = out->len, len = (unsigned)strlen(*name);

		put_text(out, "PK\3\4\24\0\0\0\0\0\0\0\0\0", 14);
		put(out, 0, 12);
		put(out, len, 4);
		put_text(out, *name, len);
		put_text(dir, "PK\1\2\24\0\24\0\0\0\0\0\0\0\0\0", 16);
		put(dir, 0, 12);
		put(dir, len, 4);
		put(dir, 0, 4);
		put(dir, 0, 6);
		put(dir, at, 4);
		put_text(dir, *name, len);
	}
	put_text(out, (char *)dir->data, dir->len);
	put_text(out, "PK\5\6\0\0\0\0", 8);
	put(out, n + claim, 2);
	put(out, n + claim, 2);
	put(out, dir->len, 4);
	put(out, out->len - dir->len, 4);
	put(out, (unsigned)strlen(behind), 2);
	put_text(out, behind, strlen(behind));
	g_byte_array_unref(dir);
	return out;
}

struct stuff {
	struct world w;
	struct message *m;
	struct objects *set;
	const struct object *o;
};

/* One part with this content. names: comma separated. */
static void
stuff_make(struct stuff *s, const char *conf, const char *type, const char *names, const void *data, size_t len)
{
	int fd = memfd_create("arena", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	g_auto(GStrv) list = g_strsplit(names, ",", -1);

	s->w = world_new(conf);
	s->m = world_message(&s->w, "x");
	message_seal(s->m);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, data, len), (ssize_t)len);
	s->set = objects_new(s->m->spool, fd, len);
	assert_non_null(objects_add(s->set, OBJECT_MESSAGE, STORE_SPOOL, 0, spool_size(s->m->spool), "", NULL, NULL, NULL));
	s->o = objects_add(s->set, OBJECT_PART, STORE_ARENA, 0, len, "1", type, list, NULL);
	assert_non_null(s->o);
}

static void
stuff_clear(struct stuff *s)
{
	objects_free(&s->set);
	message_free(&s->m);
	world_end(&s->w);
}

static bool
wants(const char *options, const char *type, const char *names, const void *data, size_t len)
{
	g_autofree char *conf = g_strdup_printf("antivirus { null \"n\" { %s } }", options);
	const struct engine *e;
	struct candidates *c;
	struct stuff s;
	bool yes;

	stuff_make(&s, conf, type, names, data, len);
	e = g_ptr_array_index(s.w.engines->list, 0);
	c = candidates_new(s.set, s.o);
	assert_true(filter_chooses(e->filter) == (*options != '\0'));
	yes = filter_wants(e->filter, c);
	candidates_free(&c);
	stuff_clear(&s);
	return yes;
}

#define PDF   "%PDF-1.7 and so on"
#define EXE   "MZ\x90\0\3\0\0\0"
#define PNG   "\x89PNG\r\n\x1a\n"
#define OLE   "\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
#define RAR   "Rar!\x1a\7"
#define TEXT  "Dear all"
#define LIST  "extension_list = \".com;.doc;exe\""
#define BARE  "extension_list = \".com;;\""
#define EXT   "mime_parts_filter_ext { DOC = \"doc\" OTHER = \".EXE\" }"
#define REGEX "mime_parts_filter_regex { A = '^application/pdf$' B = '(?i)[.]js$' }"

static void
filters(void **state)
{
	static const struct {
		const char *options, *type, *names, *data;
		bool want;
	} rows[] = {
		{"", "text/plain", "", TEXT, true},
		/* extension lists, in both forms */
		{LIST, "text/plain", "a.doc", TEXT, true},
		{LIST, "text/plain", "a.DOC", TEXT, true},
		{LIST, "text/plain", "a.com", TEXT, true},
		{LIST, "text/plain", "a.exe", TEXT, true},
		{LIST, "text/plain", "a.txt", TEXT, false},
		{LIST, "text/plain", "a.docx", TEXT, false},
		{LIST, "text/plain", "doc", TEXT, false},
		{LIST, "text/plain", "", TEXT, false},
		{BARE, "text/plain", "", TEXT, true},
		{BARE, "text/plain", "README", TEXT, true},
		{BARE, "text/plain", "README.", TEXT, true},
		{BARE, "text/plain", "a.b/README", TEXT, true},
		{BARE, "text/plain", "a.txt", TEXT, false},
		{EXT, "text/plain", "a.doc", TEXT, true},
		{EXT, "text/plain", "a.exe", TEXT, true},
		{EXT, "text/plain", "a.txt", TEXT, false},
		{EXT " " LIST, "text/plain", "a.com", TEXT, true},
		/* any name that asks decides */
		{LIST, "text/plain", "a.txt,b.doc", TEXT, true},
		{LIST, "text/plain", "a.doc.txt", TEXT, true},
		{LIST, "text/plain", "a.doc. . ", TEXT, true},
		{LIST, "text/plain", "a.doc::$DATA", TEXT, true},
		{LIST, "text/plain", "C:\\x\\a.doc", TEXT, true},
		{LIST, "text/plain", "a.doc/b.txt", TEXT, false},
		/* what it is counts as well as what it says */
		{LIST, "image/png", "a.png", EXE, true},
		{LIST, "application/octet-stream", "", EXE, true},
		{LIST, "application/octet-stream", "a.bin", OLE, true},
		{LIST, "image/png", "a.png", PNG, false},
		/* whose members have names that nobody knows */
		{LIST, "text/plain", "a.txt", RAR, true},
		{REGEX, "text/plain", "a.txt", RAR, true},
		{REGEX, "application/pdf", "a.txt", TEXT, true},
		{REGEX, "text/plain", "a.txt", PDF, true},
		{REGEX, "text/plain", "a.JS", TEXT, true},
		{REGEX, "text/plain", "a.js.txt", TEXT, false},
		{REGEX, NULL, "", TEXT, false},
		{"mime_parts_filter_regex { A = '^text/plain$' }", NULL, "", TEXT, true},
		{REGEX " " LIST, "text/plain", "a.com", TEXT, true},
		{REGEX " " LIST, "text/plain", "a.txt", TEXT, false},
		/* a regex at its bound asks */
		{"mime_parts_filter_regex { A = '^(a+)+$' }", "text/plain", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa!", TEXT, true},
		/* text and images, but not what only calls itself so */
		{"scan_text_mime = false", "text/html", "a.html", "<html>", false},
		{"scan_text_mime = false", "text/plain", "a.txt", TEXT, false},
		{"scan_text_mime = false", "text/plain", "a.txt", EXE, true},
		{"scan_text_mime = false", "text/plain", "a.txt", RAR, true},
		{"scan_text_mime = false", "application/octet-stream", "a.txt", TEXT, true},
		{"scan_image_mime = false", "image/png", "a.png", PNG, false},
		{"scan_image_mime = false", "image/png", "a.png", PDF, true},
		{"scan_image_mime = false " LIST, "text/plain", "a.doc", TEXT, true},
		{"scan_text_mime = false " LIST, "text/plain", "a.txt", TEXT, false},
	};

	(void)state;
	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++)
		if (wants(rows[i].options, rows[i].type, rows[i].names, rows[i].data,
		          rows[i].data[0] == 'M' ? 8 : strlen(rows[i].data)) != rows[i].want)
			fail_msg("row %zu: %s %s %s", i, rows[i].options, rows[i].type, rows[i].names);
}

#define BYTES(s) s, sizeof(s) - 1

/* Text and images are left out when their bytes say that they are; what no row of sniff knows is scanned. */
static void
detected(void **state)
{
	static const struct {
		const char *type, *data;
		size_t len;
		bool text, image; /* left out with scan_text_mime, scan_image_mime = false */
	} rows[] = {
		{"text/plain", BYTES("Dear all,\r\n\tthis is text.\f\r\n"), true, false},
		{NULL, BYTES("Dear all"), true, false},
		{"text/plain", BYTES(""), true, false},
		{"text/html", BYTES("\xef\xbb\xbf <!DOCTYPE html>\n"), true, false},
		{"text/csv", BYTES("gr\xc3\xbc\xc3\x9f;gr\xfc\xdf"), true, false},
		{"text/plain", BYTES("\x1b$B%F%9%H\x1b(B"), true, false},
		{"text/plain", BYTES("Dear\0all"), false, false},
		{"text/plain", BYTES("\xff\xfeh\0i\0"), false, false},
		{"text/plain", BYTES("Dear \1 all"), false, false},
		{"text/plain", BYTES("Dear all\x7f"), false, false},
		{"text/html", BYTES("<html>\0\1\2"), false, false},
		{"text/plain", BYTES("\xe8\0\0\0\0\x5d\x81\xed"), false, false},
		{"text/plain", BYTES("{\\rtf1 \\object"), false, false},
		{"text/plain", BYTES("\x89PNG\r\n\x1a\n"), false, false},
		{"application/octet-stream", BYTES("Dear all"), false, false},
		{"image/png", BYTES("\x89PNG\r\n\x1a\n"), false, true},
		{"image/jpeg", BYTES("GIF89a"), false, true},
		{"image/png", BYTES("\xe8\0\0\0\0\x5d\x81\xed"), false, false},
		{"image/png", BYTES("Dear all"), false, false},
		{"image/png", BYTES("<html>"), false, false},
		{"image/svg+xml", BYTES("<svg onload='x()'>"), false, false},
		{"application/octet-stream", BYTES("\x89PNG\r\n\x1a\n"), false, false},
	};

	(void)state;
	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++)
		if (wants("scan_text_mime = false", rows[i].type, "", rows[i].data, rows[i].len) == rows[i].text ||
		    wants("scan_image_mime = false", rows[i].type, "", rows[i].data, rows[i].len) == rows[i].image)
			fail_msg("row %zu: %s", i, rows[i].type);
}

/* A page of text in front of it does not make it one: the last byte counts as the first does. */
static void
text_to_the_end(void **state)
{
	static const size_t sizes[] = {SNIFF_MAX, SNIFF_MAX + 1, 64 * 1024, 64 * 1024 + 1, 200000};

	(void)state;
	for (size_t i = 0; i < G_N_ELEMENTS(sizes); i++) {
		g_autofree char *page = g_malloc(sizes[i]);

		memset(page, 'x', sizes[i]);
		assert_false(wants("scan_text_mime = false", "text/plain", "a.txt", page, sizes[i]));
		page[sizes[i] - 1] = '\0';
		assert_true(wants("scan_text_mime = false", "text/plain", "a.txt", page, sizes[i]));
	}
}

static void
archives(void **state)
{
	static const struct {
		const char *members, *before, *behind;
		unsigned claim;
		bool want;
	} rows[] = {
		{"a.txt", "", "", 0, false},
		{"a.txt,b.txt,sub/,sub/c.txt", "", "", 0, false},
		{"a.txt,b.doc", "", "", 0, true},
		{"sub/a.doc", "", "", 0, true},
		{"sub.doc/a.txt", "", "", 0, false},
		/* an archive in the archive has names that are not seen */
		{"a.txt,b.zip", "", "", 0, true},
		{"a.txt,b.7z", "", "", 0, true},
		/* in front of it, behind it */
		{"a.txt,b.doc", "GIF89a", "", 0, true},
		{"a.txt,b.doc", "", "a comment", 0, true},
		{"a.txt", "", "a comment", 0, false},
		/* a directory that is not what its end says */
		{"a.txt", "", "", 1, true},
		{"a.txt", "", "", 65534, true},
		{"a.txt", "", "PK\5\6 and what is no end record", 0, true},
	};

	(void)state;
	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		GByteArray *z = zip_of(rows[i].members, rows[i].before, rows[i].behind, rows[i].claim);

		if (wants(LIST, "application/x", "a.bin", z->data, z->len) != rows[i].want)
			fail_msg("row %zu: %s", i, rows[i].members);
		g_byte_array_unref(z);
	}
	/* cut short, at every byte: the beginning of an archive asks */
	GByteArray *z = zip_of("a.txt", "", "", 0);
	for (size_t len = 4; len < z->len; len++)
		assert_true(wants(LIST, "application/x", "a.bin", z->data, len));
	g_byte_array_unref(z);
}

static void
names_of_members(void **state)
{
	GByteArray *z = zip_of("a.txt,b/c.doc", "", "", 0);
	g_autoptr(GPtrArray) names = g_ptr_array_new_with_free_func(g_free);
	struct stuff s;

	(void)state;
	stuff_make(&s, "antivirus { null \"n\" { } }", "application/zip", "", z->data, z->len);
	assert_int_equal(zipnames_add(s.set, s.o, names), ZIPNAMES_ALL);
	assert_int_equal(names->len, 2);
	assert_string_equal(names->pdata[0], "a.txt");
	assert_string_equal(names->pdata[1], "b/c.doc");
	stuff_clear(&s);
	g_byte_array_unref(z);
}

/* What is left out is counted, and so is what remains. */
static void
left_out_is_counted(void **state)
{
	static const struct {
		const char *conf, *name;
		unsigned slots, left_out;
	} rows[] = {
		{"antivirus { null \"n\" { scan_whole = false " LIST " } }", "a.txt", 0, 1},
		{"antivirus { null \"n\" { scan_whole = false " LIST " } }", "a.doc", 1, 0},
		{"antivirus { null \"n\" { " LIST " } }", "a.txt", 1, 1},
		{"antivirus { " LIST " null \"n\" { } null \"o\" { extension_list = \"\" } }", "a.txt", 3, 0},
	};

	(void)state;
	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		struct stuff s;
		struct plan *p;

		stuff_make(&s, rows[i].conf, "text/plain", rows[i].name, TEXT, strlen(TEXT));
		p = plan_new(s.w.engines, s.set);
		if (p->slots->len != rows[i].slots || p->left_out != rows[i].left_out)
			fail_msg("row %zu: %u slots, %u left out", i, p->slots->len, p->left_out);
		plan_free(&p);
		stuff_clear(&s);
	}
}

static void
mistakes(void **state)
{
	static const char *const lists[] = {";", " ; ", ";  "};

	(void)state;
	for (size_t i = 0; i < G_N_ELEMENTS(lists); i++) {
		g_autofree char *text = g_strdup_printf("antivirus { null \"n\" { extension_list = \"%s\" } }", lists[i]);
		struct conf *c = world_conf(text);
		g_autoptr(GError) err = NULL;

		assert_null(engines_new(c, NULL, true, &err));
		assert_non_null(strstr(err->message, "names no extension"));
		assert_non_null(strstr(err->message, "test.conf:1: null \"n\": "));
		conf_unref(&c);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(filters),
		cmocka_unit_test(detected),
		cmocka_unit_test(text_to_the_end),
		cmocka_unit_test(archives),
		cmocka_unit_test(names_of_members),
		cmocka_unit_test(left_out_is_counted),
		cmocka_unit_test(mistakes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
