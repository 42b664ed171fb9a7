/*
 * kse_reply - the words of Kaspersky Scan Engine, KAV protocols 1 and 2
 *
 *	CLEAN
 *	CLEAN AND CONTAINS OFFICE MACRO
 *	DETECT EICAR-Test-File			(1.0: DETECTED)
 *	NON_SCANNED (PASSWORD PROTECTED)
 *	SERVER_ERROR
 *
 * The whole body is one of these or it is not understood. Several names stand between
 * commas or semicolons.
 */
#ifndef AVM_ENGINE_KSE_REPLY_H
#define AVM_ENGINE_KSE_REPLY_H

#include <glib.h>
#include <stdbool.h>

struct verdict;

/*
 * What a body means.
 *
 * whole:    its end was reached: else it is never clean, and FAILED(lost) joins what it has found
 * sent_all: the object had been handed over before: else it is never clean
 * where:    "engine TITLE: SERVER: reply", for texts
 */
void	 kse_judge(const GString *body, bool whole, bool sent_all, struct verdict *v, const char *label, const char *title,
	    const char *where);

/* "database version: 9.02.2014 15:03 GMT" as "20140209.1503", which sorts; NULL when it is nothing like that. The caller frees. */
char	*kse_bases(const char *body);

/* Does what /licenseinfo tells say that the licence does not hold on that day (YYYYMMDD)? */
bool	 kse_expired(const char *body, unsigned today);

#endif
