/*
 * identity - what a verdict depends on besides the content: engines, their options, their
 * definitions
 */
#include "scan/identity.h"

#include <string.h>

#include "conf/conf.h"
#include "engine/upstream.h"
#include "worker/worker.h"

/* Options of antivirus and its engines that change no COMPLETE verdict. What is not listed counts.
 */
static const char *const indifferent[] = {
	"file_base",
	"scratch_base",
	"path_directory",
	"path_group",
	"path_mode",
	"path_map",
	"message_time_max",
	"queue_max",
	"max_attempts",
	"cache_size",
	"cache_size_clean",
	"cache_memory",
	"cache_ttl_unversioned",
	"fingerprint_scan_headers",
	"redirect",
	"repair_fallback",
	"repair_notice",
	"repair_relayed",
	"action",
	"on_infected",
	"on_evasion",
	"on_blocked",
	"on_suspicious",
	"on_encrypted",
	"on_macro",
	"on_unscannable",
	"on_error",
	"error_code",
	"reject_message",
	"tempfail_message",
	"timeout",
	"max_concurrency",
	"pool",
	"symbol",
	"context_variable",
	"definitions_max_age",
	"on_stale",
	"trace",
	"database",
	"workers",
	"scanner_path",
	"scanner_log",
	"update_interval",
	"update_command",
	"reload",
	"layer_cache",
	"pcre_jit",
	"logic_shortcut",
	"huge_pages",
	"pin_workers",
	"ac_depth",
	"servers",
	"fail_retry_time",
	"busy_retry_time",
	"license_retry_time",
	"read_write_time",
	"connect_time",
	"max_connections",
	"tls",
	"tls_name",
	"tls_ca",
	"tls_cert",
	"tls_key",
	"token_file",
};

static bool
is_indifferent(const char *name, size_t len)
{
	for (size_t i = 0; i < G_N_ELEMENTS(indifferent); i++)
		if (strlen(indifferent[i]) == len && memcmp(indifferent[i], name, len) == 0)
			return true;
	return false;
}

/* A line of conf_write(): PATH.NAME = VALUE. */
static bool
line_counts(const char *line)
{
	const char *end = strstr(line, " = "), *dot;

	if (!g_str_has_prefix(line, "antivirus.") || end == NULL)
		return false;
	dot = memrchr(line, '.', (size_t)(end - line));
	return dot == NULL || !is_indifferent(dot + 1, (size_t)(end - dot - 1));
}

static void
digest_text(struct digest *d, const char *text)
{
	uint64_t len = strlen(text);

	digest_add(d, &len, sizeof len);
	digest_add(d, text, len);
}

void
identity_options(const struct conf *conf, uint8_t out[DIGEST_LEN])
{
	AUTO(digest_free) struct digest *d = digest_new();
	g_autoptr(GString) text = g_string_new("");
	g_auto(GStrv) lines = NULL;

	conf_write(conf, text);
	lines = g_strsplit(text->str, "\n", -1);
	for (char **line = lines; *line != NULL; line++)
		if (line_counts(*line))
			digest_text(d, *line);
	digest_end(d, out);
}

/* What an engine's server hears about the envelope: the client's address, or more. */
enum told { TOLD_NOTHING, TOLD_CLIENT, TOLD_ALL };

static enum told
told_of(const struct engine *e)
{
	/* A backup is told as well, when it is asked. */
	if (e->conf->enabled != ENABLED_YES || strcmp(e->ops->name, "icap") != 0)
		return TOLD_NOTHING;
	if (e->conf->icap.request_header->len > 0)
		return TOLD_ALL;
	return e->conf->icap.send_client ? TOLD_CLIENT : TOLD_NOTHING;
}

void
identity_envelope(
    const struct engines *engines, const struct message *m, uint8_t options[DIGEST_LEN])
{
	const char *const all[] = { m->client_addr, m->helo, m->sender, m->message_id, m->auth };
	AUTO(digest_free) struct digest *d = NULL;
	enum told told = TOLD_NOTHING;
	size_t n;

	for (guint i = 0; i < engines->list->len; i++)
		told = MAX(told, told_of(g_ptr_array_index(engines->list, i)));
	if (told == TOLD_NOTHING)
		return;
	d = digest_new();
	digest_add(d, options, DIGEST_LEN);
	n = told == TOLD_ALL ? G_N_ELEMENTS(all) : 1;
	for (size_t i = 0; i < n; i++)
		digest_text(d, all[i] != NULL ? all[i] : "");
	for (guint i = 0; told == TOLD_ALL && i < m->recipients->len; i++)
		digest_text(d, g_ptr_array_index(m->recipients, i));
	digest_end(d, options);
}

char *
identity_generation_tag(const uint8_t generation[DIGEST_LEN])
{
	char hex[DIGEST_HEX];

	return g_strdup(digest_hex(generation, hex));
}

/* The engine in the workers: what the ones that serve now have loaded. */
static enum keeping
worker_tag(const struct engine *e, char **tag)
{
	struct proto_ready info;

	if (e->workers == NULL || !workers_ready_info(e->workers, &info))
		return KEEP_NEVER;
	*tag = identity_generation_tag(info.generation);
	return KEEP;
}

static enum keeping
find_tag(struct engine *e, char **tag)
{
	/* What a fault breaks, it breaks by counting. */
	if (e->inner != NULL)
		return KEEP_NEVER;
	if (engine_caps(e) & ENGINE_CAP_WORKER)
		return worker_tag(e, tag);
	if (e->upstream != NULL && !upstream_tag(e->upstream, tag))
		return KEEP_NEVER;
	if (e->upstream == NULL && e->ops->definitions != NULL)
		*tag = e->ops->definitions(e);
	return *tag != NULL ? KEEP : KEEP_A_WHILE;
}

enum keeping
identity_tag(struct engine *e, char **tag)
{
	enum keeping k;

	*tag = NULL;
	k = find_tag(e, tag);
	if (*tag == NULL)
		*tag = g_strdup("");
	return k;
}

char *
identity_engine(const struct engine *e)
{
	return g_strdup_printf("%s/%s", e->ops->name, e->title);
}

void
identity_plan(const struct engines *engines, const uint8_t options[DIGEST_LEN],
    const GPtrArray *tags, uint8_t out[DIGEST_LEN])
{
	AUTO(digest_free) struct digest *d = digest_new();

	digest_add(d, options, DIGEST_LEN);
	for (guint i = 0; i < engines->list->len; i++) {
		const struct engine *e = g_ptr_array_index(engines->list, i);
		g_autofree char *name = identity_engine(e);

		if (!engine_is_active(e))
			continue;
		digest_text(d, name);
		digest_text(d, g_ptr_array_index(tags, i));
	}
	digest_end(d, out);
}
