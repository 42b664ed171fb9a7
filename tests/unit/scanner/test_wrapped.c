/* S/MIME, TNEF, OpenPGP, packed files: what is taken out of them, and what is told of those that stay shut. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <glib.h>

#include "scanner/cms.h"
#include "scanner/odf.h"
#include "scanner/openpgp.h"
#include "scanner/packed.h"
#include "scanner/tnef.h"

#define OID(last) "\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x07" last
#define SHA256	  "\x31\x0d\x30\x0b\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x01"

static void
join(void *arg, const void *data, size_t len)
{
	g_string_append_len(arg, data, (gssize)len);
}

#define CMS(kind, text, ...) { __VA_ARGS__, sizeof(__VA_ARGS__) - 1, kind, text }
static const struct {
	const char	*data;
	size_t		 size;
	enum cms_kind	 kind;
	const char	*content;
} cms[] = {
	/* definite */
	CMS(CMS_PLAIN, "hello", "\x30\x37" OID("\x02") "\xa0\x2a\x30\x28\x02\x01\x01" SHA256
	    "\x30\x14" OID("\x01") "\xa0\x07\x04\x05hello"),
	/* lengths that lie: as much as there is */
	CMS(CMS_PLAIN, "hello", "\x30\x7f" OID("\x02") "\xa0\x7f\x30\x7f\x02\x01\x01" SHA256
	    "\x30\x7f" OID("\x01") "\xa0\x7f\x04\x7fhello"),
	/* indefinite, pieces within pieces */
	CMS(CMS_PLAIN, "hello world", "\x30\x80" OID("\x02") "\xa0\x80\x30\x80\x02\x01\x01" SHA256
	    "\x30\x80" OID("\x01") "\xa0\x80\x24\x80\x04\x02he\x24\x06\x04\x01l\x04\x01l\x04\x07o world\0\0\0\0\0\0\0\0\0\0\0\0"),
	/* a length in four bytes, a content type of somebody else */
	CMS(CMS_PLAIN, "hello", "\x30\x80" OID("\x02") "\xa0\x80\x30\x80\x02\x01\x01" SHA256
	    "\x30\x80\x06\x03\x2b\x06\x01\xa0\x80\x04\x84\0\0\0\x05hello\0\0\0\0\0\0\0\0\0\0"),
	/* detached; bare data; PKCS #7 with a content that is no octet string */
	CMS(CMS_PLAIN, "", "\x30\x80" OID("\x02") "\xa0\x80\x30\x80\x02\x01\x01" SHA256 "\x30\x0b" OID("\x01") "\0\0\0\0\0\0"),
	CMS(CMS_PLAIN, "hello", "\x30\x14" OID("\x01") "\xa0\x07\x04\x05hello"),
	CMS(CMS_PLAIN, "hello", "\x30\x14" OID("\x01") "\xa0\x07\x30\x05hello"),
	/* encrypted, compressed, broken, something else */
	CMS(CMS_ENCRYPTED, "", "\x30\x14" OID("\x03") "\xa0\x07\x30\x05xxxxx"),
	CMS(CMS_ENCRYPTED, "", "\x30\x80" OID("\x06") "\xa0\x07\x30\x05xxxxx"),
	CMS(CMS_OTHER, "", "\x30\x16\x06\x0b\x2a\x86\x48\x86\xf7\x0d\x01\x09\x10\x01\x09\xa0\x07\x30\x05xxxxx"),
	CMS(CMS_BROKEN, "he", "\x30\x80" OID("\x01") "\xa0\x80\x24\x80\x04\x02he\x13\x02xxxx"),
	CMS(CMS_BROKEN, "", "\x30\x80" OID("\x02") "\x30\x07\x04\x05hello"),
	CMS(CMS_NONE, "", "\x30\x14\x06\x09\x2a\x86\x48\x86\xf7\x0e\x01\x07\x02\xa0\x07\x04\x05hello"),
	CMS(CMS_NONE, "", "\x30\x12\x02\x01\x03xxxxxxxxxxxxxxxxx"),
	CMS(CMS_NONE, "", "just a text and nothing more"),
	CMS(CMS_NONE, "", ""),
};

static void
test_cms(void **state)
{
	(void)state;
	for (size_t i = 0; i < G_N_ELEMENTS(cms); i++) {
		g_autofree char *exact = g_memdup2(cms[i].data, MAX(cms[i].size, 1));
		g_autoptr(GString) got = g_string_new(NULL);

		assert_int_equal(cms_open(exact, cms[i].size, join, got), cms[i].kind);
		assert_string_equal(got->str, cms[i].content);
	}
}

