/*
 * milter - what all sessions share, and how libmilter is told about us
 *
 * libmilter's callbacks get nothing but libmilter's own context, so one pointer to this struct is process-wide (in
 * callbacks.c). Everything else is passed down from it.
 */
#ifndef AVM_MILTER_MILTER_H
#define AVM_MILTER_MILTER_H

#include <stdatomic.h>
#include <stdbool.h>

#include "milter/kick.h"
#include "milter/mta.h"
#include "milter/snapshot.h"
#include "milter/stats.h"

struct alerts;
struct quarantine;
struct seal;

struct milter {
	const struct mta_ops	*ops;
	struct snapshot_slot	 slot;
	struct spool_budget	*budget;
	_Atomic(struct quarantine *) quarantine;	/* NULL: no store */
	struct seal		*seal;		/* NULL: no seals are put on or believed */
	struct alerts		*alerts;	/* NULL: nobody is told anything */
	char			*host;		/* our name, for header fields */
	struct kick		 kick;
	struct stats		 stats;
	atomic_bool		 draining;	/* messages that begin from now on are answered 451 */
	atomic_int_fast64_t	 cut_ms;	/* monotonic: when every scan has to end at the latest, INT64_MAX = no such moment */
	atomic_uint		 sessions;	/* open, negotiated */
	atomic_uint		 pending;	/* messages that began before the drain and have not ended */
	atomic_uint		 in_eom;	/* ends of message under way */
	atomic_bool		 closed;	/* no further one begins */
	atomic_int_fast64_t	 last_eom_ms;	/* when the last one of a pending message returned */
	atomic_ulong		 last_steps, last_actions;	/* of the latest negotiation: see session_adopt() */
};

/* Make it ready; ops is mta_libmilter but in tests. The snapshot slot starts empty. False and *err as kick_init(). */
bool	 milter_init(struct milter *m, const struct mta_ops *ops, const struct endpoint *own, GError **err);
/* Free what it owns. No session may be open. */
void	 milter_clear(struct milter *m);

/* Tell libmilter our callbacks. Once, before smfi_main(); m must live as long as the process. False when libmilter refuses. */
bool	 milter_register(struct milter *m);

/* The callbacks, for tests with a fake table; they work on the struct milter of the last milter_use(). */
void	 milter_use(struct milter *m);
const struct smfiDesc *milter_callbacks(void);

/* The actions (SMFIF_*) that a configuration needs from the MTA. */
unsigned long milter_actions(const struct conf *conf);

/* From now on messages that begin are answered 451 at their end; those in hand are finished. */
void	 milter_drain(struct milter *m);
/* Now those in hand are over too: scans end within 250 ms, what is not known by then is answered 451. */
void	 milter_cut(struct milter *m);
/*
 * The very end: an end of message that begins from now on is never answered (its thread waits for the end of the process), so that
 * each one that was answered has its log line and the other way round. Waits a moment until the answers under way are out.
 */
void	 milter_close(struct milter *m);
/* Nothing is in hand any more that began before the drain, and the last answer is out. Refusals of later messages do not count:
 * under load they never end. */
bool	 milter_drained(struct milter *m);

#endif
