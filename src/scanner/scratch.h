/*
 * scratch - the private folders of this scanner and its workers
 *
 * Below settings.scratch stands one folder for each living scanner, avmilter-scanner.XXXXXX, with a
 * lock on it that dies with the scanner and the last of its workers; inside it one folder for each
 * worker. What nobody holds a lock on is left over from a scanner that was killed, and is removed
 * at the start of the next.
 */
#ifndef AVM_SCANNER_SCRATCH_H
#define AVM_SCANNER_SCRATCH_H

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

struct scratch;

/* Make our folder below base, after removing those of dead scanners. NULL and *err. */
struct scratch *scratch_new(const char *base, GError **err);
/* Our folder; borrowed. */
const char *scratch_path(const struct scratch *s);
/* Make the folder of worker number; the caller frees the path. NULL and *err. */
char	*scratch_worker(const struct scratch *s, uint32_t number, GError **err);
/* Remove a worker's folder with all that it left there. Missing is fine. */
bool	 scratch_worker_remove(const struct scratch *s, uint32_t number, GError **err);
/* Remove our folder, and nothing of s: a thread that still reads the path may go on. */
void	 scratch_remove(const struct scratch *s);
/* Remove our folder and give up the lock. */
void	 scratch_free(struct scratch **s);

#endif
