/*
 * store - the quarantine store as the daemon opens it
 *
 * Opened at the start when the configuration keeps mail there, or when there is one already: what
 * was kept is shown, released and expired whatever the configuration says today. A reload that
 * begins to need it opens it too.
 */
#include <unistd.h>

#include "base/log.h"
#include "daemon/server.h"

static void
tell(struct quarantine *q, const char *directory)
{
	struct quarantine_stats st;

	quarantine_stats(q, &st);
	log_notice("quarantine: %s holds %" G_GUINT64_FORMAT " mail%s, %" G_GUINT64_FORMAT " bytes",
	    directory, st.entries, st.entries == 1 ? "" : "s", st.bytes);
}

bool
server_open_store(struct server *s, const struct conf *conf, GError **err)
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
