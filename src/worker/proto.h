/*
 * proto - what avmilter and avmilter-scanner say to each other
 *
 * Two kinds of SOCK_SEQPACKET pairs, packets in host byte order, at most PROTO_MAX bytes, each beginning with struct
 * proto_head. Both ends come from one build; the version is checked all the same, because an upgrade replaces the
 * scanner's file under a running daemon.
 *
 * 1. front <-> zygote, on descriptor PROTO_ZYGOTE_FD of the zygote:
 *	front: SETTINGS (struct proto_settings)
 *	zygote: LOADING text...; then READY (struct proto_ready) or FAILED text
 *	With PROTO_ASK, before that:
 *	zygote: FOUND (struct proto_ready, no signatures counted) or FAILED text
 *	front: CHECK (no body)           zygote: CHECKED (no body), or FAILED text. All files were loaded a piece at a time
 *	                                 and thrown away again: what is broken is known before the old engine is given up
 *	front: LOAD or LOAD_NOW (no body) as above; LOAD_NOW at normal priority, because mail waits. CHECK may be left out; a front that
 *	                                 wants neither closes the socket
 *	front: FORK (no body)            zygote: WORKER (struct proto_worker) with two descriptors: the worker's socket, its pidfd;
 *	                                 or FAILED text
 *	zygote, unasked: EXIT (struct proto_exit) when a worker has ended; LOG text for the daemon's log
 *	The zygote ends, and its workers with it, when this socket closes.
 *
 * 2. front <-> worker, one request at a time, each with a sequence number that all its replies repeat:
 *	front: DECOMPOSE (struct proto_decompose) with two descriptors: sealed message (read only), output arena (sealed
 *	       against resizing). worker: OBJECT (struct proto_object + strings)..., FINDING (limits never are findings)...,
 *	       HINTS (struct proto_hints; at most one, and only with PROTO_PARANOID), DONE. Before DONE the worker has unmapped
 *	       the arena and closed its descriptor of it.
 *	       The message and the objects stay with the worker until the next DECOMPOSE or RELEASE.
 *	front: SCAN (struct proto_scan), for whole-message and arena objects; an arena object comes with one descriptor: the
 *	       arena, now sealed against writing too, sent with the first SCAN after DECOMPOSE.
 *	       worker: FINDING (struct proto_finding + strings)..., DONE; or, when PROTO_SCAN_COVER asks for it with the whole message:
 *	       COVERED (ids of objects, uint32_t each)..., DONE.
 *	front: PLACE (struct proto_place_of), after a DECOMPOSE with places: where does that object stand in the message?
 *	       worker: PLACED (struct proto_place), DONE.
 *	front: RELEASE (no body, no reply): forget message and arena.
 *	front: SELFTEST: worker: DONE.
 *
 * Texts (LOADING, FAILED, LOG, DONE) end with a NUL and have at most PROTO_TEXT_MAX bytes with it. Every answer repeats the seq of
 * its request: WORKER or FAILED that of FORK, LOADING, READY and FAILED that of SETTINGS; a zygote that FAILED its settings or its
 * database ends. SIGTERM, SIGINT and SIGHUP are ignored by zygote and workers: only the front ends them. The descriptor of
 * the arena may come with any SCAN after DECOMPOSE, at the latest with the first that names an arena object.
 *
 * What an honest worker keeps to, because the front kills one that does not: object 0 is the whole message descriptor (kind
 * MESSAGE, STORE_SPOOL, offset 0, its full size); ids rise by one; besides it at most max_file_count objects (0: PROTO_OBJECTS_MAX),
 * each at most max_extract_size, together at most max_cumulative_extract_size, those in the arena together at most arena_size
 * (a slice of another counts again; no alignment is asked for; what does not fit is PARTIAL limit.cumulative); their strings together at most
 * PROTO_STRINGS_MAX; at most PROTO_FINDINGS_MAX findings an answer. DONE is consistent: failed set = state FAILED; else partial set =
 * PARTIAL; else COMPLETE. Every string ends inside its packet and nothing follows the last one. COVERED says that the scan of the
 * whole message, COMPLETE and without a finding, has examined the bytes of these parts (scanner/trail.h): ids rise over all
 * packets, the message is not among them, a packet has at least one.
 *
 * The front believes nothing that a worker says beyond verdicts on its own message: sizes, offsets, lengths, counts and
 * enums are checked, hashes are computed by the front, an answer that breaks these rules is FAILED(protocol) and costs
 * the worker its life (decision 4).
 */
