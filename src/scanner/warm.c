#include "scanner/sandbox.h"

#include <iconv.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <time.h>

/*
 * Character sets that libclamav (its table of code pages) and mail ask for. Their modules stay in
 * memory as long as the handles are open, so that a later iconv_open() needs no file, which the
 * sandbox would refuse.
 */
static const char *const charsets[] = { "UTF-16", "UTF-16LE", "UTF-16BE", "UTF-32", "UTF-32LE",
	"UTF-32BE", "UTF-7", "UCS-2", "UCS-2LE", "UCS-2BE", "UCS-4", "UCS-4LE", "UCS-4BE", "ASCII",
	"ISO-8859-1", "ISO-8859-2", "ISO-8859-3", "ISO-8859-4", "ISO-8859-5", "ISO-8859-6",
	"ISO-8859-7", "ISO-8859-8", "ISO-8859-9", "ISO-8859-10", "ISO-8859-11", "ISO-8859-13",
	"ISO-8859-14", "ISO-8859-15", "ISO-8859-16", "WINDOWS-1250", "WINDOWS-1251", "WINDOWS-1252",
	"WINDOWS-1253", "WINDOWS-1254", "WINDOWS-1255", "WINDOWS-1256", "WINDOWS-1257",
	"WINDOWS-1258", "CP874", "CP932", "CP936", "CP949", "CP950", "KOI8-R", "KOI8-U",
	"MACINTOSH", "GB18030", "GBK", "GB2312", "BIG5", "EUC-CN", "EUC-JP", "EUC-KR", "EUC-TW",
	"SHIFT_JIS", "ISO-2022-JP", "ISO-2022-JP-2", "ISO-2022-JP-3", "ISO-2022-KR", "ISO-2022-CN",
	"JOHAB", "TIS-620", "IBM037", "IBM1026", "IBM1047", "IBM273", "IBM277", "IBM278", "IBM280",
	"IBM284", "IBM285", "IBM290", "IBM297", "IBM420", "IBM423", "IBM424", "IBM437", "IBM500",
	"CP737", "IBM775", "IBM850", "IBM852", "IBM855", "IBM857", "IBM860", "IBM861", "IBM862",
	"IBM863", "IBM864", "IBM865", "IBM866", "IBM869", "IBM870", "IBM871", "IBM880", "IBM905",
	"CP1025" };

static void
drop(void *handle)
{
	iconv_close(handle);
}

static void
keep(GPtrArray *handles, const char *to, const char *from)
{
	iconv_t handle = iconv_open(to, from);

	/* What this C library does not know cannot be needed. */
	if (handle != (iconv_t)-1)
		g_ptr_array_add(handles, handle);
}

GPtrArray *
warm_up(void)
{
	GPtrArray *handles = g_ptr_array_new_with_free_func(drop);
	time_t now = time(NULL);
	struct tm tm;
	EVP_MD *md;

	setenv("TZ", "UTC", 1);
	tzset();
	localtime_r(&now, &tm);
	OPENSSL_init_crypto(OPENSSL_INIT_LOAD_CONFIG | OPENSSL_INIT_ADD_ALL_DIGESTS, NULL);
	if ((md = EVP_MD_fetch(NULL, "SHA256", NULL)) != NULL)
		EVP_MD_free(md);
	for (size_t i = 0; i < G_N_ELEMENTS(charsets); i++) {
		keep(handles, "UTF-8", charsets[i]);
		keep(handles, charsets[i], "UTF-8");
	}
	return handles;
}
