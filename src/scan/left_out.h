/*
 * left_out - the header fields that a fingerprint leaves out, as a small message of their own (fingerprint_scan_headers)
 */
#ifndef AVM_SCAN_LEFT_OUT_H
#define AVM_SCAN_LEFT_OUT_H

#include "message/message.h"

struct conf;

/* A sealed message of exactly the fields of m that its fingerprint does not cover, in their order; NULL when there are none. The
 * budget must outlive it. */
struct message *left_out_message(const struct conf *conf, struct spool_budget *b, const struct message *m);

#endif