#ifndef AVM_WORKER_PROTO_H
#define AVM_WORKER_PROTO_H

#include <stdint.h>

#define PROTO_MAGIC	0x41564d53u	/* "AVMS" */
#define PROTO_VERSION	1
#define PROTO_MAX	(32 * 1024)	/* bytes of one packet */
#define PROTO_ZYGOTE_FD 3
#define PROTO_PATH_MAX	1024
#define PROTO_TEXT_MAX	512
#define PROTO_OBJECTS_MAX 1000000
#define PROTO_FINDINGS_MAX 1024
#define PROTO_STRINGS_MAX (64u * 1024 * 1024)

enum proto_op {
	PROTO_SETTINGS = 1, PROTO_LOADING, PROTO_READY, PROTO_FAILED, PROTO_FORK, PROTO_WORKER, PROTO_EXIT, PROTO_LOG,
	PROTO_FOUND, PROTO_CHECK, PROTO_CHECKED, PROTO_LOAD, PROTO_LOAD_NOW,
	PROTO_DECOMPOSE = 32, PROTO_SCAN, PROTO_RELEASE, PROTO_SELFTEST, PROTO_OBJECT, PROTO_FINDING, PROTO_DONE,
	PROTO_COVERED, PROTO_HINTS, PROTO_PLACE, PROTO_PLACED,
	PROTO_SCRIPT = 64, PROTO_SCRIPT_READY, PROTO_CALL, PROTO_ASK_FRONT, PROTO_ANSWER, PROTO_SET, PROTO_OUTCOME,	/* proto_script.h */
};

struct proto_head {
	uint32_t magic;
	uint16_t version;
	uint16_t op;
	uint32_t seq;		/* of the request; 0 where unasked */
	uint32_t len;		/* bytes that follow this head */
};

/* Flags of struct proto_settings. */
enum {
	PROTO_ENGINE		= 1u << 0,	/* load libclamav and the database; else workers only decompose */
	PROTO_REQUIRE_SANDBOX	= 1u << 1,	/* sandbox = "require" */
	PROTO_ALERT_ENCRYPTED	= 1u << 3,
	PROTO_ALERT_MACROS	= 1u << 4,
	PROTO_ALERT_BROKEN	= 1u << 5,
	PROTO_ALERT_PHISHING	= 1u << 6,
	PROTO_PUA		= 1u << 7,
	PROTO_BYTECODE		= 1u << 8,
	PROTO_HEURISTICS	= 1u << 9,	/* CL_SCAN_GENERAL_HEURISTICS (P12) */
	PROTO_HEURISTICS_PARTITION = 1u << 10,	/* overlapping partitions of disk images */
	PROTO_HEURISTICS_FIRST	= 1u << 11,	/* CL_SCAN_GENERAL_HEURISTIC_PRECEDENCE */
	PROTO_HUGE_PAGES	= 1u << 12,
	PROTO_PIN_WORKERS	= 1u << 13,
	PROTO_ASK		= 1u << 14,	/* tell what lies in the folder and wait for word before it is loaded */
	PROTO_SWEEP		= 1u << 15,	/* look for hidden content beside the MIME structure */
	PROTO_LAYER_CACHE	= 1u << 16,
	PROTO_PCRE_JIT		= 1u << 17,
	PROTO_PARANOID		= 1u << 18,	/* look for signs of evasion; needs PROTO_SWEEP */
	PROTO_LF		= 1u << 19,	/* the engine sees the whole message with LF at the end of its lines */
	PROTO_LOGIC_SHORTCUT	= 1u << 20,
};

struct proto_settings {
	uint64_t flags;
	uint64_t max_extract_size;		/* bytes; never 0 */
	uint64_t max_cumulative_extract_size;	/* bytes; never 0 */
	uint64_t max_file_count;		/* 0 = no count */
	uint64_t max_extract_time_ms;		/* never 0 */
	uint64_t max_extract_depth;
	uint64_t header_max;			/* bytes of one header block handed to GMime */
	uint64_t evasion;			/* with PROTO_PARANOID: codes (verdict/evasion.h) that are findings */
	uint64_t memory_max;			/* RLIMIT_AS slack above the engine, bytes; 0 = built-in */
	uint32_t ac_depth;			/* 0 = libclamav's own */
	char	 database[PROTO_PATH_MAX];	/* folder or file, absolute */
	char	 scratch[PROTO_PATH_MAX];	/* folder below which private TMPDIRs are made, absolute */
};

