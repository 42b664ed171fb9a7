/*
 * replay - run a fuzz target over files instead of the fuzzer: seeds, and what once broke it
 *
 *	fuzz_NAME FILE|FOLDER...
 *
 * Folders are not searched deeper. Prints how many files it ran; a target that fails dies as it does under the fuzzer.
 */
#include <glib.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
__attribute__((weak)) int LLVMFuzzerInitialize(int *argc, char ***argv);

static unsigned
run_file(const char *path)
{
	g_autofree char *text = NULL;
	gsize size;

	if (!g_file_get_contents(path, &text, &size, NULL))
		return 0;
	fprintf(stderr, "%s\n", path);
	g_autofree uint8_t *exact = size > 0 ? g_memdup2(text, size) : g_malloc0(1);
	(void)LLVMFuzzerTestOneInput(exact, size);
	return 1;
}

static unsigned
run_path(const char *path)
{
	g_autoptr(GDir) dir = g_dir_open(path, 0, NULL);
	unsigned n = 0;
	const char *name;

	if (!dir)
		return run_file(path);
	while ((name = g_dir_read_name(dir)) != NULL) {
		g_autofree char *file = g_build_filename(path, name, NULL);
		if (!g_file_test(file, G_FILE_TEST_IS_DIR))
			n += run_file(file);
	}
	return n;
}

int
main(int argc, char **argv)
{
	unsigned n = 0;

	if (LLVMFuzzerInitialize)
		LLVMFuzzerInitialize(&argc, &argv);
	for (int i = 1; i < argc; i++)
		n += run_path(argv[i]);
	printf("%u\n", n);
	return n > 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
