#include "scanner/hugepages.h"

#include <stdint.h>
#include <stdio.h>
#include <sys/mman.h>

#define HUGE_PAGE ((uintptr_t)2 * 1024 * 1024)
#ifndef MADV_COLLAPSE
#define MADV_COLLAPSE 25 /* Linux 6.1 */
#endif

#ifdef AVM_SANITIZED
/* The sanitizers' shadow is terabytes of private memory, and would be walked in steps of 2 MB. */
void
huge_pages_collapse(void)
{
}
#else
static void
collapse(uintptr_t from, uintptr_t to)
{
	from = (from + HUGE_PAGE - 1) & ~(HUGE_PAGE - 1);
	to &= ~(HUGE_PAGE - 1);
	if (from >= to)
		return;
	(void)madvise((void *)from, to - from, MADV_HUGEPAGE);
	for (; from < to; from += HUGE_PAGE)
		(void)madvise((void *)from, HUGE_PAGE, MADV_COLLAPSE);
}

void
huge_pages_collapse(void)
{
	FILE *maps = fopen("/proc/self/maps", "re");
	char line[512], mode[8];
	unsigned long from, to, offset, inode;
	unsigned major, minor;

	if (!maps)
		return;
	while (fgets(line, sizeof line, maps))
		if (sscanf(line, "%lx-%lx %7s %lx %x:%x %lu", &from, &to, mode, &offset, &major,
			&minor, &inode) == 7 &&
		    mode[0] == 'r' && mode[1] == 'w' && mode[3] == 'p' && inode == 0)
			collapse(from, to);
	fclose(maps);
}
#endif
