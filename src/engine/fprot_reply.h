/*
 * fprot_reply - the grammar of fpscand's answers (F-Prot 6), and what they mean
 *
 *	CODE <TEXT> ID[->MEMBER]
 *
 * CODE is a sum of bits, and what counts: the text has been seen to say clean beside an infection. Clean is 0 <clean> and the
 * ID that we gave. Encrypted is bit 64, as is everything else that it could not look into; busy, too large and a missing
 * licence have no form.
 */
#ifndef AVM_ENGINE_FPROT_REPLY_H
#define AVM_ENGINE_FPROT_REPLY_H

#include <stdbool.h>

#include "verdict/verdict.h"

/*
 * What an answer to SCAN means.
 *
 * id:                  as it was sent
 * label, title, where: as for savapi_take()
 */
void	 fprot_judge(const char *line, const char *id, const char *label, const char *title, const char *where, struct verdict *v);

/* "FPSCAND:6.2.1 ENGINE:4.4.4 PROTOCOL:1.0 SIGNATURE:201012141241<md5> UPTIME:...": *version and *definitions (or NULL) are
 * copied. False when it is nothing like that. */
bool	 fprot_version_parse(const char *line, char **version, char **definitions);

#endif
