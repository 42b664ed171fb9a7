/*
 * hostile_attacks - what tests/tools/hostile_scanner.c does to the front, by the word in the message
 *
 * A part of that file, which is included where its helpers stand. Each bad_*() returns true when the word was one of its own.
 */
#ifndef TESTS_HOSTILE_ATTACKS_H
#define TESTS_HOSTILE_ATTACKS_H

static void
spin(void)
{
	volatile unsigned long n = 0;

	for (;;)
		n++;
}

/* One lying object after an honest message, then DONE. */
static void
lying_object(struct worker *w, struct proto_object o)
{
	message(w);
	object(w, o);
	clean(w);
}

/* The many ways to lie about one object. True: word was one of them. */
static bool
bad_object(struct worker *w)
{
	const uint64_t a = w->arena_size;
	struct { const char *word; struct proto_object o; } table[] = {
		{ "offset", part(1, STORE_ARENA, a + 1, 1) },
		{ "size", part(1, STORE_ARENA, 0, a + 1) },
		{ "wrap", part(1, STORE_ARENA, UINT64_MAX - 1, 3) },
		{ "spool-size", part(1, STORE_SPOOL, 1, w->size) },
		{ "order", part(2, STORE_SPOOL, 0, 1) },
		{ "kind", { 1, 77, STORE_SPOOL, 1, 0, 1 } },
		{ "second-message", { 1, OBJECT_MESSAGE, STORE_SPOOL, 1, 0, 1 } },
		{ "store", part(1, 77, 0, 1) },
		{ "names", { 1, OBJECT_PART, STORE_SPOOL, 0xffffffff, 0, 1 } },
		{ "names-missing", { 1, OBJECT_PART, STORE_SPOOL, 5, 0, 1 } },
		{ "tail", { 1, OBJECT_PART, STORE_SPOOL, 0, 0, 1 } },
	};

	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
		if (strcmp(w->word, table[i].word) == 0) {
			lying_object(w, table[i].o);
			return true;
		}
	return false;
}

/* Lies with more than one object, or with none. */
static bool
bad_list(struct worker *w)
{
	struct proto_object o = { 0, OBJECT_MESSAGE, STORE_SPOOL, 0, 0, w->size };

	if (strcmp(w->word, "flood") == 0) {
		message(w);
		for (uint32_t i = 1; i < FLOOD; i++)
			object(w, part(i, STORE_SPOOL, 0, 0));
	} else if (strcmp(w->word, "overlap") == 0) {
		message(w);
		for (uint32_t i = 1; i < 4; i++)
			object(w, part(i, STORE_ARENA, 0, w->arena_size / 2));
	} else if (strcmp(w->word, "cumulative") == 0) {
		message(w);
		for (uint32_t i = 1; i < 5000; i++)
			object(w, part(i, STORE_SPOOL, 0, w->size));
	} else if (strcmp(w->word, "message-size") == 0) {
		o.size = 1;
		object_raw(w, o, "\0", 2);
	} else if (strcmp(w->word, "open-string") == 0) {
		message(w);
		object_raw(w, part(1, STORE_SPOOL, 0, 1), "1\0text/plain\0abc", 16);
	} else if (strcmp(w->word, "path") == 0) {
		message(w);
		object_raw(w, part(1, STORE_SPOOL, 0, 1), "../1\0t\0a", 9);
	} else if (strcmp(w->word, "short-object") == 0)
		send_packet(w->sock, PROTO_OBJECT, w->seq, &o, 10);
	else if (strcmp(w->word, "no-message") != 0)
		return false;
	clean(w);
	return true;
}

/* Attacks on the arena. */
static bool
bad_arena(struct worker *w)
{
	if (strcmp(w->word, "truncate") == 0) {
		honest_objects(w);
		attacked(w, ftruncate(w->arena, 0) == 0 || ftruncate(w->arena, (off_t)w->arena_size * 2) == 0);
	} else if (strcmp(w->word, "busy") == 0) {
		message(w);
		fill_arena(w);
		object(w, part(1, STORE_ARENA, 0, DECODED_LEN));
		clean(w);
	} else if (strcmp(w->word, "seal") == 0) {
		honest_objects(w);
		if (fcntl(w->arena, F_ADD_SEALS, F_SEAL_SEAL) < 0)
			_exit(8);
		clean(w);
	} else
		return false;
	return true;
}

