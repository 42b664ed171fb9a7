/* about - see about.h */
#include "scanner/about.h"

#include <clamav.h>
#include <gmime/gmime.h>
#include <seccomp.h>
#include <stdio.h>
#include <sysexits.h>

#include "scanner/sandbox.h"

int
about_print(void)
{
	const struct scmp_version *v = seccomp_version();
	const unsigned offers = sandbox_offers();

	printf("scanner libclamav %s, GMime %u.%u.%u, libseccomp %u.%u.%u\n", cl_retver(),
	    gmime_major_version, gmime_minor_version, gmime_micro_version, v->major, v->minor,
	    v->micro);
	printf("sandbox:%s%s%s\n", offers & SANDBOX_SECCOMP ? " seccomp" : " no-seccomp",
	    offers & SANDBOX_LANDLOCK ? " landlock" : " no-landlock",
	    offers & SANDBOX_RLIMITS ? " rlimits" : " no-rlimits");
	return fflush(stdout) == 0 ? EX_OK : EX_IOERR;
}
