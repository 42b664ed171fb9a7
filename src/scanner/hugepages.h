/*
 * hugepages - the engine on large pages
 */
#ifndef AVM_SCANNER_HUGEPAGES_H
#define AVM_SCANNER_HUGEPAGES_H

/* Ask the kernel to put all private memory of this process onto huge pages now: fork becomes five
 * times faster and matching some percent (facts-libraries.md A). Takes about a second for 500 MB;
 * where it is refused nothing changes. */
void	 huge_pages_collapse(void);

#endif
