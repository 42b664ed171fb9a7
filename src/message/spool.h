/*
 * spool - one message as bytes: written once, then sealed, then read by many
 *
 * Up to 1 MB wait in a buffer, more in a memfd up to memory_max, then in an unlinked file in file_base. The front
 * never maps any of those, so its resident set does not grow with large messages. All spools together stay below total_max
 * of the budget they were made with. Sealing fixes the content; a memfd gets every seal, so no process that is handed the
 * descriptor can change a byte.
 *
 * Diagnostics: none are logged here; every failure travels up as a GError.
 * Limits:      conf spool.memory_max, spool.message_max, spool.total_max
 */
#ifndef AVM_MESSAGE_SPOOL_H
#define AVM_MESSAGE_SPOOL_H

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/auto.h"
#include "base/digest.h"

enum spool_error {
	SPOOL_E_IO,		/* ENOSPC, EIO, EMFILE ...: answer 451, it may work again later */
	SPOOL_E_BUDGET,		/* other messages hold total_max: answer 451 */
	SPOOL_E_TOOBIG,		/* larger than min(message_max, total_max / 2): never fits, unscannable (decision 25) */
};
#define SPOOL_ERROR spool_error_quark()
GQuark	 spool_error_quark(void);

/* The bytes that all spools of one daemon may hold together. Shared by every thread. */
struct spool_budget;
struct spool_budget *spool_budget_new(void);
void	 spool_budget_free(struct spool_budget **b);
/* Bytes held now. Any thread. */
uint64_t spool_budget_used(const struct spool_budget *b);

struct spool_limits {
	uint64_t	 memory_max;	/* above it the message moves to a file */
	uint64_t	 message_max;	/* 0 = total_max / 2 alone bounds it */
	uint64_t	 total_max;
	const char	*file_base;	/* folder of the file; borrowed, must outlive the spool */
};

struct spool;

/* An empty spool. Owns nothing of the caller's; b and limits->file_base must outlive it. Costs no descriptor yet. */
struct spool *spool_new(struct spool_budget *b, const struct spool_limits *limits);

/*
 * Append bytes to an unsealed spool.
 *
 * Owns:    copies the bytes; the caller keeps its buffer
 * Returns: false and sets *err (SPOOL_ERROR); the spool is then poisoned: what it held is given back to the budget, and
 *          every later append and the seal fail with the same code
 * Threads: one at a time, before spool_seal()
 * Blocks:  on the local disk only
 */
bool	 spool_append(struct spool *sp, const void *data, size_t len, GError **err);

/* Fix the content: flush, add the seals. Returns false and *err as spool_append(). Idempotent. */
bool	 spool_seal(struct spool *sp, GError **err);

/* A sealed spool's size, digest, and descriptor for another process (read-only use; borrowed, valid until spool_free()).
 * spool_digest() computes it when it is asked first: a message that the cache knows never needs it; NULL and *err when the content
 * cannot be read. spool_fd() makes the memfd if the content was small enough to need none so far; -1 and *err. Any thread. */
uint64_t spool_size(const struct spool *sp);
const uint8_t *spool_digest(struct spool *sp, GError **err) MUST_USE;
int	 spool_fd(struct spool *sp, GError **err);

/* Read exactly len bytes at an offset of a sealed spool. Any thread. Returns false and *err (also beyond the end). */
bool	 spool_read(const struct spool *sp, uint64_t at, void *buf, size_t len, GError **err);

/* True when the content stands in a file in file_base. */
bool	 spool_on_disk(const struct spool *sp);

void	 spool_free(struct spool **sp);

#endif
