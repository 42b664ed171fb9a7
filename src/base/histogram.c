/* histogram - see histogram.h */
#include "base/histogram.h"

#include <glib.h>

#define US_PER_MS 1000.0

static const struct {
	int64_t us;
	const char *name;
} bounds[HISTOGRAM_BOUNDS + 1] = {
	{ 1000, "0.001" },
	{ 2500, "0.0025" },
	{ 5000, "0.005" },
	{ 10000, "0.01" },
	{ 25000, "0.025" },
	{ 50000, "0.05" },
	{ 100000, "0.1" },
	{ 250000, "0.25" },
	{ 500000, "0.5" },
	{ 1000000, "1" },
	{ 2500000, "2.5" },
	{ 5000000, "5" },
	{ 10000000, "10" },
	{ 60000000, "60" },
	{ 240000000, "240" },
	{ INT64_MAX, "+Inf" },
};

const char *
histogram_bound(unsigned i)
{
	return bounds[i].name;
}

void
histogram_add(struct histogram *h, int64_t us)
{
	unsigned i = 0;

	us = MAX(us, 0);
	while (us > bounds[i].us)
		i++;
	atomic_fetch_add(&h->bucket[i], 1);
	atomic_fetch_add(&h->sum_us, (uint64_t)us);
}

void
histogram_reset(struct histogram *h)
{
	for (unsigned i = 0; i <= HISTOGRAM_BOUNDS; i++)
		atomic_store(&h->bucket[i], 0);
	atomic_store(&h->sum_us, 0);
}

void
histogram_read(const struct histogram *h, struct histogram_view *out)
{
	uint64_t sum = 0;

	for (unsigned i = 0; i <= HISTOGRAM_BOUNDS; i++) {
		sum += atomic_load(&h->bucket[i]);
		out->at_most[i] = sum;
	}
	out->sum_us = atomic_load(&h->sum_us);
}

double
histogram_mean_ms(const struct histogram *h)
{
	struct histogram_view v;

	histogram_read(h, &v);
	if (v.at_most[HISTOGRAM_BOUNDS] == 0)
		return 0;
	return (double)v.sum_us / (double)v.at_most[HISTOGRAM_BOUNDS] / US_PER_MS;
}