/* Nested deeper than anybody should go: an answer, no crash. */
static void
test_cms_deep(void **state)
{
	g_autoptr(GString) deep = g_string_new(NULL), got = g_string_new(NULL);

	(void)state;
	g_string_append_len(deep, "\x30\x80" OID("\x01") "\xa0\x80", 15);
	for (int i = 0; i < 100000; i++)
		g_string_append_len(deep, "\x24\x80", 2);
	assert_int_equal(cms_open(deep->str, deep->len, join, got), CMS_BROKEN);
}

#define HEAD "\x78\x9f\x3e\x22\x01\x00"

static bool
note(void *arg, enum tnef_item item, const void *data, size_t len)
{
	g_string_append_printf(arg, "%s%.*s|", item == TNEF_CONTENT ? "" : item == TNEF_NAME ? "n:" : "w:", (int)len, (const char *)data);
	return true;
}

#define TNEF(whole, text, ...) { __VA_ARGS__, sizeof(__VA_ARGS__) - 1, whole, text }
static const struct {
	const char	*data;
	size_t		 size;
	bool		 whole;
	const char	*told;
} tnef[] = {
	TNEF(true, "n:a.txt|hello|", HEAD "\x02\x10\x80\x01\x00\x05\0\0\0a.txtxx" "\x02\x0f\x80\x06\x00\x05\0\0\0helloxx"),
	/* an unknown attribute is stepped over, a body is shown, the last checksum may be missing */
	TNEF(true, "hello|", HEAD "\x01\x06\x90\x08\x00\x04\0\0\0\0\0\x01\0xx" "\x01\x0c\x80\x02\x00\x05\0\0\0hello"),
	/* MAPI properties: a number, a named one, a name, an object (16 bytes of interface), several binaries */
	TNEF(true, "n:b.txt|0123456789abcdef|fedcba9876543210|", HEAD "\x02\x05\x90\x06\x00\x9c\0\0\0" "\x05\0\0\0"
	    "\x03\0\x05\x37\x01\0\0\0"
	    "\x1f\0\x01\x80" "0123456789abcdef\x01\0\0\0\x03\0\0\0na\0\0" "\x01\0\0\0\x01\0\0\0x\0\0\0"
	    "\x1e\0\x07\x37" "\x01\0\0\0\x05\0\0\0b.txt\0\0\0"
	    "\x0d\0\x01\x37" "\x01\0\0\0\x20\0\0\0" "IIIIIIIIIIIIIIII0123456789abcdef"
	    "\x02\x11\x02\x10" "\x02\0\0\0\x02\0\0\0xx\0\0\x10\0\0\0fedcba9876543210xx"),
	/* cut, and nonsense */
	TNEF(false, "hel|", HEAD "\x02\x0f\x80\x06\x00\x05\0\0\0hel"),
	TNEF(false, "hello|", HEAD "\x02\x0f\x80\x06\x00\x05\0\0\0helloxx\x07xxxxxxxxx"),
	TNEF(false, "", HEAD "\x02\x05\x90\x06\x00\x08\0\0\0\xff\xff\xff\xff\x48\x10\x01\x37xx"),
	TNEF(false, "", "no TNEF"),
};

static void
test_tnef(void **state)
{
	(void)state;
	for (size_t i = 0; i < G_N_ELEMENTS(tnef); i++) {
		g_autofree char *exact = g_memdup2(tnef[i].data, tnef[i].size);
		g_autoptr(GString) got = g_string_new(NULL);

		assert_int_equal(tnef_walk(exact, tnef[i].size, note, got), tnef[i].whole);
		assert_string_equal(got->str, tnef[i].told);
	}
}

#define LINE "hQEMA5O1zUkFJ8z3AQf/abcdefghijklmnop+/ABCDEFGHIJKLMNOPQRSTUVWXYZ\r\n"
static const struct {
	const char	*text;
	bool		 encrypted;
} pgp[] = {
	{ "-----BEGIN PGP MESSAGE-----\r\n\r\n" LINE, true },
	{ "hello\n\n-----BEGIN PGP MESSAGE-----  \nVersion: x\nComment: y\n\n" LINE, true },
	{ "-----BEGIN PGP MESSAGE-----\n" LINE, true },
	{ "> -----BEGIN PGP MESSAGE-----\n>\n> " LINE, false },
	{ "-----BEGIN PGP MESSAGE-----\n\nthis is how such a thing looks\n", false },
	{ "-----BEGIN PGP MESSAGE----- is its first line\n\n" LINE, false },
	{ "-----BEGIN PGP SIGNATURE-----\n\n" LINE, false },
	{ "-----BEGIN PGP MESSAGE-----", false },
};

