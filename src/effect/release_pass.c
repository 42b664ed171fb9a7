/* release_pass - see release_pass.h, and release_recognise() in release.h */
#include "effect/release_pass.h"

#include <openssl/crypto.h>
#include <string.h>
#include <sys/random.h>

#include "base/deadline.h"
#include "effect/relaxed.h"
#include "effect/release.h"

#define LIFETIME_MS (10 * 60 * 1000)

struct release_pass {
	char envid[sizeof(PASS_PREFIX_XTEXT) + PASS_TOKEN_LEN];
	char *ref;
	char *sender;
	GHashTable *to; /* set of char * */
	uint8_t body[DIGEST_LEN], mime[DIGEST_LEN];
	bool plain; /* mime is known */
	struct deadline end;
	bool without_token;
	bool under_way; /* its transaction is not over: pass_end() will come */
	bool used;
	GList link;
};

static const char *
token_of(const struct release_pass *p)
{
	return p->envid + strlen(PASS_PREFIX_XTEXT);
}

static void
make_envid(struct release_pass *p)
{
	uint8_t random[PASS_TOKEN_LEN / 2];
	const ssize_t n = getrandom(random, sizeof(random), 0);
	GString *s = g_string_new(PASS_PREFIX_XTEXT);

	g_assert(n == (ssize_t)sizeof(random));
	for (size_t i = 0; i < sizeof(random); i++)
		g_string_append_printf(s, "%02x", random[i]);
	g_strlcpy(p->envid, s->str, sizeof(p->envid));
	g_string_free(s, TRUE);
}

static void
drop(struct quarantine *q, struct release_pass *p)
{
	g_queue_unlink(&q->passes, &p->link);
	g_hash_table_unref(p->to);
	g_free(p->ref);
	g_free(p->sender);
	OPENSSL_cleanse(p->envid, sizeof(p->envid));
	g_free(p);
}

/* Under the mutex. */
static void
drop_old(struct quarantine *q)
{
	for (GList *l = q->passes.head, *next; l != NULL; l = next) {
		struct release_pass *p = l->data;

		next = l->next;
		if (!p->under_way && (p->used || deadline_passed(p->end)))
			drop(q, p);
	}
}

struct release_pass *
pass_new(struct quarantine *q, const char *ref, const struct pass_mail *mail)
{
	struct release_pass *p = g_new0(struct release_pass, 1);

	make_envid(p);
	p->ref = g_strdup(ref);
	p->sender = g_strdup(mail->sender);
	p->to = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	for (guint i = 0; i < mail->to->len; i++)
		g_hash_table_add(p->to, g_strdup(g_ptr_array_index(mail->to, i)));
	memcpy(p->body, mail->body, DIGEST_LEN);
	p->plain = mail->mime != NULL;
	if (p->plain)
		memcpy(p->mime, mail->mime, DIGEST_LEN);
	p->end = deadline_in(LIFETIME_MS);
	p->under_way = true;
	p->link.data = p;
	quarantine_lock(q);
	drop_old(q);
	g_queue_push_tail_link(&q->passes, &p->link);
	quarantine_unlock(q);
	return p;
}

const char *
pass_envid(const struct release_pass *p)
{
	return p->envid;
}

void
pass_without_token(struct quarantine *q, struct release_pass *p)
{
	quarantine_lock(q);
	p->without_token = true;
	quarantine_unlock(q);
}

void
pass_end(struct quarantine *q, struct release_pass *p, bool taken)
{
	quarantine_lock(q);
	p->under_way = false;
	p->used = p->used || !taken;
	drop_old(q);
	quarantine_unlock(q);
}

void
pass_forget_all(struct quarantine *q)
{
	while (q->passes.head != NULL)
		drop(q, q->passes.head->data);
}

