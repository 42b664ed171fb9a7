#include "lua/dialogue.h"

#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

#include "base/auto.h"

void
dialogue_receive(struct dialogue *d)
{
	enum channel_got got;

	alarm(0);
	got = channel_recv(d->sock, &d->packet);
	if (got == CHANNEL_CLOSED)
		_exit(EX_OK);
	if (got == CHANNEL_BROKEN)
		_exit(EX_PROTOCOL);
	d->seq = d->packet.head.seq;
	alarm(d->patience);
}

struct mapped
dialogue_map(struct dialogue *d, uint64_t size)
{
	AUTO(fd_close) int fd = packet_take_fd(&d->packet);
	struct mapped m = { .len = (size_t)size };
	struct stat st;
	void *base;

	packet_close(&d->packet);
	if (fd < 0 || fstat(fd, &st) < 0 || (uint64_t)st.st_size != size || size == 0)
		_exit(EX_PROTOCOL);
	base = mmap(NULL, m.len, PROT_READ, MAP_PRIVATE, fd, 0);
	if (base == MAP_FAILED)
		_exit(EX_OSERR);
	m.bytes = base;
	return m;
}

void
mapped_close(struct mapped *m)
{
	if (m->bytes)
		munmap((void *)(uintptr_t)m->bytes, m->len);
	*m = (struct mapped){ 0 };
}

void
dialogue_say(struct dialogue *d, enum proto_op op, const void *fixed, size_t len, const char *a,
    const char *b)
{
	struct iovec parts[3] = { { (void *)(uintptr_t)fixed, len } };
	unsigned n = 1;

	if (a)
		parts[n++] = (struct iovec){ (void *)(uintptr_t)a, strlen(a) + 1 };
	if (b)
		parts[n++] = (struct iovec){ (void *)(uintptr_t)b, strlen(b) + 1 };
	if (!channel_send(d->sock, (uint16_t)op, d->seq, parts, n, NULL, 0))
		_exit(EX_UNAVAILABLE);
}

struct mapped
dialogue_ask(struct dialogue *d, enum proto_question q, uint32_t part, const char *engine)
{
	const struct proto_ask ask = { .question = q, .part = part };
	const struct proto_answer *answer;

	dialogue_say(d, PROTO_ASK_FRONT, &ask, sizeof ask, engine, NULL);
	dialogue_receive(d);
	answer = packet_body(&d->packet, sizeof *answer);
	if (d->packet.head.op != PROTO_ANSWER || !answer)
		_exit(EX_PROTOCOL);
	return dialogue_map(d, answer->size);
}
