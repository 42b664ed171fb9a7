/*
 * left_out - the header fields that a fingerprint leaves out, as a small message of their own
 */
#include "scan/left_out.h"

#include "conf/conf.h"
#include "scan/fingerprint.h"

struct message *
left_out_message(const struct conf *conf, struct spool_budget *b, const struct message *m)
{
	const struct message_limits lim = {
		.spool = { .memory_max = conf->spool.memory_max,
		    .total_max = conf->spool.total_max,
		    .file_base = conf->antivirus.file_base },
		.header_max = conf->antivirus.header_max,
	};
	const struct client client = {
		.name = m->client_name, .addr = m->client_addr, .helo = m->helo, .daemon = m->daemon
	};
	g_autoptr(GPtrArray) left = g_ptr_array_new();
	uint8_t digest[DIGEST_LEN];
	struct message *small;

	if (!fingerprint_of(m, left, digest) || left->len == 0)
		return NULL;
	small = message_new(b, &lim, &client, m->sender);
	for (guint i = 0; i < left->len; i++) {
		const struct header *h = g_ptr_array_index(left, i);

		message_add_header(small, h->name, h->value);
	}
	message_seal(small);
	return small;
}