static void
test_openpgp(void **state)
{
	static const unsigned char to_key[] = { 0x85, 0x01, 0x0c, 3, 1, 2, 3, 4, 5, 6, 7, 8, 1, 9, 9 };
	static const unsigned char phrase[] = { 0xc3, 0x0d, 4, 9, 3, 8, 1, 2, 3, 4, 5, 6, 7, 8, 9 };

	(void)state;
	for (size_t i = 0; i < G_N_ELEMENTS(pgp); i++)
		assert_int_equal(openpgp_armoured(pgp[i].text, strlen(pgp[i].text)), pgp[i].encrypted);
	assert_true(openpgp_encrypted(to_key, sizeof to_key));
	assert_true(openpgp_encrypted(phrase, sizeof phrase));
	assert_false(openpgp_encrypted(to_key, 5));
	assert_false(openpgp_encrypted("\x85\x01\x0c\x04" "0123456789ab", 16));
	assert_false(openpgp_encrypted("plain text, and more", 20));
}

#define PACKED(name, ...) { __VA_ARGS__ "................", sizeof(__VA_ARGS__ "................") - 1, name }
static const struct {
	const char	*data;
	size_t		 size;
	const char	*name;
} packed[] = {
	PACKED("zstd", "\x28\xb5\x2f\xfd"), PACKED("lz4", "\x04\x22\x4d\x18"), PACKED("lzip", "LZIP\x01"),
	PACKED("lzop", "\x89LZO\0\x0d\x0a\x1a\x0a"), PACKED("compress", "\x1f\x9d\x90"), PACKED("ace", "xxxxxxx**ACE**"),
	PACKED("lzma", "\x5d\0\0\x80\0\xff\xff\xff\xff\xff\xff\xff\xff\0"), PACKED("lzma", "\x5d\0\0\x01\0\x44\0\0\0\0\0\0\0\0"),
	PACKED(NULL, "\x5d\0\0\x80\0\xff\xff\xff\xff\xff\xff\xff\xff\1"), PACKED(NULL, "\x5d\1\2\3\4\xff\xff\xff\xff\xff\xff\xff\xff\0"),
	PACKED(NULL, "\x1f\x9d\xff"), PACKED(NULL, "PK\3\4"), PACKED(NULL, "\x1f\x8b"), PACKED(NULL, "text"),
	PACKED(NULL, "\0\0\0\x10\0\0\0\x05\0\0\0\0\0\0"),
};

static void
test_packed(void **state)
{
	static const char one[] = "BZh9\x31\x41\x59\x26\x53\x59xxxxxxxxx\x31\x41\x59\x26\x53\x59";
	static const char two[] = "BZh9\x31\x41\x59\x26\x53\x59xxxxxxxxxBZh1\x31\x41\x59\x26\x53\x59";

	(void)state;
	for (size_t i = 0; i < G_N_ELEMENTS(packed); i++) {
		const char *name = packed_format(packed[i].data, packed[i].size);
		assert_true(g_strcmp0(name, packed[i].name) == 0);
	}
	assert_null(packed_format("\x28\xb5\x2f\xfd", 4));
	assert_false(packed_bzip2_more(one, sizeof one));
	assert_true(packed_bzip2_more(two, sizeof two));
}

static void
test_odf(void **state)
{
	static const char locked[] = "<m xmlns=\"urn:oasis:names:tc:opendocument:xmlns:manifest:1.0\"><m:encryption-data/></m>";

	(void)state;
	assert_true(odf_encrypted("META-INF/manifest.xml", locked, sizeof locked));
	assert_false(odf_encrypted("content.xml", locked, sizeof locked));
	assert_false(odf_encrypted(NULL, locked, sizeof locked));
	assert_false(odf_encrypted("META-INF/manifest.xml", locked, 70));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cms),
		cmocka_unit_test(test_cms_deep),
		cmocka_unit_test(test_tnef),
		cmocka_unit_test(test_openpgp),
		cmocka_unit_test(test_packed),
		cmocka_unit_test(test_odf),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
