/*
 * fingerprint - what of a message may influence its verdict, as one digest
 *
 * Two messages of one campaign differ in the fields that each delivery writes anew. Such a field is left out if its name is in
 * the table volatile_fields, its value obeys the strict grammar of that field, is at most 2 KiB long and holds nothing that could be
 * markup, a link, a test virus or a hidden header (decision 7). Everything else counts: every other field with its place, name
 * and value, a volatile name whose value is unusual or that occurs too often, and every byte of the body.
 *
 * Threads: pure functions over a sealed message.
 */
#ifndef AVM_SCAN_FINGERPRINT_H
#define AVM_SCAN_FINGERPRINT_H

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/auto.h"
#include "base/digest.h"
#include "message/message.h"

#define FINGERPRINT_VALUE_MAX 2048

/*
 * The fingerprint of the content.
 *
 * left: filled with the fields that were left out (const struct header *, borrowed), if not NULL
 * Returns: false when the message is not whole (an error, too many header bytes): such a message has none
 */
bool	 fingerprint_of(const struct message *m, GPtrArray *left, uint8_t out[DIGEST_LEN]) MUST_USE;

/* Bind a content to the plan that judges it: the digest of engines, options, limits and definitions. */
void	 fingerprint_bind(const uint8_t content[DIGEST_LEN], const uint8_t plan[DIGEST_LEN], uint8_t out[DIGEST_LEN]);

/* May this field be left out, looked at alone? */
bool	 fingerprint_volatile(const char *name, const char *value);

#endif
