/* store - see store.h */
#include "daemon/store.h"

#include <sys/statvfs.h>
#include <unistd.h>

#include "base/log.h"

static void
tell(struct quarantine *q, const char *directory)
{
	struct quarantine_stats st;

	quarantine_stats(q, &st);
	log_notice("quarantine: %s holds %" G_GUINT64_FORMAT " mail%s, %" G_GUINT64_FORMAT " bytes",
	    directory, st.entries, st.entries == 1 ? "" : "s", st.bytes);
}

bool
store_open(struct server *s, const struct conf *conf, GError **err)
{
	const char *directory = conf->quarantine.directory;
	const bool needed = quarantine_needed(conf);
	g_autoptr(GError) why = NULL;
	struct quarantine *q;

	if (atomic_load(&s->milter.quarantine) != NULL ||
	    (!needed && access(directory, R_OK | W_OK | X_OK) != 0))
		return true;
	q = quarantine_open(conf, &why);
	if (q != NULL) {
		tell(q, directory);
		atomic_store(&s->milter.quarantine, q);
		return true;
	}
	if (!needed) {
		log_notice("the quarantine store is not opened: %s", why->message);
		return true;
	}
	g_propagate_prefixed_error(err, g_steal_pointer(&why), "quarantine.directory: ");
	return false;
}

void
store_check(const struct conf *conf, GPtrArray *warnings)
{
	const char *directory = conf->quarantine.directory;
	g_autofree char *parent = g_path_get_dirname(directory);
	const uint64_t wanted = conf->quarantine.max_size;
	struct statvfs v;
	uint64_t room;

	if (!quarantine_needed(conf) ||
	    statvfs(access(directory, F_OK) == 0 ? directory : parent, &v) != 0)
		return;
	room = (uint64_t)v.f_bavail * v.f_frsize;
	if (room < wanted)
		g_ptr_array_add(warnings,
		    g_strdup_printf("quarantine.max_size: %" G_GUINT64_FORMAT
				    " bytes may be kept in %s, where %" G_GUINT64_FORMAT
				    " are free; when the disk is full such mail is answered 451",
			wanted, directory, room));
	if (wanted == 0)
		g_ptr_array_add(warnings,
		    g_strdup_printf("quarantine.max_size = 0: mail is kept in %s until the disk is "
				    "full",
			directory));
}
