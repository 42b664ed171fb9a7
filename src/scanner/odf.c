#include "scanner/odf.h"

#include <glib.h>
#include <string.h>

#define MANIFEST  "manifest.xml"
#define NAMESPACE "urn:oasis:names:tc:opendocument:xmlns:manifest:"
#define ENTRY     "encryption-data"

bool
odf_encrypted(const char *name, const void *data, size_t size)
{
	return name && g_str_has_suffix(name, MANIFEST) &&
	    memmem(data, size, NAMESPACE, strlen(NAMESPACE)) != NULL &&
	    memmem(data, size, ENTRY, strlen(ENTRY)) != NULL;
}
