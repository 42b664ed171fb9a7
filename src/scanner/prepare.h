/*
 * prepare - from a forked copy of the zygote to a worker that may be shown a mail
 */
#ifndef AVM_SCANNER_PREPARE_H
#define AVM_SCANNER_PREPARE_H

#include <glib.h>
#include <stdbool.h>

#include "scanner/worker.h"

/*
 * Own signals, own random numbers (libclamav names temporary files by
 * rand(), and workers that draw the same names answer "clean": facts-libraries.md A), own temporary
 * folder, own core; then the sandbox.
 *
 * Returns: false and *err; setup->zygote is open then, closed otherwise
 */
bool	 prepare_worker(const struct worker_setup *setup, GError **err);

#endif
