/* sealing - see sealing.h */
#include "milter/sealing.h"

#include <string.h>
#include <time.h>

#include "base/cidr.h"
#include "base/log.h"
#include "effect/stamp.h"
#include "policy/rules.h"

/* The value of a field that stands there once; "" when its name is not in use; NULL otherwise. */
static const char *
the_one(const struct message *m, const char *name)
{
	if (name[0] == '\0')
		return "";
	if (message_header_count(m, name) != 1)
		return NULL;
	for (guint i = 0; i < m->headers->len; i++) {
		const struct header *h = g_ptr_array_index(m->headers, i);

		if (header_is(h->name, name))
			return h->value;
	}
	return NULL;
}

bool
sealing_believes(const struct seal *seal, const struct snapshot *snap, const struct facts *f,
    const struct message *m, char **host)
{
	uint8_t plan[DIGEST_LEN];
	const struct seal_subject of = {
		.message = m,
		.plan = plan,
		.scanned = the_one(m, snap->conf->header.scanned),
		.status = the_one(m, snap->conf->header.status),
	};
	const char *value = the_one(m, SEAL_FIELD), *why = "there is more than one";

	if (seal == NULL || message_header_count(m, SEAL_FIELD) == 0 ||
	    !rules_trusts(snap->rules, f))
		return false;
	if (value != NULL && (of.scanned == NULL || of.status == NULL))
		why = "our other fields are missing, or there are several";
	else if (value != NULL && !scan_plan_now(snap->conf, snap->engines, m, plan))
		why = "the definitions of our own engines are not known";
	else if (value != NULL &&
	    seal_check(seal, &of, value, time(NULL), snap->conf->seal.trust, host, &why))
		return true;
	log_info("the seal of %s is not believed: %s", f->client, why);
	return false;
}

bool
sealing_is_hop(const struct rules *r, const char *rcpt_host)
{
	g_autofree char *address = NULL;
	const char *end;

	if (rcpt_host == NULL)
		return false;
	if (rcpt_host[0] == '[') {
		rcpt_host++;
		if (g_ascii_strncasecmp(rcpt_host, "IPv6:", 5) == 0)
			rcpt_host += 5;
		end = strchr(rcpt_host, ']');
	} else {
		end = rcpt_host + strlen(rcpt_host);
	}
	if (end == NULL)
		return false;
	address = g_strndup(rcpt_host, (size_t)(end - rcpt_host));
	return cidr_list_has(r->hops, address);
}

char *
sealing_make(const struct seal *seal, const struct session *s, const struct scan_result *r,
    const char *skipped)
{
	const struct message *m = s->message;
	g_autofree char *scanned = NULL, *status = NULL;
	struct seal_subject of;

	if (seal == NULL || skipped != NULL || !verdict_is_clean(&r->verdict) || r->left_out > 0 ||
	    !r->plan_known || s->to_hops == 0 || s->to_hops != m->recipients_total)
		return NULL;
	scanned = s->snapshot->conf->header.scanned[0] != '\0'
	    ? stamp_scanned(s->snapshot->conf, r, NULL, s->milter->host)
	    : g_strdup("");
	status = s->snapshot->conf->header.status[0] != '\0' ? stamp_status(&r->verdict, NULL)
							     : g_strdup("");
	of = (struct seal_subject){ m, r->plan, scanned, status };
	return seal_make(seal, &of, s->milter->host, time(NULL));
}
