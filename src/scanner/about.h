/*
 * about - what this program is made of: avmilter-scanner -V, which avmilter -V asks
 */
#ifndef AVM_SCANNER_ABOUT_H
#define AVM_SCANNER_ABOUT_H

/* Print libraries with their versions, and what the kernel offers for the sandbox. Returns the exit
 * code. */
int	 about_print(void);

#endif
