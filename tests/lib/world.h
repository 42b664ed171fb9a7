/*
 * world - a configuration, its engines and a sealed message, for tests of the middle floors
 */
#ifndef AVM_TESTS_WORLD_H
#define AVM_TESTS_WORLD_H

#include "unit.h"

#include "conf/conf.h"
#include "engine/engine.h"
#include "message/message.h"
#include "scan/scan.h"

struct world {
	struct conf *conf;
	struct engines *engines;
	struct spool_budget *budget;
	struct message_limits lim;
	struct wait wait;
};

/* A configuration that must be good. */
static inline struct conf *
world_conf(const char *text)
{
	g_autoptr(GError) err = NULL;
	struct conf *c = conf_parse(text, "test.conf", &err);

	if (!c)
		fail_msg("%s", err->message);
	return c;
}

static inline struct world
world_new(const char *text)
{
	g_autoptr(GError) err = NULL;
	struct world w = {.conf = world_conf(text), .budget = spool_budget_new()};

	w.engines = engines_new(w.conf, NULL, true, &err);
	if (!w.engines)
		fail_msg("%s", err->message);
	w.lim.spool = (struct spool_limits){
	    .memory_max = 1 << 20, .total_max = 1 << 26, .file_base = g_get_tmp_dir()};
	w.lim.header_max = 256 * 1024;
	wait_init(&w.wait, deadline_in(20000), 0, NULL, NULL);
	return w;
}

static inline struct message *
world_message(struct world *w, const char *body)
{
	static char name[] = "mx.example", addr[] = "192.0.2.1";
	const struct client client = {.name = name, .addr = addr};
	struct message *m = message_new(w->budget, &w->lim, &client, "<a@example>");

	message_add_recipient(m, "<c@example>");
	message_add_header(m, "Subject", " test");
	message_add_body(m, body, strlen(body));
	return m;
}

static inline void
world_end(struct world *w)
{
	engines_free(&w->engines);
	conf_unref(&w->conf);
	assert_int_equal(spool_budget_used(w->budget), 0);
	spool_budget_free(&w->budget);
}

#endif
