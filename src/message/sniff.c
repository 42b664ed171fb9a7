/* sniff - see sniff.h */
#include "message/sniff.h"

#include <glib.h>
#include <string.h>

#define SLACK 1024 /* a PDF reader looks that far for the beginning */

#define ROW(at, magic, ...)                                                                        \
	{                                                                                          \
		at, sizeof(magic) - 1, magic,                                                      \
		{                                                                                  \
			__VA_ARGS__                                                                \
		}                                                                                  \
	}

static const struct row {
	size_t at, len;
	const char *magic;
	struct sniffed is;
} rows[] = {
	ROW(0, "MZ", "application/x-dosexec", "exe,dll,scr,com,pif,cpl,sys,ocx", false, true),
	ROW(0,
	    "\x7f"
	    "ELF",
	    "application/x-executable", "elf,so,bin", false, true),
	ROW(0, "\xca\xfe\xba\xbe", "application/java-vm", "class,bin", false, true),
	ROW(0, "\xcf\xfa\xed\xfe", "application/x-mach-binary", "bin", false, true),
	ROW(0, "\xce\xfa\xed\xfe", "application/x-mach-binary", "bin", false, true),
	ROW(0, "\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "application/x-ole-storage",
	    "doc,dot,xls,xlt,xla,ppt,pps,pot,msg,msi,vsd,pub,mdb", false, true),
	ROW(0, "{\\rt", "application/rtf", "rtf,doc", false, true),
	ROW(0, "L\0\0\0\1\x14\2", "application/x-ms-shortcut", "lnk", false, true),
	ROW(0, "FWS", "application/x-shockwave-flash", "swf", false, true),
	ROW(0, "CWS", "application/x-shockwave-flash", "swf", false, true),
	ROW(0, "ZWS", "application/x-shockwave-flash", "swf", false, true),
	ROW(0, "\xe4\x52\x5c\x7b\x8c\xd8\xa7\x4d", "application/onenote", "one", true, true),
	ROW(0, "#!", "text/x-shellscript", "sh,pl,py", false, true),
	ROW(0, "PK\3\4", "application/zip", "zip,jar", false, true),
	ROW(0, "PK\5\6", "application/zip", "zip,jar", false, true),
	ROW(0, "PK\7\x08", "application/zip", "zip,jar", true, true),
	ROW(0, "Rar!", "application/x-rar", "rar", true, true),
	ROW(0, "7z\xbc\xaf\x27\x1c", "application/x-7z-compressed", "7z", true, true),
	ROW(0, "\x1f\x8b", "application/gzip", "gz,tgz", true, true),
	ROW(0, "\x1f\x9d", "application/x-compress", "z", true, true),
	ROW(0, "BZh", "application/x-bzip2", "bz2,tbz", true, true),
	ROW(0,
	    "\xfd"
	    "7zXZ",
	    "application/x-xz", "xz,txz", true, true),
	ROW(0, "\x5d\0\0", "application/x-lzma", "lzma", true, true),
	ROW(0, "LZIP", "application/x-lzip", "lz", true, true),
	ROW(0, "\x28\xb5\x2f\xfd", "application/zstd", "zst", true, true),
	ROW(0, "\x04\x22\x4d\x18", "application/x-lz4", "lz4", true, true),
	ROW(0, "MSCF", "application/vnd.ms-cab-compressed", "cab", true, true),
	ROW(0, "ISc(", "application/x-installshield", "cab", true, true),
	ROW(0, "ITSF", "application/x-chm", "chm", true, true),
	ROW(0, "MSWIM", "application/x-ms-wim", "wim", true, true),
	ROW(0, "xar!", "application/x-xar", "xar,pkg", true, true),
	ROW(0, "!<arch>", "application/x-archive", "a,deb", true, true),
	ROW(0, "\xed\xab\xee\xdb", "application/x-rpm", "rpm", true, true),
	ROW(0,
	    "\x60"
	    "\xea",
	    "application/x-arj", "arj", true, true),
	ROW(2, "-lh", "application/x-lzh", "lzh,lha", true, true),
	ROW(2, "-lz", "application/x-lzh", "lzh,lha", true, true),
	ROW(7, "**ACE**", "application/x-ace", "ace", true, true),
	ROW(257, "ustar", "application/x-tar", "tar", true, true),
	ROW(0, "070701", "application/x-cpio", "cpio", true, true),
	ROW(0, "\x78\x9f\x3e\x22", "application/ms-tnef", "dat", true, true),
	ROW(0, "GIF8", "image/gif", "gif", false, true),
	ROW(0, "\x89PNG", "image/png", "png", false, true),
	ROW(0, "\xff\xd8\xff", "image/jpeg", "jpg,jpeg", false, true),
	ROW(0, "II*\0", "image/tiff", "tif,tiff", false, true),
	ROW(0, "MM\0*", "image/tiff", "tif,tiff", false, true),
	ROW(8, "WEBP", "image/webp", "webp", false, true),
	ROW(0, "OggS", "audio/ogg", "ogg", false, true),
	ROW(0, "ID3", "audio/mpeg", "mp3", false, true),
	ROW(4, "ftyp", "video/mp4", "mp4,mov", false, true),
};

