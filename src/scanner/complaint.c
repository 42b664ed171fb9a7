#include "scanner/complaint.h"

#include <clamav.h>
#include <string.h>

enum meaning { HARMLESS, BY_PARTS, PARTIAL };

/*
 * Beginnings of libclamav 1.4's warnings and errors that depend on nothing but the content; the
 * first that fits holds. HARMLESS: every byte was matched all the same (image structure, names,
 * metadata, a sum that differs). BY_PARTS: its mail parser stepped over a part that our
 * decomposition hands in by itself. What speaks of memory, files or the library itself must never
 * stand here.
 */
static const struct {
	const char *text;
	enum meaning meaning;
	enum reason reason;
} known[] = {
	{ "Partial message received", PARTIAL, REASON_MESSAGE_PARTIAL },
	{ "Attempt to send Content-type message/external-body", BY_PARTS, REASON_UNSUPPORTED },
	{ "Unsupported message format", BY_PARTS, REASON_UNSUPPORTED },
	{ "Binhex messages not supported", BY_PARTS, REASON_UNSUPPORTED },
	{ "messageToText: Unexpected attempt to handle uuencoded", BY_PARTS, REASON_UNSUPPORTED },
	{ "email message decode error", BY_PARTS, REASON_CORRUPT },
	{ "Internal email parse error", BY_PARTS, REASON_CORRUPT },
	{ "Unsupported RFC2047 encoding", HARMLESS, REASON_NONE },
	{ "TNEF - unknown level", HARMLESS, REASON_NONE },
	{ "TNEF body not being scanned", BY_PARTS, REASON_UNSUPPORTED },
	{ "Corrupt TNEF header", PARTIAL, REASON_CORRUPT },
	{ "cli_tnef: file truncated", PARTIAL, REASON_CORRUPT },

	{ "cli_max_malloc(): File or section is too large", PARTIAL, REASON_LIMIT_SIZE },
	{ "cli_max_calloc(): File or section is too large", PARTIAL, REASON_LIMIT_SIZE },
	{ "cli_max_realloc(): File or section is too large", PARTIAL, REASON_LIMIT_SIZE },
	{ "cli_max_realloc_or_free(): File or section is too", PARTIAL, REASON_LIMIT_SIZE },
	{ "cli_bcapi_malloc(): File or section is too large", PARTIAL, REASON_LIMIT_SIZE },
	{ "cli_scanxz: decompress file size exceeds limits", PARTIAL, REASON_LIMIT_SIZE },
	{ "dmg_handle_mish: mish block", PARTIAL, REASON_LIMIT_SIZE },
	{ "cli_unzip: Number of file records", PARTIAL, REASON_LIMIT_FILES },
	{ "pdf_parse_dict: Recursion limit", PARTIAL, REASON_LIMIT_DEPTH },

	{ "egg_parse_archive_extra_field: Split archive", PARTIAL, REASON_MULTI_VOLUME },
	{ "cli_egg_extract_file: AZO decompression", PARTIAL, REASON_UNSUPPORTED },
	{ "cli_egg_extract_file: LZMA decompression", PARTIAL, REASON_UNSUPPORTED },
	{ "cli_egg_extract_file: unknown compression", PARTIAL, REASON_UNSUPPORTED },
	{ "cli_egg_", PARTIAL, REASON_CORRUPT },
	{ "egg_parse_", PARTIAL, REASON_CORRUPT },
	{ "Apparent end to EGG archive", PARTIAL, REASON_CORRUPT },
	{ "Failed to decompress BZIP2", PARTIAL, REASON_CORRUPT },
	{ "Failed to decompress RFC 1951", PARTIAL, REASON_CORRUPT },
	{ "cli_scanxz: decompress error", PARTIAL, REASON_CORRUPT },
	{ "cli_scanxz: premature end", PARTIAL, REASON_CORRUPT },
	{ "cli_untar: More bytes written than requested", PARTIAL, REASON_CORRUPT },
	{ "cli_LzmaInit: ignoring late size", HARMLESS, REASON_NONE },

	{ "GIF: ", HARMLESS, REASON_NONE },
	{ "JPEG: ", HARMLESS, REASON_NONE },
	{ "cli_parsetiff: ", HARMLESS, REASON_NONE },
	{ "cli_scanicon: found", HARMLESS, REASON_NONE },
	{ "SWF: declared", HARMLESS, REASON_NONE },
	{ "SWF: Tag length too large", PARTIAL, REASON_CORRUPT },
	{ "cli_scanswf: ", PARTIAL, REASON_CORRUPT },
	{ "scanzws: possibly truncated", PARTIAL, REASON_CORRUPT },
	{ "scanzws: LzmaInit() failed", PARTIAL, REASON_CORRUPT },

	{ "pdf_extract_obj: Failed to find", HARMLESS, REASON_NONE },
	{ "pdf_findobj_in_objstm: Fewer objects", HARMLESS, REASON_NONE },
	{ "pdf_readstring: Invalid", HARMLESS, REASON_NONE },
	{ "pdf_convert_utf: could not initialize iconv", HARMLESS, REASON_NONE },
	{ "ole2_convert_utf: could not", HARMLESS, REASON_NONE },
	{ "cli_codepage_to_utf8: ", HARMLESS, REASON_NONE },
	{ "utf16 length is not multiple of two", HARMLESS, REASON_NONE },
	{ "hfsplus_walk_catalog: failed to convert", HARMLESS, REASON_NONE },
	{ "ole2: Invalid key length", PARTIAL, REASON_CORRUPT },
	{ "vba_readdir_new: Failed to read", PARTIAL, REASON_CORRUPT },
	{ "vba_readdir_new: PROJECT", PARTIAL, REASON_CORRUPT },
	{ "vba_readdir_new: Record stretches", PARTIAL, REASON_CORRUPT },
	{ "scan_mso_stream: declared prefix", HARMLESS, REASON_NONE },
	{ "HWPOLE2: Mismatched", HARMLESS, REASON_NONE },
	{ "HWP3.x: Doc info block", PARTIAL, REASON_CORRUPT },
	{ "HWP3.x: Failed to read", PARTIAL, REASON_CORRUPT },
	{ "HWP3.x: Font Entry", PARTIAL, REASON_CORRUPT },
	{ "HWP3.x: Information", PARTIAL, REASON_CORRUPT },
	{ "HWP3.x: Paragraph", PARTIAL, REASON_CORRUPT },
	{ "check_state[msxml]: CL_EPARSE", PARTIAL, REASON_CORRUPT },
	{ "cli_msxml_parse_document: encountered issue", PARTIAL, REASON_CORRUPT },
	{ "ooxml_hwp_cb: encountered issue", PARTIAL, REASON_CORRUPT },
	{ "ooxml_parse_document: encountered issue", PARTIAL, REASON_CORRUPT },
	{ "msxml_parse_element: failed to decode base64", PARTIAL, REASON_CORRUPT },

	{ "cli_scanebr: detected", HARMLESS, REASON_NONE },
	{ "cli_scangpt: detected", HARMLESS, REASON_NONE },
	{ "cli_scangpt: protective MBR", HARMLESS, REASON_NONE },
	{ "hfsplus_walk_catalog: simple cycle", PARTIAL, REASON_CORRUPT },
	{ "hfsplus_volumeheader: cannot read header", PARTIAL, REASON_CORRUPT },
	{ "extractFile: ", PARTIAL, REASON_CORRUPT },
	{ "parseFileEntryDescriptor: ", PARTIAL, REASON_CORRUPT },
	{ "ishield: got multiple", HARMLESS, REASON_NONE },
	{ "crtmgr_verify_crt: choosing", HARMLESS, REASON_NONE },
	{ "crtmgr_rsa_verify: verification failed", HARMLESS, REASON_NONE },
	{ "fmap: attempted oof mapping", PARTIAL, REASON_CORRUPT },
};

