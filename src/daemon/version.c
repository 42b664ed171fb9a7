/* version - see version.h */
#include "daemon/version.h"

#include <jansson.h>
#include <libmilter/mfapi.h>
#include <openssl/crypto.h>
#include <stdio.h>
#include <sysexits.h>

#include "daemon/generation.h"
#include "daemon/notify.h"
#include "engine/engine.h"

static void
print_engines(void)
{
#define ENGINE(name) #name,
	static const char *const names[] = {
#include "engine/engines.def"
	};
#undef ENGINE

	for (size_t i = 0; i < G_N_ELEMENTS(names); i++) {
		const struct engine_ops *ops = engine_ops_find(names[i]);

		if (ops != NULL)
			printf("engine %-10s %s\n", ops->name, ops->summary);
	}
}

/* libclamav, GMime and the sandbox belong to the other program: let it speak. */
static void
print_scanner(const struct conf *conf)
{
	g_autofree char *path = conf != NULL ? generation_scanner_path(conf) : NULL;
	g_autofree char *out = NULL;
	char arg[] = "-V";
	char *argv[] = { path, arg, NULL };

	if (path != NULL &&
	    g_spawn_sync(
		NULL, argv, NULL, G_SPAWN_STDERR_TO_DEV_NULL, NULL, NULL, &out, NULL, NULL, NULL) &&
	    out != NULL && out[0] != '\0')
		fputs(out, stdout);
	else
		printf("scanner %s: cannot be run\n", path != NULL ? path : "(no configuration)");
}

int
version_run(const struct conf *conf)
{
	unsigned major, minor, patch;

	smfi_version(&major, &minor, &patch);
	printf("avmilter %s\n", AVM_VERSION);
	printf("features %s, libmilter with a pool of workers\n", notify_feature());
	printf("libraries libmilter %u.%u.%u, GLib %u.%u.%u, %s, jansson %s\n", major, minor, patch,
	    glib_major_version, glib_minor_version, glib_micro_version,
	    OpenSSL_version(OPENSSL_VERSION), jansson_version_str());
	print_engines();
	print_scanner(conf);
	return EX_OK;
}
