/* score - see score.h */
#include "engine/score.h"

#include <pthread.h>
#include <string.h>

/* Of the process, like the events: counted on the floor of the engines, shown by the daemon. Only ever grows. */
static struct {
	_Atomic(struct score *) first;
	pthread_mutex_t mu; /* of who adds one */
} scores = { .mu = PTHREAD_MUTEX_INITIALIZER };

struct score *
score_first(void)
{
	return atomic_load(&scores.first);
}

static struct score *
find(const char *title)
{
	struct score *s = score_first();

	while (s != NULL && strcmp(s->title, title) != 0)
		s = s->next;
	return s;
}

struct score *
score_of(const char *title)
{
	struct score *s = find(title);

	if (s != NULL)
		return s;
	pthread_mutex_lock(&scores.mu);
	s = find(title);
	if (s == NULL) {
		s = g_new0(struct score, 1);
		s->title = g_strdup(title);
		s->next = score_first();
		atomic_store(&scores.first, s);
	}
	pthread_mutex_unlock(&scores.mu);
	return s;
}

void
score_reset_all(void)
{
	for (struct score *s = score_first(); s != NULL; s = s->next) {
		for (int i = 0; i < CLASS_COUNT; i++)
			atomic_store(&s->objects[i], 0);
		atomic_store(&s->covered, 0);
		atomic_store(&s->messages, 0);
		atomic_store(&s->viruses, 0);
		atomic_store(&s->cured, 0);
		histogram_reset(&s->scan);
	}
}

uint64_t
score_asked(const struct score *s)
{
	uint64_t n = 0;

	for (int i = 0; i < CLASS_COUNT; i++)
		n += atomic_load(&s->objects[i]);
	return n;
}

void
score_message(struct score *s, enum verdict_class said, bool repaired)
{
	atomic_fetch_add(&s->messages, 1);
	if (said != CLASS_INFECTED)
		return;
	atomic_fetch_add(&s->viruses, 1);
	if (repaired)
		atomic_fetch_add(&s->cured, 1);
}
