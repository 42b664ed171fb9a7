/*
 * icap_exchange - one object to an ICAP server and back
 *
 * The object goes over in chunks, with a preview first where the section asks for it, or by name. What comes back is read as far
 * as the verdict depends on it. An answer that breaks off may have announced a finding before: that counts.
 */
#ifndef AVM_ENGINE_ICAP_EXCHANGE_H
#define AVM_ENGINE_ICAP_EXCHANGE_H

#include "engine/conn.h"
#include "engine/engine.h"
#include "engine/icap_request.h"

/* Have an object examined by one of RESPMOD, REQMOD, FILEMOD; c->probe is there. v gets a state. */
void	 icap_exchange(struct conn *c, const struct scan_request *rq, enum icap_method method, struct verdict *v);

struct icap_message;
/* Read and trace the head of an answer; write and trace a request. False and *err. */
bool	 icap_read_head(struct conn *c, struct icap_message *m, GError **err);
bool	 icap_write_text(struct conn *c, const GString *text, GError **err);

#endif
