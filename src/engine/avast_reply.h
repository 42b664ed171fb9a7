/*
 * avast_reply - the answers of Avast for Linux: JSON of its REST service, lines of its socket
 *
 *	{"issues":[{"path":"a.eml|>part","virus":"EICAR Test-NOT virus!!!"}]}
 *	{"issues":[{"path":"a.eml","warning_id":42056,"warning_str":"Archive is password protected"}]}
 *
 *	SCAN /tmp/a|>part<TAB>[L]1.0<TAB>0 EICAR\ Test-NOT\ virus!!!
 *	SCAN /tmp/a<TAB>[E]3.0<TAB>Error 42110 The\ file\ is\ a\ decompression\ bomb
 *	SCAN /tmp/a<TAB>[+]0.0
 */
#ifndef AVM_ENGINE_AVAST_REPLY_H
#define AVM_ENGINE_AVAST_REPLY_H

#include <glib.h>
#include <stdbool.h>

struct verdict;

/* What a judgement needs to know; everything borrowed. */
struct avast_object {
	const char *label;
	const char *title;	/* of the engine */
	const char *where;	/* "engine TITLE: SERVER: reply" */
	bool	 warnings_as_threat;
};

/* What a JSON body means. Only {"issues":[]} is clean, and only if sent_all: the object had been handed over before. */
void	 avast_judge_json(const GString *body, bool sent_all, const struct avast_object *o, struct verdict *v);

/*
 * One "SCAN ..." line about the file of that name.
 *
 * Returns: false and v FAILED(protocol) when it is not about it or not understood. *clean is set by the line that says so of the
 *          file itself.
 */
bool	 avast_judge_line(const char *line, const char *path, const struct avast_object *o, bool *clean, struct verdict *v);

/* The final line: true for "200 SCAN OK"; else v FAILED. */
bool	 avast_judge_end(const char *line, const struct avast_object *o, struct verdict *v);

/* A path as an argument of SCAN: blanks, tabs and backslashes with a backslash in front. NULL when it cannot be written. */
char	*avast_escape(const char *path);

#endif