/* Hints that no honest worker sends. */
static bool
bad_hints(struct worker *w)
{
	const struct { const char *word; uint64_t codes; size_t len; int times; } table[] = {
		{ "hints-nothing", 0, 8, 1 },
		{ "hints-unknown", UINT64_C(1) << 63, 8, 1 },
		{ "hints-twice", 1, 8, 2 },
		{ "hints-short", 1, 7, 1 },
		{ "hints-long", 1, 12, 1 },
	};

	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		const uint64_t codes[2] = { table[i].codes, 0 };
		if (strcmp(w->word, table[i].word) != 0)
			continue;
		message(w);
		for (int n = 0; n < table[i].times; n++)
			send_packet(w->sock, PROTO_HINTS, w->seq, codes, table[i].len);
		clean(w);
		return true;
	}
	return false;
}

/* Packets that are wrong in themselves. */
static bool
bad_packet(struct worker *w)
{
	const struct proto_done d = { .state = SCAN_COMPLETE };
	const struct { const char *word; struct lie lie; } table[] = {
		{ "magic", { .magic = 1 } },
		{ "version", { .version = 1 } },
		{ "length", { .len = 1 } },
		{ "seq", { .seq = 1 } },
		{ "old-seq", { .seq = (uint32_t)-1 } },
	};
	static char big[PROTO_MAX * 2];
	int fds[3] = { 0, 1, 2 };

	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
		if (strcmp(w->word, table[i].word) == 0) {
			message(w);
			done_lie(w, d, "", 1, table[i].lie);
			return true;
		}
	if (strcmp(w->word, "oversize") == 0)
		send_packet(w->sock, PROTO_OBJECT, w->seq, big, sizeof(big));
	else if (strcmp(w->word, "empty") == 0)
		send(w->sock, "", 0, MSG_NOSIGNAL);
	else if (strcmp(w->word, "three-bytes") == 0)
		send(w->sock, "abc", 3, MSG_NOSIGNAL);
	else if (strcmp(w->word, "op") == 0)
		send_packet(w->sock, 999, w->seq, "", 0);
	else if (strcmp(w->word, "ready") == 0)
		send_packet(w->sock, PROTO_READY, w->seq, big, sizeof(struct proto_ready));
	else if (strcmp(w->word, "descriptors") == 0)
		send_lie(w->sock, PROTO_DONE, w->seq, &d, sizeof(d), fds, 1, (struct lie){ 0 });
	else if (strcmp(w->word, "many-descriptors") == 0)
		send_lie(w->sock, PROTO_DONE, w->seq, &d, sizeof(d), fds, 3, (struct lie){ 0 });
	else
		return false;
	return true;
}

/* Answers whose content is impossible. word without "scan-". */
static bool
bad_done(struct worker *w, const char *word)
{
	if (strcmp(word, "unknown") == 0)
		done(w, SCAN_UNKNOWN, 0, 0);
	else if (strcmp(word, "state") == 0)
		done(w, 99, 0, 0);
	else if (strcmp(word, "reason") == 0)
		done(w, SCAN_FAILED, 0, 9999);
	else if (strcmp(word, "inconsistent") == 0)
		done(w, SCAN_COMPLETE, 0, REASON_ENGINE_ERROR);
	else if (strcmp(word, "no-reason") == 0)
		done(w, SCAN_PARTIAL, 0, 0);
	else if (strcmp(word, "open-text") == 0)
		done_lie(w, (struct proto_done){ .state = SCAN_COMPLETE }, "abc", 3, (struct lie){ 0 });
	else if (strcmp(word, "short-done") == 0)
		send_packet(w->sock, PROTO_DONE, w->seq, "", 1);
	else if (strcmp(word, "finding") == 0)
		finding_raw(w, 99, "x\0\0", 3);
	else if (strcmp(word, "finding-none") == 0)
		finding_raw(w, FINDING_NONE, "x\0\0", 3);
	else if (strcmp(word, "finding-open") == 0)
		finding_raw(w, FINDING_INFECTED, "xyz", 3);
	else if (strcmp(word, "finding-flood") == 0)
		for (int i = 0; i < FLOOD; i++)
			finding_raw(w, FINDING_MACRO, "x\0\0", 3);
	else if (strcmp(word, "limit") == 0)
		done(w, SCAN_PARTIAL, REASON_LIMIT_SIZE, 0);
	else if (strcmp(word, "failed") == 0)
		done(w, SCAN_FAILED, REASON_LIMIT_SIZE, REASON_ENGINE_ERROR);
	else
		return false;
	return true;
}

