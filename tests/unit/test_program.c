/* test_program.c: what is read of programs before they are started, damaged ones too. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <elf.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "collect/procfs.h"
#include "collect/program.h"
#include "core/error.h"

static char path[] = "/tmp/mmprof-program-XXXXXX";

static void write_file(const void *data, size_t size)
{
	int fd = open(path, O_WRONLY | O_TRUNC);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, data, size), size);
	close(fd);
}

static uint8_t *read_self(size_t *size)
{
	FILE *f = fopen("/proc/self/exe", "rb");
	struct stat st;

	assert_non_null(f);
	assert_int_equal(fstat(fileno(f), &st), 0);
	*size = (size_t)st.st_size;
	uint8_t *data = malloc(*size);
	assert_int_equal(fread(data, 1, *size, f), *size);
	fclose(f);
	return data;
}

static void symbols_are_found_by_name(void **arg)
{
	(void)arg;
	assert_true(mm_program_has_symbol("/proc/self/exe", "main"));
	assert_true(mm_program_has_symbol("/proc/self/exe", "mm_program_check"));
	assert_false(mm_program_has_symbol("/proc/self/exe", "mi_malloc_of_nobody"));
	assert_false(mm_program_has_symbol("/no/such/file", "main"));
}

static void what_is_no_program_has_no_symbols(void **arg)
{
	(void)arg;
	write_file("plain text", 10);
	assert_false(mm_program_has_symbol(path, "main"));
	assert_int_equal(mm_program_check(path, NULL), MM_OK); /* the kernel will say */
	write_file("\177ELF", 4);
	struct mm_diag diag = { "" };
	assert_int_equal(mm_program_check(path, &diag), MM_EUNSUP);
	assert_non_null(strstr(diag.text, path));
}

static void a_script_is_what_interprets_it(void **arg)
{
	struct mm_diag diag = { "" };
	char text[256];

	(void)arg;
	write_file("#!/bin/sh\n", 10);
	assert_int_equal(mm_program_check(path, &diag), MM_OK);
	write_file("#!", 2);
	assert_int_equal(mm_program_check(path, &diag), MM_OK);
	write_file("#!   \n", 6);
	assert_int_equal(mm_program_check(path, &diag), MM_OK);
	/* A script that interprets itself ends somewhere. */
	snprintf(text, sizeof text, "#!%s\n", path);
	write_file(text, strlen(text));
	assert_int_equal(mm_program_check(path, &diag), MM_OK);
}

static void another_machines_program_is_refused(void **arg)
{
	struct mm_diag diag = { "" };
	size_t size;
	uint8_t *data = read_self(&size);

	(void)arg;
	((Elf64_Ehdr *)(void *)data)->e_machine = EM_AARCH64;
	write_file(data, size);
	assert_int_equal(mm_program_check(path, &diag), MM_EUNSUP);
	assert_non_null(strstr(diag.text, "x86-64"));
	free(data);
}

static void a_program_without_a_loader_is_static(void **arg)
{
	struct mm_diag diag = { "" };
	size_t size;
	uint8_t *data = read_self(&size);
	Elf64_Ehdr *h = (void *)data;
	Elf64_Phdr *p = (void *)(data + h->e_phoff);

	(void)arg;
	for (unsigned i = 0; i < h->e_phnum; i++)
		if (p[i].p_type == PT_INTERP)
			p[i].p_type = PT_NULL;
	write_file(data, size);
	assert_int_equal(mm_program_check(path, &diag), MM_EUNSUP);
	assert_non_null(strstr(diag.text, "static"));
	free(data);
}

/* Whatever the damage, an answer. */
static void damage_is_survived(void **arg)
{
	size_t size;
	uint8_t *whole = read_self(&size), *data = malloc(size);
	uint64_t state = 88172645463325252u;
	int answers = 0;

	(void)arg;
	for (int i = 0; i < 300; i++) {
		memcpy(data, whole, size);
		for (int j = 0; j < 12; j++) {
			state ^= state << 13;
			state ^= state >> 7;
			state ^= state << 17;
			/* Headers are hit as often as all the rest. */
			size_t at = state % (j % 2 ? size : 1024);
			data[at] = (uint8_t)(state >> 40);
		}
		write_file(data, i % 3 ? size : state % size + 1);
		int err = mm_program_check(path, NULL);
		answers += err == MM_OK || err == MM_EUNSUP;
		mm_program_has_symbol(path, "main");
	}
	assert_int_equal(answers, 300);
	free(whole);
	free(data);
}

static void commands_are_quoted_as_a_shell_would_need(void **arg)
{
	char sh[] = "/bin/sh", c[] = "-c", echo[] = "echo 'a b'", empty[] = "",
	     plain[] = "plain-1.0=x", *argv[] = { sh, c, echo, empty, plain, NULL };
	char *text = mm_procfs_quote(argv);

	(void)arg;
	assert_string_equal(text, "/bin/sh -c 'echo '\\''a b'\\''' '' plain-1.0=x");
	free(text);
}

static void fields_of_proc_files_are_read(void **arg)
{
	static const char text[] = "Name:\tx\nVmHWM:\t    1234 kB\nVmRSS:\t 12 kB\nThreads:\t3\n";

	(void)arg;
	assert_int_equal(mm_procfs_field(text, "VmHWM:"), 1234 * 1024);
	assert_int_equal(mm_procfs_field(text, "VmRSS:"), 12 * 1024);
	assert_int_equal(mm_procfs_field(text, "Threads:"), 3);
	assert_int_equal(mm_procfs_field(text, "HWM:"), UINT64_MAX);
	assert_int_equal(mm_procfs_field(text, "Name:"), UINT64_MAX);
}

static int make_file(void **arg)
{
	int fd = mkstemp(path);

	(void)arg;
	if (fd < 0)
		return -1;
	return close(fd);
}

static int drop_file(void **arg)
{
	(void)arg;
	return unlink(path);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(symbols_are_found_by_name),
		cmocka_unit_test(what_is_no_program_has_no_symbols),
		cmocka_unit_test(a_script_is_what_interprets_it),
		cmocka_unit_test(another_machines_program_is_refused),
		cmocka_unit_test(a_program_without_a_loader_is_static),
		cmocka_unit_test(damage_is_survived),
		cmocka_unit_test(commands_are_quoted_as_a_shell_would_need),
		cmocka_unit_test(fields_of_proc_files_are_read),
	};
	return cmocka_run_group_tests(tests, make_file, drop_file);
}
