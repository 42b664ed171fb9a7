/*
 * confdoc - what src/conf generates, for scripts and tests: `confdoc check FILE`, `confdoc sample`, `confdoc man`
 */
#include <stdio.h>
#include <string.h>

#include "conf/conf.h"

static int
check(const char *path)
{
	g_autoptr(GError) err = NULL;
	struct conf *c = conf_load(path, &err);

	if (!c) {
		fprintf(stderr, "%s\n", err->message);
		return 1;
	}
	for (char *const *w = conf_warnings(c); *w; w++)
		printf("warning: %s\n", *w);
	conf_unref(&c);
	return 0;
}

/* The committed files name the default PREFIX, whatever this was built for. */
static int
show(void (*write_doc)(GString *out))
{
	g_autoptr(GString) out = g_string_new(NULL);

	write_doc(out);
	g_string_replace(out, LIBEXECDIR "/", "/usr/local/libexec/", 0);
	fputs(out->str, stdout);
	return fflush(stdout) == 0 ? 0 : 1;
}

int
main(int argc, char **argv)
{
	if (argc == 3 && strcmp(argv[1], "check") == 0)
		return check(argv[2]);
	if (argc == 2 && strcmp(argv[1], "sample") == 0)
		return show(conf_write_sample);
	if (argc == 2 && strcmp(argv[1], "man") == 0)
		return show(conf_write_man);
	return 2;
}
