/*
 * loader - the signatures, read in a thread of low priority
 *
 * An unprivileged process cannot raise its priority again, and workers inherit from whoever forks
 * them. So a thread loads, gives way to all that scan, and is joined; the zygote's main thread stayed
 * as it was and forks (decisions 19, 234).
 */
#ifndef AVM_SCANNER_LOADER_H
#define AVM_SCANNER_LOADER_H

#include <glib.h>
#include <stdbool.h>

#include "scanner/generation.h"
#include "scanner/selftest.h"
#include "worker/proto.h"

struct clamav;
struct loader;

struct loaded {
	struct clamav	*engine;
	struct generation generation;
};

/*
 * Start loading.
 *
 * urgent: at our own priority, because mail waits for it.
 *
 * Owns:    borrows everything until loader_join(); folder is where temporary files may go; sock
 * gets LOG packets
 */
struct loader *loader_start(const struct proto_settings *s, const struct selftest *t,
	    const char *folder, int sock, bool urgent);
/* Becomes readable when the thread is about to end. Borrowed. */
int	 loader_fd(const struct loader *l);
/* Before _exit(): nobody will wait for the thread. All that it borrows must stay. */
void	 loader_abandon(const struct loader *l);
/* What generation_read() says, read in such a thread and waited for. */
bool	 loader_look(const char *database, struct generation *out, GError **err);
/* The calling thread has low priority from now on. */
void	 loader_give_way(void);
/* Wait for the thread; frees l. False and *err when nothing was loaded. */
bool	 loader_join(struct loader **l, struct loaded *out, GError **err);

#endif
