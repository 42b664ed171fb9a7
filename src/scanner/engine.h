/*
 * engine - what the two halves of clamav share: loading (engine.c) and scanning (clamav.c)
 */
#ifndef AVM_SCANNER_ENGINE_H
#define AVM_SCANNER_ENGINE_H

#include <clamav.h>
#include <stdint.h>

#include "worker/proto.h"

struct clamav {
	struct cl_engine	*engine;
	struct cl_scan_options	 options;
	struct proto_settings	 limits;
	uint64_t		 signatures;
	struct memo		*memo;	/* made by the process that scans, for itself; NULL = none yet */
	uint64_t		 known;	/* layers that it knew */
};

/* Let the scanning half see what happens inside a scan. */
void	 engine_set_callbacks(struct cl_engine *e);

#endif
