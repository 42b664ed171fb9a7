/*
 * zygote - one generation of signatures, loaded once, and the workers forked from it
 *
 * Single-threaded but for the loader, so a fork is safe. Lives as long as the front's socket: when
 * that closes, the workers are killed, their folders removed, and it ends. SIGTERM and its kind are
 * ignored: when systemd stops the service, every process of it gets one, and a worker that died of
 * it would cost the mail it holds.
 */
#ifndef AVM_SCANNER_ZYGOTE_H
#define AVM_SCANNER_ZYGOTE_H

/* Speak with the front on sock until the end. Returns an exit code of sysexits(3). */
int	 zygote_run(int sock);

#endif
