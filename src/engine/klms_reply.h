/*
 * klms_reply - what the rds_av socket of Kaspersky Security for Linux Mail Server answers
 *
 * The answers of clamd with their path, or "stream" in its place; names are Kaspersky's. Nobody outside knows more forms:
 * encrypted, limits, too large, busy and a missing licence come as ERROR, or not at all.
 */
#ifndef AVM_ENGINE_KLMS_REPLY_H
#define AVM_ENGINE_KLMS_REPLY_H

#include "verdict/verdict.h"

/* path: as it was sent; label, title, where: as for savapi_take() */
void	 klms_judge(const char *line, const char *path, const char *label, const char *title, const char *where, struct verdict *v);

#endif