struct proto_ready {
	uint8_t	 generation[32];	/* sha256 over name, size, content digest of every database file + libclamav's version (decision 14) */
	uint64_t signatures;
	uint64_t definitions;		/* highest version number of daily/main, 0 = none (private databases) */
	int64_t	 definitions_time;	/* newest build time or file time, wall clock; 0 = unknown */
	uint32_t sandbox;		/* bits: 1 seccomp, 2 landlock, 4 rlimits: what workers will have */
	char	 engine_version[64];	/* "ClamAV 1.4.6", "" without an engine */
};

struct proto_worker {
	uint32_t number;		/* unique in this generation */
	int32_t	 pid;
};

struct proto_exit {
	uint32_t number;
	int32_t	 pid;
	int32_t	 status;		/* as waitpid(2) gives it */
	uint64_t cpu_ms;
	uint64_t maxrss_kb;
};

struct proto_decompose {
	uint64_t size;			/* of the message descriptor, synthetic field included */
	uint64_t arena_size;
	uint32_t mime;			/* 0: only the whole message is an object, nothing is parsed */
	uint32_t places;		/* 1: PLACE will be asked for */
};

/* Followed by path, type and names, each with a NUL, name_count names. type "" = none declared. */
struct proto_object {
	uint32_t id;			/* 0 is always the whole message; then 1, 2, ... in order */
	uint32_t kind;			/* enum object_kind */
	uint32_t store;			/* enum object_store */
	uint32_t name_count;		/* at most PROTO_NAMES_MAX */
	uint64_t offset, size;
};
#define PROTO_NAMES_MAX 16

/* Flags of struct proto_scan. */
enum {
	PROTO_SCAN_COVER	= 1u << 0,	/* object 0: which parts need not be scanned by themselves? */
};

struct proto_scan {
	uint32_t object;
	uint32_t flags;
};

/* Followed by name and inner path (of containers inside the object, "" = the object itself), each with a NUL. */
struct proto_finding {
	uint32_t kind;			/* enum finding_kind, never NONE */
	uint32_t reserved;
};

struct proto_place_of {
	uint32_t object;
};

/* Can the MIME part that an object stands in, or was decoded from, be taken out of the message as it lies there? */
enum proto_placing {
	PLACING_FOUND = 1,
	PLACING_WHOLE,		/* it is no part of a multipart: all of the mail, or of what was forwarded alone */
	PLACING_SEALED,		/* signed or encrypted together with others */
	PLACING_CROOKED,	/* its borders are not where every reader would see them */
	PLACING_HIDDEN,		/* no part that the MIME structure knows */
	PLACING_LAST = PLACING_HIDDEN,
};

/*
 * Offsets in the message descriptor. FOUND: begin <= field <= field_end <= blank < body <= end, else all are 0. [begin, end) is the
 * part with its header, without the line end that belongs to the delimiter behind it.
 */
struct proto_place {
	uint32_t placing;		/* enum proto_placing */
	uint32_t plain;			/* 1: the object is the content of [body, end), and field the one field that says how that is encoded */
	uint64_t begin;			/* of its first header field */
	uint64_t field, field_end;	/* its Content-Transfer-Encoding; both = blank when it has none */
	uint64_t blank;			/* the empty line behind the header */
	uint64_t body, end;
};

/* Codes of paranoid mode that are no findings. */
struct proto_hints {
	uint64_t codes;			/* bits of verdict/evasion.h, never 0 */
};

/* Followed by the text for the operator, with a NUL. */
struct proto_done {
	uint32_t state;			/* enum scan_state; UNKNOWN is a protocol error */
	uint32_t partial, failed;	/* enum reason; the text explains the failed one if set, else the partial one */
	uint32_t known;			/* SCAN: inner files that were clean in an earlier mail */
	uint64_t cpu_us;		/* CLOCK_PROCESS_CPUTIME_ID of this request */
};

#endif
