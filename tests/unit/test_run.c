/*
 * run: engines on the network are asked at the same time; a backup steps in where one failed, and
 * only there
 */
#include "scan/run.h"

#include "fake_clamd.h"
#include "fake_icap.h"
#include "world.h"

#include "base/log.h"

#define VERSION                                                                                    \
	"ClamAV 1.4.6/27500/Thu Dec 26 09:38:26 2024| COMMANDS: PING FILDES INSTREAM IDSESSION"
#define OPTIONS                                                                                    \
	"ICAP/1.0 200 OK\r\nMethods: RESPMOD\r\nService: c-icap\r\nISTag: \"T1\"\r\nAllow: "       \
	"204\r\n"                                                                                  \
	"Encapsulated: null-body=0\r\n\r\n"
#define HALF_A_FINDING                                                                             \
	"ICAP/1.0 200 OK\r\nX-Infection-Found: Type=0; Resolution=2; Threat=Eicar;\r\nEncaps"
#define DEAD "127.0.0.1:1"

#ifdef AVM_SANITIZED
#define SLOW 4
#else
#define SLOW 1
#endif
#define SILENCE_MS (400 * SLOW)

static const struct play ok = {.answer = "OK", .len = 3};
static const struct play found = {.answer = "Eicar-Test-Signature FOUND", .len = 27};
static const struct play limit = {.answer = "INSTREAM size limit exceeded. ERROR", .len = 36};
static const struct play hang = {.stall = true};

static struct fake *
server(const struct fake_protocol *protocol, const struct play *play, const char *options)
{
	struct fake *f = g_new0(struct fake, 1);

	f->protocol = protocol;
	f->play = *play;
	f->options = options;
	f->tcp = true;
	fake_start(f);
	return f;
}

static void
end_server(struct fake *f)
{
	fake_stop(f);
	g_free(f);
}

static void
add_engine(GString *conf, const char *kind, const char *title, const char *address,
           const char *more)
{
	g_string_append_printf(
	    conf, " %s \"%s\" { servers = \"%s\" read_write_time = %dms timeout = 10s %s }", kind,
	    title, address, SILENCE_MS, more);
}

static GString *
begin_conf(const char *more)
{
	GString *conf = g_string_new("antivirus { mime_decompose = no ");

	g_string_append(conf, more);
	return conf;
}

/* Scan a small message; frees conf. */
static void
scan_with(GString *conf, struct scan_result *r)
{
	struct world w;
	struct message *m;

	g_string_append(conf, " }");
	w = world_new(conf->str);
	m = world_message(&w, "x");
	message_seal(m);
	scan_message(w.conf, w.engines, NULL, m, &w.wait, r);
	message_free(&m);
	world_end(&w);
	g_string_free(conf, TRUE);
}

static enum verdict_class
part_class(const struct scan_result *r, guint i)
{
	return ((const struct scan_part *)g_ptr_array_index(r->parts, i))->cls;
}

static void
all_at_once(void **state)
{
	struct fake *f[4];
	GString *conf = begin_conf("");
	struct scan_result r;
	int64_t begun;

	(void)state;
	for (size_t i = 0; i < G_N_ELEMENTS(f); i++) {
		char title[2] = {(char)('a' + i), '\0'};

		f[i] = server(&fake_clamd, i == 2 ? &found : &hang, VERSION);
		add_engine(conf, "clamd", title, f[i]->address, "");
	}
	begun = now_ms();
	scan_with(conf, &r);
	assert_true(now_ms() - begun < 2 * SILENCE_MS); /* three hang: one wait for all of them */
	assert_int_equal(verdict_class(&r.verdict), CLASS_INFECTED);
	assert_true(r.verdict.states & 1u << SCAN_FAILED);
	assert_int_equal(part_class(&r, 0), CLASS_ERROR);
	assert_int_equal(part_class(&r, 2), CLASS_INFECTED);
	scan_result_clear(&r);
	for (size_t i = 0; i < G_N_ELEMENTS(f); i++)
		end_server(f[i]);
}

static void
first_in_order(void **state)
{
	struct fake *a = server(&fake_clamd, &found, VERSION),
		    *b = server(&fake_clamd, &ok, VERSION);
	GString *conf = begin_conf("run = \"first\"");
	struct scan_result r;

	(void)state;
	add_engine(conf, "clamd", "a", a->address, "");
	add_engine(conf, "clamd", "b", b->address, "");
	scan_with(conf, &r);
	assert_int_equal(verdict_class(&r.verdict), CLASS_INFECTED);
	assert_int_equal(atomic_load(&b->objects), 0);
	scan_result_clear(&r);
	end_server(a);
	end_server(b);
}

/* One primary, one backup; what becomes of the message. */
static enum verdict_class
with_backup(const char *kind, const char *main_address, const struct play *spare, unsigned *parts,
            int *asked)
{
	struct fake *f = server(&fake_clamd, spare, VERSION);
	GString *conf = begin_conf("");
	enum verdict_class c;
	struct scan_result r;

	add_engine(conf, kind, "main", main_address, "");
	add_engine(conf, "clamd", "spare", f->address, "backup = yes");
	scan_with(conf, &r);
	c = verdict_class(&r.verdict);
	*parts = r.parts->len;
	*asked = atomic_load(&f->objects);
	scan_result_clear(&r);
	end_server(f);
	return c;
}

static void
backup_steps_in(void **state)
{
	unsigned parts;
	int asked;

	(void)state;
	assert_int_equal(with_backup("clamd", DEAD, &ok, &parts, &asked), CLASS_CLEAN);
	assert_int_equal(parts, 2);
	assert_int_equal(asked, 1);
	assert_int_equal(with_backup("clamd", DEAD, &found, &parts, &asked), CLASS_INFECTED);
	assert_int_equal(with_backup("clamd", DEAD, &hang, &parts, &asked), CLASS_ERROR);
	/* One that has not examined all of it is no answer in place of the failure. */
	assert_int_equal(with_backup("clamd", DEAD, &limit, &parts, &asked), CLASS_ERROR);
}

static void
backup_stays_out(void **state)
{
	static const struct play half = {
	    .answer = HALF_A_FINDING, .len = sizeof(HALF_A_FINDING) - 1, .cut = 1000};
	struct fake *good = server(&fake_clamd, &ok, VERSION),
		    *broken = server(&fake_icap, &half, OPTIONS);
	unsigned parts;
	int asked;

	(void)state;
	assert_int_equal(with_backup("clamd", good->address, &found, &parts, &asked), CLASS_CLEAN);
	assert_int_equal(parts, 1);
	assert_int_equal(asked, 0);
	/* A failure that had found something is not undone by a backup that finds nothing. */
	assert_int_equal(with_backup("icap", broken->address, &ok, &parts, &asked), CLASS_INFECTED);
	end_server(good);
	end_server(broken);
}

static void
backup_of_nobody(void **state)
{
	g_autoptr(GError) err = NULL;
	struct conf *c =
	    world_conf("antivirus { clamd \"b\" { servers = \"" DEAD "\" backup = yes } }");

	(void)state;
	assert_null(engines_new(c, NULL, true, &err));
	assert_non_null(strstr(err->message, "no engine to step in for"));
	conf_unref(&c);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(all_at_once),      cmocka_unit_test(first_in_order),
    cmocka_unit_test(backup_steps_in),  cmocka_unit_test(backup_stays_out),
    cmocka_unit_test(backup_of_nobody),
};

int
main(void)
{
	log_open("stderr", "mail", "test", LOGLV_ERR, NULL);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
