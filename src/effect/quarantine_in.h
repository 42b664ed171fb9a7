/*
 * quarantine_in - the index of the quarantine store, shared by the files that make it up
 *
 * Every field of an entry but ref stands under the mutex. busy: one thread works on the entry alone (release, removal). pins: others
 * append to its journal. Neither lets anybody remove it; whoever holds one needs no lock for the entry's files.
 */
#ifndef AVM_EFFECT_QUARANTINE_IN_H
#define AVM_EFFECT_QUARANTINE_IN_H

#include <glib.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/log.h"
#include "effect/quarantine.h"
#include "effect/quarantine_disk.h"

/* So often a repetition is noted in the journal of one entry; then the mail is kept anew, within max_size. */
#define QUARANTINE_AGAIN_MAX 1000

struct entry {
	char	*ref;
	int64_t	 when;		/* it came, or came again: seconds of the wall clock */
	uint64_t bytes;		/* message and description */
	uint64_t size;		/* message */
	enum quarantine_state state;
	bool	 interrupted;	/* a release began and has no end: somebody may have it */
	unsigned again;
	char	*sender, *recipient, *cls, *name;	/* for the list; recipient is the first one */
	unsigned recipients;
	bool	 has_key;
	uint8_t	 key[DIGEST_LEN];	/* about_key() */
	bool	 busy;
	unsigned pins;
	bool	 stuck;		/* its removal has failed, which was told */
	GList	 link;		/* place in the order of age */
};

struct release_pass;

struct quarantine {
	struct qdisk	 disk;
	pthread_mutex_t	 mu;
	pthread_cond_t	 wake;		/* the keeper is to look, or to end */
	GHashTable	*entries;	/* ref -> struct entry, owned */
	GHashTable	*keys;		/* entry by its key: those that are held and have one */
	GQueue		 order;		/* by age, the oldest first */
	uint64_t	 bytes, reserved;	/* of entries; of mails that are being written */
	int64_t		 keep_ms;	/* of the configuration in use */
	uint64_t	 max_size;
	bool		 ending;
	pthread_t	 keeper;
	bool		 keeper_runs;
	struct log_limit full_limit, near_limit;
	GQueue		 passes;	/* of struct release_pass: mails of ours on their way back to us */
	atomic_uint_fast64_t kept, again, refused, failed, releases, removed;
};

static inline void
quarantine_lock(struct quarantine *q)
{
	pthread_mutex_lock(&q->mu);
}

static inline void
quarantine_unlock(struct quarantine *q)
{
	pthread_mutex_unlock(&q->mu);
}

/* Seconds of the wall clock: what stands in files must mean something after a restart. */
int64_t	 quarantine_now(void);

/* An entry from its files. Never NULL: what cannot be read is QUARANTINE_DAMAGED. */
struct entry *entry_read(const struct qdisk *d, const char *ref);
/* An entry from its description. */
struct entry *entry_new(const json_t *about, uint64_t about_bytes);
void	 entry_free(void *e);

/* A map from keys to entries, empty. */
GHashTable *index_keys_new(void);

/* Under the mutex. Takes e. */
void	 index_add(struct quarantine *q, struct entry *e);
/* Take e out of the index without freeing it. */
void	 index_take(struct quarantine *q, struct entry *e);
/* Its state or age has changed. */
void	 index_touch(struct quarantine *q, struct entry *e);
struct entry *index_find(struct quarantine *q, const char *ref);
/* Take it for oneself; NULL and *err when it is not there, or not free. */
struct entry *index_seize(struct quarantine *q, const char *ref, GError **err);
/* Nobody works on it. */
bool	 entry_is_free(const struct entry *e);

/* Remove an entry that is busy by our hand, from the disk, then from the index. Not under the mutex. False and *err: it is free again. */
bool	 retire_entry(struct quarantine *q, struct entry *e, GError **err);
/* Remove the oldest until the bound holds. Not under the mutex. */
void	 retire_for_space(struct quarantine *q, uint64_t max_size, const char *but);
/* Remove all that is older than the configuration says; one that cannot be removed keeps no other. Returns how many. Not under the mutex. */
unsigned retire_expired(struct quarantine *q);

#endif
