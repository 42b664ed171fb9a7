/*
 * clamd_reply - the grammar of clamd's answers, and what they mean
 *
 *	[ID ": "] WHAT ": " TEXT
 *
 * WHAT is "stream" after INSTREAM, "fd[N]" after FILDES (N is the server's own), the path after SCAN. TEXT is exactly "OK",
 * or ends in " FOUND" or " ERROR". A reply is clean only if the whole of it is WHAT ": OK". Errors may come without WHAT:
 *
 *	stream: OK
 *	2: fd[12]: Eicar-Test-Signature FOUND
 *	INSTREAM size limit exceeded. ERROR
 */
#ifndef AVM_ENGINE_CLAMD_REPLY_H
#define AVM_ENGINE_CLAMD_REPLY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum clamd_said {
	CLAMD_UNKNOWN = 0,	/* not of a form we know */
	CLAMD_OK,
	CLAMD_FOUND,		/* text = name of the signature */
	CLAMD_ERROR,		/* text = what it says */
	CLAMD_EMPTY,		/* "Empty file" */
	CLAMD_EXCLUDED,
};

enum clamd_way { CLAMD_STREAM, CLAMD_FD, CLAMD_PATH };

struct clamd_reply {
	enum clamd_said	 said;
	char		*text;	/* owned, or NULL */
};

/*
 * Parse a reply without its terminator.
 *
 * id:   number of the command in its session, 0 = no session
 * path: as it was sent, for CLAMD_PATH; else NULL
 */
void	 clamd_reply_parse(struct clamd_reply *r, const char *reply, size_t len, unsigned id, enum clamd_way way, const char *path);
void	 clamd_reply_clear(struct clamd_reply *r);

struct verdict;
/* What a reply about an object of size bytes means. where: "engine TITLE: SERVER", for texts. Leaves v without COMPLETE unless
 * the reply says so. */
void	 clamd_judge(const struct clamd_reply *r, size_t size, struct verdict *v, const char *label, const char *title,
	    const char *where);

/* VERSION: "ClamAV 1.4.6/27500/Thu Dec 26 09:38:26 2024", the last two optional. *version and *definitions (or NULL) are
 * copied. False when it is nothing like that. */
bool	 clamd_version_parse(const char *reply, char **version, char **definitions, int64_t *made);

#endif
