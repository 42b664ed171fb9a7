/*
 * icap_request - the heads of what we send, with offsets counted from the strings themselves
 *
 *	RESPMOD icap://127.0.0.1:1344/avscan ICAP/1.0
 *	Host: 127.0.0.1:1344
 *	Allow: 204
 *	Encapsulated: req-hdr=0, res-hdr=66, res-body=125
 *
 *	GET http://mail.invalid/part1.bin HTTP/1.1
 *	Host: mail.invalid
 *
 *	HTTP/1.1 200 OK
 *	Content-Type: application/octet-stream
 *	Content-Length: 68
 */
#ifndef AVM_ENGINE_ICAP_REQUEST_H
#define AVM_ENGINE_ICAP_REQUEST_H

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

enum icap_method { ICAP_OPTIONS = 1, ICAP_RESPMOD, ICAP_REQMOD, ICAP_FILEMOD };

struct icap_request {
	enum icap_method method;
	const char *authority;	/* HOST:PORT */
	const char *service;	/* with its arguments */
	const char *name;	/* of the object, any bytes; NULL for OPTIONS */
	const char *type;	/* media type, or NULL */
	uint64_t size;
	uint64_t preview;	/* bytes that come first, or ICAP_NO_PREVIEW */
	const char *path;	/* FILEMOD: as the server sees it */
	const char *client;	/* IPv4 address, or NULL */
	const GPtrArray *fields; /* of char * "Name: value", ours to send; or NULL */
};

/* Append the request up to where the body begins. */
void	 icap_request_write(const struct icap_request *rq, GString *out);

/* Append "name: value" with whatever could end the line or the head taken out. */
void	 icap_field_write(GString *out, const char *name, const char *value);

#endif
