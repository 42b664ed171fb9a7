/*
 * milter/kick: a connection to our own socket exactly when the last known worker becomes busy
 */
#include "unit.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/endpoint.h"
#include "milter/kick.h"

static struct kick k;
static char *dir;
static int listener;

static int
setup(void **state)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	g_autofree char *text = NULL;
	struct endpoint *e;

	(void)state;
	dir = unit_mkdir();
	g_snprintf(sun.sun_path, sizeof(sun.sun_path), "%s/s", dir);
	listener = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
	assert_int_equal(bind(listener, (struct sockaddr *)&sun, sizeof(sun)), 0);
	assert_int_equal(listen(listener, 8), 0);
	text = g_strconcat("unix:", sun.sun_path, NULL);
	e = endpoint_parse(text, NULL);
	assert_true(kick_init(&k, e, NULL));
	endpoint_free(&e);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	pthread_key_delete(k.key);
	close(listener);
	unit_rmdir(dir);
	return 0;
}

/* Connections that have come since the last question. */
static unsigned
arrived(void)
{
	unsigned n = 0;
	int fd;

	while ((fd = accept(listener, NULL, NULL)) >= 0) {
		char c;

		assert_int_equal(read(fd, &c, 1), 0);	/* closed without a byte */
		close(fd);
		n++;
	}
	return n;
}

static void *
known(void *arg)
{
	pthread_barrier_t *b = arg;

	kick_thread(&k);
	kick_thread(&k);	/* counted once */
	pthread_barrier_wait(b);
	pthread_barrier_wait(b);
	return NULL;
}

static void
only_the_last_one_kicks(void **state)
{
	pthread_barrier_t b;
	pthread_t t[2];

	(void)state;
	pthread_barrier_init(&b, NULL, 3);
	for (int i = 0; i < 2; i++)
		assert_int_equal(pthread_create(&t[i], NULL, known, &b), 0);
	pthread_barrier_wait(&b);
	kick_thread(&k);
	assert_int_equal(atomic_load(&k.threads), 3);
	kick_enter(&k);
	kick_enter(&k);
	assert_int_equal(arrived(), 0);
	kick_enter(&k);
	assert_int_equal(arrived(), 1);
	kick_enter(&k);		/* one that is not known yet */
	assert_int_equal(arrived(), 1);
	for (int i = 0; i < 4; i++)
		kick_leave(&k);
	kick_enter(&k);
	assert_int_equal(arrived(), 0);
	kick_leave(&k);
	pthread_barrier_wait(&b);
	for (int i = 0; i < 2; i++)
		pthread_join(t[i], NULL);
	assert_int_equal(atomic_load(&k.threads), 1);	/* they are forgotten when they end */
	pthread_barrier_destroy(&b);
}

static void
a_socket_that_is_gone_costs_nothing(void **state)
{
	(void)state;
	close(listener);
	listener = open("/dev/null", O_RDONLY);
	kick_send(&k);
	kick_enter(&k);
	kick_leave(&k);
	assert_int_equal(atomic_load(&k.sent), 0);
}

static void
too_long_a_path(void **state)
{
	g_autofree char *path = g_strnfill(300, 'x'), *text = g_strconcat("unix:/", path, NULL);
	struct endpoint *e = endpoint_parse(text, NULL);
	struct kick other;
	GError *err = NULL;

	(void)state;
	if (e == NULL)
		return;		/* refused even earlier */
	assert_false(kick_init(&other, e, &err));
	assert_non_null(strstr(err->message, "longer"));
	g_error_free(err);
	endpoint_free(&e);
}

#define T(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

static const struct CMUnitTest tests[] = { T(only_the_last_one_kicks), T(a_socket_that_is_gone_costs_nothing), T(too_long_a_path) };

UNIT_RUN(tests)
