/* session - see session.h */
#include "milter/session.h"

#include <arpa/inet.h>
#include <string.h>

#include "milter/sealing.h"

/* Queue ids of every MTA are short and plain; what is not becomes '?'. */
#define QUEUE_ID_MAX 40

struct session *
session_new(struct milter *m, SMFICTX *ctx)
{
	struct session *s = g_new0(struct session, 1);

	s->milter = m;
	s->ctx = ctx;
	atomic_fetch_add(&m->sessions, 1);
	atomic_fetch_add(&m->stats.sessions, 1);
	return s;
}

struct session *
session_adopt(struct milter *m, SMFICTX *ctx)
{
	struct session *s = session_new(m, ctx);

	s->steps = atomic_load(&m->last_steps);
	s->actions = atomic_load(&m->last_actions);
	return s;
}

static const struct wanted {
	int stage;
	const char *macros;
} wanted_macros[] = {
	{ SMFIM_CONNECT, "{daemon_name}" },
	{ SMFIM_ENVFROM, "i {auth_authen} {daemon_name}" },
	{ SMFIM_ENVRCPT, "i {rcpt_host} {rcpt_mailer}" },
	{ SMFIM_DATA, "i" },
	{ SMFIM_EOM, "i" },
};

/* trust.skip_macro may be set as late as the end of the message. */
static void
want_macros(struct session *s, const struct wanted *w, const struct conf *conf)
{
	const bool more =
	    w->stage == SMFIM_EOM && conf != NULL && conf->trust.skip_macro[0] != '\0';
	g_autofree char *list =
	    g_strjoin(" ", w->macros, more ? conf->trust.skip_macro : NULL, NULL);

	s->milter->ops->setsymlist(s->ctx, w->stage, list);
}

void
session_negotiate(struct session *s, unsigned long actions, unsigned long steps,
    unsigned long *actions_out, unsigned long *steps_out)
{
	struct snapshot *snap = snapshot_slot_get(&s->milter->slot);
	const unsigned long need = snap != NULL ? milter_actions(snap->conf) : 0;

	/* What the MTA does not offer cannot be asked for: libmilter would close the connection,
	 * which may mean "accept" to the MTA. Nothing is asked for then; the end of each message
	 * finds out and answers 451. */
	s->actions = (need & ~actions) == 0 ? need : 0;
	s->steps = steps & (SESSION_NO_REPLY | SMFIP_HDR_LEADSPC);
	*actions_out = s->actions;
	*steps_out = s->steps;
	if (actions & SMFIF_SETSYMLIST) {
		*actions_out |= SMFIF_SETSYMLIST;
		for (size_t i = 0; i < G_N_ELEMENTS(wanted_macros); i++)
			want_macros(s, &wanted_macros[i], snap != NULL ? snap->conf : NULL);
	}
	atomic_store(&s->milter->last_steps, s->steps);
	atomic_store(&s->milter->last_actions, s->actions);
	snapshot_unref(&snap);
}

/* Postfix shows the milter mail of the sendmail command as from 127.0.0.1, and from port 0, which no client has. */
static bool
is_submission(const struct sockaddr *addr)
{
	const struct sockaddr_in *in = (const struct sockaddr_in *)(const void *)addr;
	const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)(const void *)addr;

	if (addr == NULL)
		return true;
	if (addr->sa_family == AF_INET)
		return in->sin_port == 0 && in->sin_addr.s_addr == htonl(INADDR_LOOPBACK);
	return addr->sa_family == AF_INET6 && in6->sin6_port == 0 &&
	    IN6_IS_ADDR_LOOPBACK(&in6->sin6_addr);
}

void
session_connect(struct session *s, const char *host, const struct sockaddr *addr)
{
	struct client *c = &s->client;
	char text[INET6_ADDRSTRLEN] = "";
	const char *daemon = s->milter->ops->getsymval(s->ctx, "{daemon_name}");

	session_end(s);
	c->submitted = is_submission(addr);
	g_free(c->name);
	g_free(c->addr);
	g_free(c->daemon);
	if (addr != NULL && addr->sa_family == AF_INET)
		inet_ntop(AF_INET, &((const struct sockaddr_in *)(const void *)addr)->sin_addr,
		    text, sizeof(text));
	else if (addr != NULL && addr->sa_family == AF_INET6)
		inet_ntop(AF_INET6, &((const struct sockaddr_in6 *)(const void *)addr)->sin6_addr,
		    text, sizeof(text));
	c->name = g_strdup(host != NULL ? host : "unknown");
	c->addr = text[0] != '\0' ? g_strdup(text) : NULL;
	c->daemon = g_strdup(daemon);
}

