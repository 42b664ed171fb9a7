/* folders - see folders.h */
#include "daemon/folders.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/fsx.h"
#include "effect/quarantine.h"

#define FOLDER_MODE 0700

struct folder {
	const char *option;
	const char *path;
};

#define FOLDERS_MAX 4

static size_t
list(const struct conf *conf, struct folder out[FOLDERS_MAX])
{
	const bool store = quarantine_needed(conf);
	const struct folder all[] = {
		{ "file_base", conf->antivirus.file_base },
		{ "scratch_base", conf->antivirus.scratch_base },
		{ "path_directory", conf->antivirus.path_directory },
		{ "quarantine.directory",
		    store ? conf->quarantine.directory : conf->antivirus.file_base },
	};
	size_t n = 0;

	for (size_t i = 0; i < G_N_ELEMENTS(all); i++) {
		bool seen = false;

		for (size_t j = 0; j < n; j++)
			seen |= strcmp(out[j].path, all[i].path) == 0;
		if (!seen)
			out[n++] = all[i];
	}
	return n;
}

bool
folders_make(const struct conf *conf, const struct identity *owner, GError **err)
{
	struct folder f[FOLDERS_MAX];
	const size_t n = list(conf, f);

	for (size_t i = 0; i < n; i++) {
		const bool there = access(f[i].path, F_OK) == 0;

		if (!fsx_folder(f[i].path, FOLDER_MODE, err)) {
			g_prefix_error(err, "%s: ", f[i].option);
			return false;
		}
		if (!there && geteuid() == 0 && chown(f[i].path, owner->uid, owner->gid) != 0)
			return fsx_fail(err, f[i].path, "give the folder to our user");
	}
	return true;
}

void
folders_check(const struct conf *conf, const struct identity *owner, GPtrArray *errors)
{
	struct folder f[FOLDERS_MAX];
	const size_t n = list(conf, f);

	for (size_t i = 0; i < n; i++) {
		g_autofree char *parent = g_path_get_dirname(f[i].path);
		int rc;

		if (access(f[i].path, F_OK) == 0) {
			rc = identity_access(owner, f[i].path, R_OK | W_OK | X_OK);
			if (rc != 0)
				g_ptr_array_add(errors,
				    g_strdup_printf("%s = \"%s\": user %s cannot write there: %s; "
						    "chown it to %s or choose another folder",
					f[i].option, f[i].path, owner->name, g_strerror(rc),
					owner->name));
		} else if (access(parent, F_OK) != 0) {
			g_ptr_array_add(errors,
			    g_strdup_printf("%s = \"%s\": neither this folder nor the "
					    "one above it exists; make it for user %s",
				f[i].option, f[i].path, owner->name));
		} else if (access(parent, W_OK) != 0) {
			g_ptr_array_add(errors,
			    g_strdup_printf("%s = \"%s\": does not exist and cannot be "
					    "made in %s: %s; make it for user %s",
				f[i].option, f[i].path, parent, g_strerror(errno), owner->name));
		}
	}
}
