/*
 * avmilter-scanner - the program that reads mail: started by avmilter, never by hand
 *
 * Descriptor PROTO_ZYGOTE_FD is the socket to avmilter; everything else it needs to know arrives
 * there.
 */
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sysexits.h>
#include <unistd.h>

#include "base/auto.h"
#include "lua/guest.h"
#include "scanner/about.h"
#include "scanner/zygote.h"
#include "worker/proto_script.h"

#define STACK_BYTES                                                                                \
	((rlim_t)8 * 1024 * 1024) /* GMime recurses for each level and each address group */

static bool
started_by_avmilter(void)
{
	int type = 0;
	socklen_t len = sizeof type;

	return getsockopt(PROTO_ZYGOTE_FD, SOL_SOCKET, SO_TYPE, &type, &len) == 0 &&
	    type == SOCK_SEQPACKET;
}

/* Descriptors 0 to 2 must be something, or a socket would get their number and a library's message
 * would go there. */
static void
fill_standard_descriptors(void)
{
	int fd;

	do {
		fd = open("/dev/null", O_RDWR | O_CLOEXEC);
	} while (fd >= 0 && fd <= STDERR_FILENO);
	fd_close(&fd);
}

/* The kernel looks at the soft limit each time the stack grows, so this holds for us and all
 * workers. */
static void
widen_stack(void)
{
	struct rlimit now;

	if (getrlimit(RLIMIT_STACK, &now) < 0 || now.rlim_cur == RLIM_INFINITY ||
	    now.rlim_cur >= STACK_BYTES)
		return;
	now.rlim_cur = now.rlim_max == RLIM_INFINITY || now.rlim_max >= STACK_BYTES ? STACK_BYTES
										    : now.rlim_max;
	(void)setrlimit(RLIMIT_STACK, &now);
}

int
main(int argc, char **argv)
{
	fill_standard_descriptors();
	if (argc == 2 && strcmp(argv[1], "-V") == 0)
		return about_print();
	if (!started_by_avmilter()) {
		fputs("avmilter-scanner: started by avmilter, never by hand; to scan a file: "
		      "avmilter -t FILE\n",
		    stderr);
		return EX_USAGE;
	}
	(void)fcntl(PROTO_ZYGOTE_FD, F_SETFD, FD_CLOEXEC);
	if (argc == 2 && strcmp(argv[1], PROTO_SCRIPT_ARGUMENT) == 0)
		return guest_run(PROTO_ZYGOTE_FD);
	widen_stack();
	return zygote_run(PROTO_ZYGOTE_FD);
}