void
session_helo(struct session *s, const char *helo)
{
	g_free(s->client.helo);
	s->client.helo = g_strdup(helo);
}

void
session_queue_id(struct session *s)
{
	const char *id = s->milter->ops->getsymval(s->ctx, "i");

	if (s->message == NULL || id == NULL || id[0] == '\0')
		return;
	g_free(s->message->id);
	s->message->id = g_strndup(id, QUEUE_ID_MAX);
	for (char *p = s->message->id; *p != '\0'; p++)
		if (!g_ascii_isalnum(*p) && strchr("-_.:", *p) == NULL)
			*p = '?';
}

/* What a message may hold. Without a snapshot the daemon is ending: nothing is kept, and the end of
 * the message answers 451. */
static struct message_limits
limits_of(const struct snapshot *snap)
{
	struct message_limits lim = { .spool = { .total_max = 1, .file_base = "" },
		.header_max = 1 };

	if (snap == NULL)
		return lim;
	lim.spool.memory_max = snap->conf->spool.memory_max;
	lim.spool.message_max = snap->conf->spool.message_max;
	lim.spool.total_max = snap->conf->spool.total_max;
	lim.spool.file_base = snap->conf->antivirus.file_base;
	lim.header_max = snap->conf->antivirus.header_max;
	lim.watch[0] = snap->conf->header.scanned;
	lim.watch[1] = snap->conf->header.status;
	lim.watch[2] = snap->conf->header.report;
	lim.watch[3] = snap->conf->trust.skip_header;
	lim.watch[4] = SEAL_FIELD;
	return lim;
}

void
session_mail(struct session *s, char *const *args)
{
	const char *sender = args[0] != NULL ? args[0] : "";
	struct message_limits lim;
	const char *auth;

	session_end(s);
	s->snapshot = snapshot_slot_get(&s->milter->slot);
	lim = limits_of(s->snapshot);
	s->message = message_new(s->milter->budget, &lim, &s->client, sender);
	if (args[0] != NULL && args[1] != NULL)
		s->message->parameters = g_strjoinv(" ", (char **)(uintptr_t)(args + 1));
	auth = s->milter->ops->getsymval(s->ctx, "{auth_authen}");
	if (auth != NULL && auth[0] != '\0') {
		g_free(s->message->auth);
		s->message->auth = g_strdup(auth);
	}
	session_queue_id(s);
	if (s->snapshot != NULL && !atomic_load(&s->milter->draining)) {
		atomic_fetch_add(&s->milter->pending, 1);
		s->pending = true;
	}
}

/* Mailers that speak SMTP with another host: Postfix's smtp and relay, sendmail's smtp, esmtp, dsmtp, relay, uucp.
 */
static void
note_mailer(struct session *s)
{
	const char *mailer = s->milter->ops->getsymval(s->ctx, "{rcpt_mailer}");

	if (mailer == NULL)
		s->unplaced++;
	else if (strstr(mailer, "smtp") != NULL || strcmp(mailer, "relay") == 0 ||
	    g_str_has_prefix(mailer, "uucp"))
		s->leaving++;
}

void
session_recipient(struct session *s, const char *rcpt)
{
	if (s->message == NULL)
		return;
	message_add_recipient(s->message, rcpt);
	note_mailer(s);
	if (s->milter->seal != NULL && s->snapshot != NULL &&
	    sealing_is_hop(s->snapshot->rules, s->milter->ops->getsymval(s->ctx, "{rcpt_host}")))
		s->to_hops++;
}

void
session_header(struct session *s, const char *name, const char *value)
{
	g_autofree char *spaced = NULL;

	if (s->message == NULL)
		return;
	/* Without it the MTA has taken the blank behind the colon away. */
	if ((s->steps & SMFIP_HDR_LEADSPC) == 0)
		value = spaced = g_strconcat(" ", value, NULL);
	message_add_header(s->message, name, value);
}

void
session_end(struct session *s)
{
	message_free(&s->message);
	snapshot_unref(&s->snapshot);
	if (s->pending)
		atomic_fetch_sub(&s->milter->pending, 1);
	s->pending = false;
	s->to_hops = s->leaving = s->unplaced = 0;
}

void
session_free(struct session **sp)
{
	struct session *s = *sp;

	*sp = NULL;
	if (s == NULL)
		return;
	session_end(s);
	g_free(s->client.name);
	g_free(s->client.addr);
	g_free(s->client.helo);
	g_free(s->client.daemon);
	atomic_fetch_sub(&s->milter->sessions, 1);
	g_free(s);
}