/* The token in the ESMTP parameters of MAIL: PASS_TOKEN_LEN characters, or NULL. The caller frees. */
static char *
said_token(const char *parameters)
{
	g_auto(GStrv) words = g_strsplit(parameters != NULL ? parameters : "", " ", -1);

	for (char **w = words; *w != NULL; w++) {
		const char *v = *w;

		if (g_ascii_strncasecmp(v, "ENVID=", strlen("ENVID=")) != 0)
			continue;
		v += strlen("ENVID=");
		if (g_str_has_prefix(v, PASS_PREFIX_XTEXT))
			v += strlen(PASS_PREFIX_XTEXT);
		else if (g_str_has_prefix(v, PASS_PREFIX))
			v += strlen(PASS_PREFIX);
		else
			continue;
		if (strlen(v) == PASS_TOKEN_LEN)
			return g_strdup(v);
	}
	return NULL;
}

/* As MAIL and RCPT have them, whether the MTA hands over the angles or not. */
static bool
same_address(const char *a, const char *b)
{
	const size_t na = strlen(a), nb = strlen(b);
	const bool xa = na >= 2 && a[0] == '<' && a[na - 1] == '>';
	const bool xb = nb >= 2 && b[0] == '<' && b[nb - 1] == '>';

	return na - 2 * xa == nb - 2 * xb && memcmp(a + xa, b + xb, na - 2 * xa) == 0;
}

static bool
is_known(const struct release_pass *p, const char *rcpt)
{
	GHashTableIter it;
	gpointer key;

	if (g_hash_table_contains(p->to, rcpt))
		return true;
	g_hash_table_iter_init(&it, p->to);
	while (g_hash_table_iter_next(&it, &key, NULL))
		if (same_address(key, rcpt))
			return true;
	return false;
}

/* Is it the mail that this pass was made for? Its other fields may change on the way; what makes
 * another mail of the same body may not. */
static bool
fits(const struct release_pass *p, const struct message *m)
{
	uint8_t mime[DIGEST_LEN];

	if (m->error != NULL || m->recipients_total != m->recipients->len ||
	    m->recipients->len == 0 || !same_address(p->sender, m->sender) ||
	    memcmp(p->body, m->body_digest, DIGEST_LEN) != 0 || !p->plain ||
	    !relaxed_mime(m, mime) || memcmp(p->mime, mime, DIGEST_LEN) != 0)
		return false;
	for (guint i = 0; i < m->recipients->len; i++)
		if (!is_known(p, g_ptr_array_index(m->recipients, i)))
			return false;
	return true;
}

/* From this machine: the only client that a server without DSN can be recognised by. */
static bool
is_local(const struct message *m)
{
	return m->client_addr == NULL || g_str_has_prefix(m->client_addr, "127.") ||
	    strcmp(m->client_addr, "::1") == 0;
}

/*
 * The pass that this mail shows, valid or not; every token is looked at, each in the same time, so
 * that nobody learns one by asking often. Under the mutex.
 */
static struct release_pass *
shown(struct quarantine *q, const struct message *m, const char *token)
{
	struct release_pass *found = NULL;

	for (const GList *l = q->passes.head; l != NULL; l = l->next) {
		struct release_pass *p = l->data;

		if (p->used || deadline_passed(p->end))
			continue;
		if (token != NULL && CRYPTO_memcmp(token, token_of(p), PASS_TOKEN_LEN) == 0)
			found = p;
		else if (token == NULL && p->without_token && found == NULL && is_local(m) &&
		    fits(p, m))
			found = p;
	}
	return found;
}

bool
release_recognise(struct quarantine *q, const struct message *m, char ref[QUARANTINE_REF_MAX + 1])
{
	g_autofree char *token = NULL;
	struct release_pass *p;
	bool good = false, bad = false;

	ref[0] = '\0';
	if (q == NULL)
		return false;
	token = said_token(m->parameters);
	quarantine_lock(q);
	p = shown(q, m, token);
	if (p != NULL) {
		p->used = true; /* for this mail or for none */
		good = fits(p, m);
		bad = !good;
		g_strlcpy(ref, p->ref, QUARANTINE_REF_MAX + 1);
	}
	quarantine_unlock(q);
	if (bad)
		log_warn(
		    "quarantine: a mail has the token of the release of %s but is another; it is "
		    "treated as any mail",
		    ref);
	else if (token != NULL && !good)
		log_notice("quarantine: a mail says that it was released, with a token that is not "
			   "(or no more) ours; it is treated as any mail");
	return good;
}
