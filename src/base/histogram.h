/*
 * histogram - how long something took, counted in buckets
 *
 * The bounds are the same for everything, from 1 ms to the longest time that a message may take, so that one picture can show
 * several of them. Zero-initialised memory is an empty one.
 *
 * Threads: any, at the same time; nothing blocks. A reader may miss what is being added.
 */
#ifndef AVM_BASE_HISTOGRAM_H
#define AVM_BASE_HISTOGRAM_H

#include <stdatomic.h>
#include <stdint.h>

#define HISTOGRAM_BOUNDS 15

struct histogram {
	atomic_uint_fast64_t	 bucket[HISTOGRAM_BOUNDS + 1];	/* by the lowest bound that holds; the last: longer than all */
	atomic_uint_fast64_t	 sum_us;
};

/* What a histogram held at one moment: at_most[i] took no longer than bound i, the last one is all of them. */
struct histogram_view {
	uint64_t at_most[HISTOGRAM_BOUNDS + 1];
	uint64_t sum_us;
};

/* The bounds in seconds, as Prometheus writes them; "+Inf" behind the last. */
const char *histogram_bound(unsigned i);

/* Count one of us microseconds; less than none counts as none. */
void	 histogram_add(struct histogram *h, int64_t us);
void	 histogram_reset(struct histogram *h);
void	 histogram_read(const struct histogram *h, struct histogram_view *out);
/* Mean in milliseconds, 0 when nothing was counted. */
double	 histogram_mean_ms(const struct histogram *h);

#endif