void
complaint_judge(struct verdict *v, const char *text, bool decomposed)
{
	for (size_t i = 0; i < G_N_ELEMENTS(known); i++) {
		if (strncmp(text, known[i].text, strlen(known[i].text)) != 0)
			continue;
		if (known[i].meaning == PARTIAL || (known[i].meaning == BY_PARTS && !decomposed))
			verdict_partial(v, known[i].reason, "libclamav: %s", text);
		return;
	}
	verdict_fail(v, REASON_ENGINE_ERROR, "libclamav: %s", text);
}

/* libclamav has one callback for the process, and calls it without a context outside of a scan: no
 * way around a static. */
static struct {
	complaint_listener *fn;
	void *arg;
} listener;

static void
heard(enum cl_msg severity, const char *fullmsg, const char *msg, void *context)
{
	(void)fullmsg;
	(void)context;
	if (severity < CL_MSG_WARN || !listener.fn)
		return;
	g_autofree char *text = g_strdup(msg);
	for (char *c = text; *c != '\0'; c++)
		if (*c < ' ' || *c > '~')
			*c = c[1] == '\0' ? '\0' : '_';
	listener.fn(listener.arg, text);
}

void
complaint_listen(complaint_listener *fn, void *arg)
{
	listener.fn = fn;
	listener.arg = arg;
	cl_set_clcb_msg(heard);
}

void
complaint_raise(const char *text)
{
	if (listener.fn)
		listener.fn(listener.arg, text);
}
