/*
 * item - what a verdict consists of, one thing each: a finding, "unscannable" or "error" of one engine, or "clean"
 *
 * The rules are asked about each item by itself (decision 2), so nothing else in the mail can excuse it. Pointers are borrowed from
 * verdict and configuration, which must outlive the items.
 */
#ifndef AVM_POLICY_ITEM_H
#define AVM_POLICY_ITEM_H

#include <glib.h>
#include <stdbool.h>

#include "conf/conf.h"
#include "verdict/verdict.h"

struct item {
	enum verdict_class cls;
	const struct finding *finding;	/* NULL: not complete, clean, or a finding that was not kept */
	const char	*engine;	/* title of the section that it comes from; "" = no engine in particular */
	bool		 vague;		/* a finding that was not kept: name, object and symbols are forgotten, and engine is one of
					 * those that it may be of */
	GPtrArray	*symbols;	/* of char *, owned: the engine's `symbol` with the suffix of the class; more may be added */
	GPtrArray	*maybe;		/* of char *, owned: symbols of which nobody knows whether they hold */
	GHashTable	*ignored_for;	/* set of char *, owned: recipients for whom it does not count; NULL = none */
};

/* Every item of a verdict: never empty, a clean verdict has one of class clean. Free with g_ptr_array_unref(). */
GPtrArray *items_new(const struct conf *conf, const struct verdict *v);

/* It does not count for this recipient. */
void	 item_ignore_for(struct item *it, const char *rcpt);
/* Does the item not count for this recipient? rcpt as in facts.h; NULL = one that is not known. */
bool	 item_ignored(const struct item *it, const char *rcpt);

#endif
