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

int
main(int argc, char **argv)
{
	if (argc == 3 && strcmp(argv[1], "check") == 0)
		return check(argv[2]);
	return 2;
}
