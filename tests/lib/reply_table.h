/*
 * reply_table - rows of "this answer means that", for the parsers of engines
 */
#ifndef AVM_TESTS_REPLY_TABLE_H
#define AVM_TESTS_REPLY_TABLE_H

#include "unit.h"
#include "verdict/verdict.h"

struct reply_row {
	const char *text;
	enum verdict_class class;
	enum reason reason; /* of what is missing; REASON_NONE: nothing is said about it */
	const char *name;   /* of the strongest finding; NULL: there is none */
	const char *object; /* of it; NULL: not looked at */
};

static inline void
reply_check(const struct reply_row *r, const struct verdict *v)
{
	const struct finding *f = verdict_top(v);
	enum verdict_class c = verdict_class(v);
	enum reason reason = v->failed != REASON_NONE ? v->failed : v->partial;

	if (c != r->class || (r->reason != REASON_NONE && reason != r->reason))
		fail_msg("\"%s\": %s %s", r->text, verdict_class_name(c), reason_name(reason));
	if (!r->name != !f || (f && strcmp(f->name, r->name) != 0))
		fail_msg("\"%s\": name %s", r->text, f ? f->name : "none");
	if (r->object && strcmp(f->object, r->object) != 0)
		fail_msg("\"%s\": object %s", r->text, f->object);
	assert_int_equal(verdict_is_clean(v), r->class == CLASS_CLEAN);
}

#endif
