/*
 * check - is a text what its option wants: a path, a network, a regex, a reply template
 */
#include "conf/check.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <arpa/inet.h>
#include <glib.h>
#include <pcre2.h>
#include <string.h>

#include "base/endpoint.h"
#include "conf/value.h"
#include "verdict/evasion.h"
#include "verdict/verdict.h"

#define SHA256_HEX 64
#define EXIT_MAX   255
#define PORT_MAX   65535

static char *
check_path(const char *text)
{
	return *text && *text != '/' ? g_strdup("is not an absolute path: begin it with /") : NULL;
}

static char *
check_socket(const char *text)
{
	g_autoptr(GError) err = NULL;
	struct endpoint *e;

	if (!*text)
		return NULL;
	e = endpoint_parse(text, &err);
	endpoint_free(&e);
	return err ? g_strdup(err->message) : NULL;
}

static char *
check_cidr(const char *text)
{
	g_autofree char *address = g_strdup(*text == '!' ? text + 1 : text);
	char *slash = strchr(address, '/');
	unsigned char buf[16];
	uint64_t bits = 0;
	int family = strchr(address, ':') ? AF_INET6 : AF_INET;

	if (slash)
		*slash = '\0';
	if (inet_pton(family, address, buf) != 1 ||
	    (slash &&
		(!value_number(slash + 1, &bits) || bits > (family == AF_INET6 ? 128u : 32u))))
		return g_strdup("is no network: write an address or ADDRESS/BITS, such as "
				"10.0.0.0/8 or 2001:db8::/32");
	return NULL;
}

static char *
check_regex(const char *text)
{
	int code;
	PCRE2_SIZE at;
	PCRE2_UCHAR why[128];
	pcre2_code *re =
	    pcre2_compile((PCRE2_SPTR)text, PCRE2_ZERO_TERMINATED, 0, &code, &at, NULL);

	if (re) {
		pcre2_code_free(re);
		return NULL;
	}
	pcre2_get_error_message(code, why, sizeof(why));
	return g_strdup_printf("is no regex: %s at its byte %zu; write it in single quotes",
	    (const char *)why, (size_t)at);
}

/* What stands on both sides of the last @; no blank, bracket or quote that would break out of an
 * envelope command. */
static bool
is_address(const char *text)
{
	const char *at = strrchr(text, '@');

	return at && at > text && at[1] && !strpbrk(text, " \t<>\"\\,");
}

static char *
check_address(const char *text)
{
	return !*text || is_address(text) ? NULL
					  : g_strdup("is no mail address: write USER@DOMAIN");
}

static char *
check_notify(const char *text)
{
	if (strcmp(text, "admin") == 0 || strcmp(text, "recipient") == 0 || is_address(text))
		return NULL;
	return g_strdup("is nobody: write admin, recipient or USER@DOMAIN");
}

static char *
check_host_port(const char *text)
{
	const char *colon = strrchr(text, ':');
	uint64_t port;
	bool bracket = *text == '[';

	if (!*text)
		return NULL;
	if (colon && colon > text && value_number(colon + 1, &port) && port >= 1 &&
	    port <= PORT_MAX &&
	    (bracket ? colon[-1] == ']' : memchr(text, ':', (size_t)(colon - text)) == NULL))
		return NULL;
	return g_strdup("is no address of a server: write HOST:PORT or [IPV6]:PORT");
}

/* The closing brace of a name that begins at p + 2, when it is one of known; else NULL. */
static const char *
known_name(const char *p, const char *const *known)
{
	const char *close = strchr(p, '}');

	for (; close && *known; known++)
		if (strlen(*known) == (size_t)(close - p) - 2 && g_str_has_prefix(p + 2, *known))
			return close;
	return NULL;
}

/* Every name must be known, or it would go out to the sender as it stands. ${...} is Rspamd's way
 * (P14). */
static char *
check_template(const char *text)
{
	static const char *const ours[] = { "virus", "engine", "class", "ref", "qid", "host",
		NULL };
	static const char *const rspamds[] = { "VIRUS", "SCANNER", NULL };

	for (const char *p = text; *p; p++) {
		if (g_str_has_prefix(p, "%{") && !known_name(p, ours))
			return g_strdup("has an unknown %{name}: there are %{virus} %{engine} "
					"%{class} %{ref} %{qid} %{host}");
		if (g_str_has_prefix(p, "${") && !known_name(p, rspamds))
			return g_strdup(
			    "has an unknown ${NAME}: there are ${VIRUS} and ${SCANNER}");
	}
	return NULL;
}