static void
covers(struct worker *w, uint32_t a, uint32_t b)
{
	const uint32_t ids[2] = { a, b };

	send_packet(w->sock, PROTO_COVERED, w->seq, ids, sizeof(ids));
}

/* Lies about what the scan of the whole message has covered; of the message and the objects 1 and 2. */
static bool
bad_cover(struct worker *w, const char *word, uint32_t scanned)
{
	/* Honest, if nobody asks for what is covered. */
	if (strcmp(word, "cover-or-die") == 0 && scanned != 0)
		_exit(0);
	if (strncmp(word, "cover", 5) != 0 || (scanned != 0) != (strcmp(word, "cover-unasked") == 0))
		return false;
	if (strcmp(word, "cover-short") == 0)
		send_packet(w->sock, PROTO_COVERED, w->seq, "\1\0\0\0\2\0", 6);
	else if (strcmp(word, "cover-nothing") == 0)
		send_packet(w->sock, PROTO_COVERED, w->seq, "", 0);
	else if (strcmp(word, "cover-itself") == 0)
		covers(w, 0, 1);
	else if (strcmp(word, "cover-order") == 0)
		covers(w, 2, 1);
	else if (strcmp(word, "cover-again") == 0) {
		covers(w, 1, 2);
		covers(w, 1, 2);
	} else if (strcmp(word, "cover-others") == 0)
		covers(w, 2, 3);
	else {
		if (strcmp(word, "cover-found-first") == 0)
			finding_raw(w, FINDING_INFECTED, "x\0\0", 3);
		covers(w, 1, 2);
		if (strcmp(word, "cover-found") == 0)
			finding_raw(w, FINDING_INFECTED, "x\0\0", 3);
	}
	if (strcmp(word, "cover-limit") == 0)
		done(w, SCAN_PARTIAL, REASON_LIMIT_SIZE, 0);
	else if (strcmp(word, "cover-failed") == 0)
		done(w, SCAN_FAILED, 0, REASON_ENGINE_ERROR);
	else
		clean(w);
	return true;
}

/* Die of a signal, not of what a sanitizer makes of it. */
static void
die_of(int sig)
{
	signal(sig, SIG_DFL);
	raise(sig);
}

/* Ends of a worker, and its refusal to end. */
static bool
bad_life(struct worker *w, const char *word)
{
	if (strcmp(word, "die") == 0 || strcmp(word, "no-done") == 0)
		_exit(0);
	else if (strcmp(word, "abort") == 0)
		die_of(SIGABRT);
	else if (strcmp(word, "segv") == 0)
		die_of(SIGSEGV);
	else if (strcmp(word, "sandbox") == 0)
		die_of(SIGSYS);
	else if (strcmp(word, "hang") == 0)
		pause();
	else if (strcmp(word, "stop") == 0)
		raise(SIGSTOP);
	else if (strcmp(word, "spin") == 0)
		spin();
	else if (strcmp(word, "say") == 0) {
		fprintf(stderr, "said\x1b[31m\n");
		clean(w);
	} else if (strcmp(word, "close") == 0) {
		close(w->sock);
		pause();
	} else if (strcmp(word, "twice") == 0) {
		clean(w);
		clean(w);
	} else if (strcmp(word, "die-after") == 0) {
		clean(w);
		_exit(0);
	} else
		return false;
	return true;
}

#endif