/* Markup, which may begin with blanks, in either case. */
static const struct {
	const char *begin;
	struct sniffed is;
} markup[] = {
	{ "<!doctype html", { "text/html", "html,htm", false, true } },
	{ "<html", { "text/html", "html,htm", false, true } },
	{ "<head", { "text/html", "html,htm", false, true } },
	{ "<script", { "text/html", "html,htm,hta", false, true } },
	{ "<svg", { "image/svg+xml", "svg", false, true } },
	{ "<?xml", { "text/xml", "xml,svg", false, true } },
	{ "<job", { "text/xml", "wsf", false, true } },
};

static const char *const archives[] = { "zip", "jar", "rar", "7z", "tar", "gz", "tgz", "bz2", "tbz",
	"tbz2", "xz", "txz", "z", "taz", "lz", "lzma", "zst", "lz4", "cab", "arj", "lha", "lzh",
	"ace", "iso", "img", "udf", "vhd", "vhdx", "wim", "cpio", "deb", "rpm", "xar", "pkg", "dmg",
	"msi", "chm", "one", "eml", "msg", "mht", "mhtml", "dat", "uue", "hqx", "b64", "war", "ear",
	"apk", "arc", "zoo", "alz", "egg" };

bool
sniff_is_archive(const char *extension)
{
	for (size_t i = 0; i < G_N_ELEMENTS(archives); i++)
		if (strcmp(archives[i], extension) == 0)
			return true;
	return false;
}

static const struct sniffed *
find_markup(const char *p, size_t len)
{
	if (len >= 3 && memcmp(p, "\xef\xbb\xbf", 3) == 0) {
		p += 3;
		len -= 3;
	}
	for (; len > 0 && g_ascii_isspace(*p); len--)
		p++;
	for (size_t i = 0; i < G_N_ELEMENTS(markup); i++) {
		const size_t n = strlen(markup[i].begin);

		if (len >= n && g_ascii_strncasecmp(p, markup[i].begin, n) == 0)
			return &markup[i].is;
	}
	return NULL;
}

struct sniffed
sniff(const void *head, size_t len)
{
	const char *p = head;
	const struct sniffed *found;

	len = MIN(len, SNIFF_MAX);
	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++)
		if (len >= rows[i].at + rows[i].len &&
		    memcmp(p + rows[i].at, rows[i].magic, rows[i].len) == 0)
			return rows[i].is;
	if (memmem(p, MIN(len, SLACK), "%PDF", strlen("%PDF")))
		return (struct sniffed){ "application/pdf", "pdf", false, true };
	found = find_markup(p, len);
	if (found)
		return *found;
	if (memchr(p, '\0', len))
		return (struct sniffed){ "application/octet-stream", "", false, false };
	return (struct sniffed){ "text/plain", "", false, false };
}