/* RFC 5322 3.6.8: printable ASCII but the colon. */
static char *
check_field_name(const char *text)
{
	for (const char *p = text; *p; p++)
		if (*p <= ' ' || *p > '~' || *p == ':')
			return g_strdup(
			    "is no name of a header field: write letters, digits and -");
	return NULL;
}

static char *
check_code(const char *text)
{
	uint64_t set = 0;

	if (evasion_select(text, &set))
		return NULL;
	return g_strdup("is no code: write P1, P2, CODE or -CODE as in avmilter.conf(5), EVASION");
}

static char *
check_class(const char *text)
{
	enum verdict_class c;
	GString *names;

	if (verdict_class_parse(text, &c))
		return NULL;
	names = g_string_new("is no class: write one of");
	for (unsigned i = 0; i < CLASS_COUNT; i++)
		g_string_append_printf(names, " %s", verdict_class_name((enum verdict_class)i));
	return g_string_free(names, FALSE);
}

static char *
check_hash(const char *text)
{
	size_t len = strlen(text);

	if (g_str_has_prefix(text, "file:/") ||
	    (len == SHA256_HEX && strspn(text, "0123456789abcdefABCDEF") == len))
		return NULL;
	return g_strdup("is no sha256: write its 64 hexadecimal digits, or file:/PATH");
}

static char *
check_date(const char *text)
{
	g_autoptr(GDateTime) day = NULL;
	g_autofree char *iso = NULL, *again = NULL;

	if (!*text)
		return NULL;
	iso = g_strdup_printf("%sT00:00:00Z", text);
	day = g_date_time_new_from_iso8601(iso, NULL);
	again = day ? g_date_time_format(day, "%Y-%m-%d") : NULL;
	return again && strcmp(again, text) == 0
	    ? NULL
	    : g_strdup("is no day: write YEAR-MONTH-DAY, such as 2027-01-31");
}

static char *
check_exit_code(const char *text)
{
	uint64_t n;

	return value_number(text, &n) && n <= EXIT_MAX
	    ? NULL
	    : g_strdup("is no exit code: write a number from 0 to 255");
}

static char *
check_path_map(const char *text)
{
	const char *sign = strchr(text, '=');

	return *text == '/' && sign && sign[1]
	    ? NULL
	    : g_strdup("is no pair of prefixes: write \"/LOCAL=REMOTE\"");
}

static char *
check_command(const char *text)
{
	g_autoptr(GError) err = NULL;
	g_auto(GStrv) argv = NULL;

	if (!*text)
		return NULL;
	if (!g_shell_parse_argv(text, NULL, &argv, &err))
		return g_strdup_printf("cannot be split into words: %s", err->message);
	return argv[0][0] == '/'
	    ? NULL
	    : g_strdup("names no program by its absolute path: begin it with /");
}

/* A control character in a path, name or reply would end up in a log line, a header or a reply. */
static char *
check_control(const char *text)
{
	for (const char *p = text; *p; p++)
		if ((unsigned char)*p < ' ' || *p == 0x7f)
			return g_strdup("holds a control character: take it away");
	return NULL;
}

char *
check_text(const struct conf_option *o, const char *text)
{
	static const struct {
		unsigned flag;
		char *(*check)(const char *text);
	} checks[] = {
		{ PATHNAME, check_path },
		{ SOCKET, check_socket },
		{ CIDRS, check_cidr },
		{ TEMPLATE, check_template },
		{ FIELDNAME, check_field_name },
		{ CODES, check_code },
		{ CLASSES, check_class },
		{ HASHES, check_hash },
		{ DATE, check_date },
		{ EXITCODES, check_exit_code },
		{ PATHMAP, check_path_map },
		{ ADDRESS, check_address },
		{ NOTIFY, check_notify },
		{ HOSTPORT, check_host_port },
		{ COMMANDLINE, check_command },
	};
	char *why;

	if (o->flags & REGEX)
		return check_regex(text);
	if ((o->flags & UNIXPATH) && g_str_has_prefix(text, "unix:/"))
		return check_control(text);
	why = check_control(text);
	for (size_t i = 0; i < G_N_ELEMENTS(checks) && !why; i++)
		if (o->flags & checks[i].flag)
			why = checks[i].check(text);
	return why;
}
