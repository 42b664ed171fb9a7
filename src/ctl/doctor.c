/* doctor - see doctor.h */
#include "ctl/doctor.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "ctl/site.h"

enum { NOTHING = 0, REMARKS = 1, USAGE = 2 };

/* What the configuration itself deserves a word for. */
void
doctor_conf(struct site *s)
{
	const struct conf *c = s->conf;

	if (c == NULL)
		return;
	for (char *const *w = conf_warnings(c); *w != NULL; w++)
		site_remark(s, WARNING, NULL, "see avmilter.conf(5)", "avmilter -n", "%s", *w);
	if (c->observe)
		site_remark(s, WARNING, NULL, "viruses are delivered",
		    "observe = false, when you have seen enough",
		    "observe: every mail passes, whatever is in it");
	if (c->antivirus.on_error == ACTION_PASS)
		site_remark(s, ERROR, NULL, "mail passes unscanned whenever an engine fails",
		    "on_error = tempfail", "on_error = pass");
	if (c->header.status[0] == '\0')
		site_remark(s, WARNING, NULL,
		    "nobody behind us sees what was found, and forged fields stay",
		    "header { status = \"X-Virus-Status\" }", "header.status is empty");
	if (s->socket != NULL && s->socket->family != ENDPOINT_UNIX &&
	    (s->socket->host[0] == '\0' || strcmp(s->socket->host, "0.0.0.0") == 0 ||
		strcmp(s->socket->host, "::") == 0))
		site_remark(s, WARNING, NULL,
		    "everybody who reaches this machine may hand over mail to scan",
		    "socket = \"inet:PORT@127.0.0.1\"",
		    "the milter socket listens on every address");
}

static const char *
gravity_name(enum gravity g)
{
	return g == ERROR ? "error" : "warning";
}

static void
print_text(const struct site *s)
{
	unsigned errors = 0;

	for (guint i = 0; i < s->remarks->len; i++) {
		const struct remark *r = g_ptr_array_index(s->remarks, i);

		printf("%s: %s: %s\n  why:   %s\n  write: %s\n", r->where, gravity_name(r->gravity),
		    r->what, r->why, r->write);
		errors += r->gravity == ERROR;
	}
	if (s->remarks->len == 0)
		puts("nothing to remark");
	else
		printf("%u error%s, %u warning%s\n", errors, errors == 1 ? "" : "s",
		    s->remarks->len - errors, s->remarks->len - errors == 1 ? "" : "s");
}

static void
print_json(const struct site *s)
{
	json_t *list = json_array(), *o = json_pack("{s:o}", "remarks", list);
	char *text;

	for (guint i = 0; i < s->remarks->len; i++) {
		const struct remark *r = g_ptr_array_index(s->remarks, i);

		json_array_append_new(list,
		    json_pack("{s:s, s:s, s:s*, s:s, s:s}", "gravity", gravity_name(r->gravity),
			"where", r->where, "what", r->what, "why", r->why, "write", r->write));
	}
	text = json_dumps(o, JSON_INDENT(2) | JSON_ENSURE_ASCII);
	puts(text);
	free(text);
	json_decref(o);
}

static bool
parse(char *const *words, struct site_places *at)
{
	const struct {
		const char *word;
		const char **to;
	} options[] = { { "--postfix", &at->postfix }, { "--sendmail", &at->sendmail },
		{ "--clamd", &at->clamd }, { "--c-icap", &at->c_icap } };

	for (; *words != NULL; words += 2) {
		size_t i = 0;

		while (i < G_N_ELEMENTS(options) && strcmp(*words, options[i].word) != 0)
			i++;
		if (i == G_N_ELEMENTS(options) || words[1] == NULL || *options[i].to != NULL)
			return false;
		*options[i].to = words[1];
	}
	return true;
}

int
doctor_run(const char *config, char *const *words, bool json)
{
	struct site_places at = { 0 };
	struct site s;
	int code;

	if (!parse(words + 1, &at)) {
		fputs(
		    "avmilterctl: doctor [--postfix DIR] [--sendmail FILE] [--clamd FILE] [--c-icap FILE]\n",
		    stderr);
		return USAGE;
	}
	site_read(&s, config, &at);
	doctor_conf(&s);
	doctor_machine(&s);
	doctor_postfix(&s);
	doctor_sendmail(&s);
	doctor_engines(&s);
	if (json)
		print_json(&s);
	else
		print_text(&s);
	code = s.remarks->len > 0 ? REMARKS : NOTHING;
	site_clear(&s);
	return code;
}
