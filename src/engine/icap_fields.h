/*
 * icap_fields - the request fields that tell a server whose mail it is (send_client, request_header)
 *
 * In a value of request_header stand %{sender} %{recipient} %{client} %{helo} %{qid} %{ref} %{msgid}; what the mail does not
 * have is empty, %% is a percent sign.
 */
#ifndef AVM_ENGINE_ICAP_FIELDS_H
#define AVM_ENGINE_ICAP_FIELDS_H

#include <glib.h>

struct message;

/* A value with its names filled in. Any bytes; icap_field_write() makes them harmless. The caller frees. */
char	*icap_fields_fill(const char *text, const struct message *m);

/* Is every name in text known? NULL, or the one that is not; the caller frees. */
char	*icap_fields_check(const char *text);

/* The lines "Name: value CRLF" of a list of struct conf_pair *, for struct icap_request. */
GPtrArray *icap_fields_new(const GPtrArray *pairs, const struct message *m);

/* The client's address if it is an IPv4 one (X-Client-IP), or NULL. Borrowed. */
const char *icap_fields_client(const struct message *m);

#endif
