/*
 * channel - one end of a socket that speaks worker/proto.h
 *
 * Packets are checked for magic, version and length before anybody looks inside. Descriptors that
 * come along belong to the packet until somebody takes them; packet_close() closes the rest.
 */
#ifndef AVM_SCANNER_CHANNEL_H
#define AVM_SCANNER_CHANNEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

#include "base/auto.h"
#include "worker/proto.h"

#define CHANNEL_FDS_MAX	 2
#define CHANNEL_BODY_MAX (PROTO_MAX - sizeof(struct proto_head))

struct packet {
	struct proto_head head;
	int	 fds[CHANNEL_FDS_MAX];
	unsigned nfds;
	_Alignas(8) unsigned char body[CHANNEL_BODY_MAX];
};

enum channel_got { CHANNEL_PACKET, CHANNEL_CLOSED, CHANNEL_BROKEN };

/*
 * Wait for one packet.
 *
 * Returns: CHANNEL_CLOSED at the end of the dialogue, CHANNEL_BROKEN for a packet that breaks the
 *          rules (its descriptors are closed) and for errors of the socket
 * Blocks:  until something arrives
 */
enum channel_got channel_recv(int sock, struct packet *p);

/* The body, if it is exactly len bytes long; else NULL. */
const void *packet_body(const struct packet *p, size_t len);
/* Give the first descriptor that nobody took yet to the caller; -1 if there is none. */
int	 packet_take_fd(struct packet *p);
/* Close the descriptors that nobody took. Usable with AUTO(). */
void	 packet_close(struct packet *p);

/* Send one packet made of parts, with descriptors. False when the other end is gone. Blocks. */
bool channel_send(int sock, uint16_t op, uint32_t seq, const struct iovec *parts, unsigned nparts,
    const int *fds, unsigned nfds);
/* Send a text for the operator, cut at PROTO_TEXT_MAX. */
bool	 channel_text(int sock, uint16_t op, uint32_t seq, const char *text);
/* The same as LOG, but a reader that does not keep up loses the line instead of stopping us. */
void	 channel_log(int sock, const char *text);

#endif
