/*
 * openpgp - is this an encrypted OpenPGP message (RFC 9580)?
 */
#ifndef AVM_SCANNER_OPENPGP_H
#define AVM_SCANNER_OPENPGP_H

#include <stdbool.h>
#include <stddef.h>

/* A binary one: its first packet is an encrypted session key. */
bool	 openpgp_encrypted(const void *data, size_t size);
/* Text with the armour of a message in it: a line of its own, and base64 behind it. A message that is quoted ("> ") is not meant;
 * keys and signatures are not messages. */
bool	 openpgp_armoured(const void *data, size_t size);

#endif
