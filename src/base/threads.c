/*
 * threads - queue, condition, threads that take from it
 */
#include "base/threads.h"

#include <glib.h>
#include <pthread.h>

struct task {
	threads_task fn;
	void *arg;
};

struct threads {
	unsigned max;
	pthread_mutex_t mu;  /* guards what follows */
	pthread_cond_t work; /* something was queued, or the end has come */
	GQueue queue;        /* of struct task * */
	GArray *made;        /* of pthread_t */
	unsigned idle;
	bool ending;
};

struct threads *
threads_new(unsigned max)
{
	struct threads *t = g_new0(struct threads, 1);

	t->max = max;
	pthread_mutex_init(&t->mu, NULL);
	pthread_cond_init(&t->work, NULL);
	g_queue_init(&t->queue);
	t->made = g_array_new(FALSE, FALSE, sizeof(pthread_t));
	return t;
}

/* The next task, or NULL at the end. Locks: t->mu. */
static struct task *
next_task(struct threads *t)
{
	t->idle++;
	while (g_queue_is_empty(&t->queue) && !t->ending)
		pthread_cond_wait(&t->work, &t->mu);
	t->idle--;
	return g_queue_pop_head(&t->queue);
}

static void *
run(void *arg)
{
	struct threads *t = arg;
	struct task *task;

	pthread_mutex_lock(&t->mu);
	while ((task = next_task(t))) {
		pthread_mutex_unlock(&t->mu);
		task->fn(task->arg);
		g_free(task);
		pthread_mutex_lock(&t->mu);
	}
	pthread_mutex_unlock(&t->mu);
	return NULL;
}

/* Make one more thread. Locks: t->mu. False when the system has none to give. */
static bool
add_thread(struct threads *t)
{
	pthread_t thread;

	if (pthread_create(&thread, NULL, run, t) != 0)
		return false;
	g_array_append_val(t->made, thread);
	return true;
}

bool
threads_submit(struct threads *t, threads_task fn, void *arg)
{
	struct task *task = g_new(struct task, 1);
	bool ok = true;

	*task = (struct task){ fn, arg };
	pthread_mutex_lock(&t->mu);
	if (t->idle <= g_queue_get_length(&t->queue) && t->made->len < t->max)
		ok = add_thread(t) || t->made->len > 0;
	if (ok) {
		g_queue_push_tail(&t->queue, task);
		pthread_cond_signal(&t->work);
	}
	pthread_mutex_unlock(&t->mu);
	if (!ok)
		g_free(task);
	return ok;
}

void
threads_free(struct threads **tp)
{
	struct threads *t = *tp;

	if (!t)
		return;
	pthread_mutex_lock(&t->mu);
	t->ending = true;
	pthread_cond_broadcast(&t->work);
	pthread_mutex_unlock(&t->mu);
	for (guint i = 0; i < t->made->len; i++)
		pthread_join(g_array_index(t->made, pthread_t, i), NULL);
	g_array_unref(t->made);
	pthread_cond_destroy(&t->work);
	pthread_mutex_destroy(&t->mu);
	g_free(t);
	*tp = NULL;
}
