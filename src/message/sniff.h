/*
 * sniff - what a file is by its first bytes, whatever it calls itself
 *
 * A small table, for filters that choose by type: enough to see a program that calls itself a picture, and the archives whose member
 * names nobody here reads.
 */
#ifndef AVM_MESSAGE_SNIFF_H
#define AVM_MESSAGE_SNIFF_H

#include <stdbool.h>
#include <stddef.h>

#define SNIFF_MAX 1024	/* bytes that are looked at */

struct sniffed {
	const char *type;	/* "application/pdf"; "text/plain" or "application/octet-stream" when no row fits */
	const char *extensions;	/* that such files have, comma separated; "" = not known */
	bool	 closed;	/* an archive whose names are not read here */
	bool	 known;		/* a row of the table */
};

/* head: the first len bytes, SNIFF_MAX of them if there are so many. */
struct sniffed sniff(const void *head, size_t len);

/* Do files with this extension (lower case) hold other files? */
bool	 sniff_is_archive(const char *extension);

#endif
