/*
 * reload - a new generation while another serves: is it wanted at all, and does the old one have to
 * make room for it first
 *
 * The zygote looks into the folder and waits. The same definitions, or older ones, end it there.
 * Concurrent: it loads beside what serves. Blocking: it loads everything on trial, a piece at a time, while the old
 * generation still serves; then that one ends, mail waits in the queue with its own deadline, and
 * the zygote loads.
 */
#include <inttypes.h>
#include <string.h>

#include "base/events.h"
#include "base/log.h"
#include "conf/conf.h"
#include "worker/pool.h"
#include "worker/room.h"

#define MIB (1024 * 1024)

/* What a second engine takes, by what the first holds: loading needs a little more than the result,
 * definitions grow, and the mail that is scanned meanwhile needs room too. */
#define NEED_PERCENT 125
#define NEED_RESERVE ((uint64_t)64 * MIB)

bool
reload_is_same(const struct workers *p, const uint8_t id[32])
{
	return p->serving && p->serving->zygote && !p->serving->lost &&
	    memcmp(p->serving->ready.generation, id, sizeof(p->serving->ready.generation)) == 0;
}

void
reload_done(struct workers *p, enum reload_outcome outcome, const char *text)
{
	if (p->answering == 0)
		return;
	pthread_mutex_lock(&p->mu);
	p->reloads_done = p->answering;
	p->outcome = outcome;
	g_free(p->outcome_text);
	p->outcome_text = g_strdup(text);
	pthread_cond_broadcast(&p->changed);
	pthread_mutex_unlock(&p->mu);
	p->answering = 0;
}

void
reload_unchanged(struct workers *p, struct generation *g)
{
	log_info("scanner: generation %u: the same definitions as before, generation %u serves on",
	    g->number, p->serving->number);
	g_clear_pointer(&p->told_error, g_free);
	p->coming = NULL;
	generation_set_state(g, GENERATION_DRAINING);
	reload_done(p, RELOADED_SAME, NULL);
}

/* RELOAD_AUTO: by the memory that is there now. */
static int
measure(const struct generation *serving, GString *why)
{
	uint64_t available, held, need;
	char who[ROOM_TEXT_MAX] = "";

	if (!serving->zygote || !room_held("", serving->zygote->pid, &held) ||
	    !room_available("", &available, who)) {
		g_string_append(why, "auto: the free memory cannot be told");
		return RELOAD_CONCURRENT;
	}
	need = held / 100 * NEED_PERCENT + NEED_RESERVE;
	g_string_append_printf(why,
	    "auto: %" PRIu64 " MB are needed beside the %" PRIu64 " MB in use, %" PRIu64
	    " MB are available (%s)",
	    need / MIB, held / MIB, available / MIB, who);
	return available >= need ? RELOAD_CONCURRENT : RELOAD_BLOCKING;
}

static int
choose(struct workers *p)
{
	g_autoptr(GString) why = g_string_new(NULL);
	int how;

	pthread_mutex_lock(&p->mu);
	how = p->reload;
	pthread_mutex_unlock(&p->mu);
	if (how == RELOAD_AUTO)
		how = measure(p->serving, why);
	else
		g_string_append(why, "as configured");
	log_notice("scanner: reload %s (%s)",
	    how == RELOAD_BLOCKING
		? "blocking: the new definitions are tried, then the old ones freed, then mail "
		  "waits for the new ones"
		: "concurrent: the new definitions are loaded beside the old ones",
	    why->str);
	return how;
}

static void
order(struct generation *g, enum proto_op op, enum load_step step, int64_t now)
{
	g->step = step;
	g->load_by_ms = now + g->pool->lim.load_timeout_ms;
	if (!zygote_order(g->zygote, op))
		generation_fail(g, "the scanner does not listen");
}

/* The old generation ends; mail waits from here on. */
static void
clear_place(struct workers *p, struct generation *g, int64_t now)
{
	g->step = LOAD_CLEARING;
	g->clear_by_ms = now + p->lim.clear_ms;
	g->load_by_ms = g->clear_by_ms + p->lim.load_timeout_ms;
	log_notice("scanner: generation %u ends, generation %u is loaded in its place; mail waits",
	    p->serving->number, g->number);
	pthread_mutex_lock(&p->mu);
	p->serving->state = GENERATION_DRAINING;
	p->serving = NULL;
	g_ptr_array_set_size(p->idle, 0);
	g_free(p->last_error);
	p->last_error = g_strdup("new definitions are being loaded in the place of the old ones");
	pthread_mutex_unlock(&p->mu);
}

static bool
is_older(const struct workers *p, const struct generation *g)
{
	return g->found.definitions < p->serving->ready.definitions;
}

static void
judge(struct workers *p, struct generation *g, int64_t now)
{
	if (!p->serving) /* it has ended meanwhile: nothing to lose */
		order(g, PROTO_LOAD_NOW, LOAD_TOLD, now);
	else if (reload_is_same(p, g->found.generation))
		reload_unchanged(p, g);
	else if (is_older(p, g))
		generation_fail(g,
		    "database %s: definitions %" PRIu64 " are older than those in use, %" PRIu64
		    "; fetch the newest with freshclam, or restart avmilter to go back to these",
		    p->cfg.settings.database, g->found.definitions, p->serving->ready.definitions);
	else if (choose(p) == RELOAD_CONCURRENT)
		order(g, PROTO_LOAD, LOAD_TOLD, now);
	else
		order(g, PROTO_CHECK, LOAD_CHECKING, now);
}

void
reload_tick(struct workers *p, struct generation *g, int64_t now, int64_t *next)
{
	switch (g->step) {
	case LOAD_FOUND:
		judge(p, g, now);
		break;
	case LOAD_CHECKED:
		if (p->serving)
			clear_place(p, g, now);
		else
			order(g, PROTO_LOAD_NOW, LOAD_TOLD, now);
		*next = now; /* the old one's workers are told to end */
		break;
	case LOAD_CLEARING:
		if (p->gens->len > 1 && now < g->clear_by_ms) {
			*next = MIN(*next, g->clear_by_ms);
			break;
		}
		if (p->gens->len > 1)
			log_warn("scanner: mail in hand still holds the old definitions after "
				 "%" PRId64 " s; the new ones are loaded beside them",
			    p->lim.clear_ms / 1000);
		order(g, PROTO_LOAD_NOW, LOAD_TOLD, now);
		break;
	case LOAD_UNASKED:
	case LOAD_ASKED:
	case LOAD_CHECKING:
	case LOAD_TOLD:
		break;
	}
	if (g->failed)
		*next = now; /* given up in the next round */
}
