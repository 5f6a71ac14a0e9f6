/* tracekit.c: one trace file for a test (tracekit.h). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tracegen.h"
#include "tracekit.h"

char *tk_path;

int tk_make_path(void **state)
{
	(void)state;
	tk_path = tg_path("file");
	return 0;
}

int tk_drop_path(void **state)
{
	char old[4200];

	(void)state;
	snprintf(old, sizeof old, "%s.old", tk_path);
	unlink(old);
	unlink(tk_path);
	free(tk_path);
	return 0;
}

struct mm_reader *tk_open(const char *name)
{
	struct mm_reader *r = NULL;
	struct mm_diag diag = { "" };

	if (mm_reader_open(&r, name, &diag))
		fail_msg("%s", diag.text);
	return r;
}

struct mm_writer *tk_begin(const struct mm_writer_options *opt)
{
	struct mm_writer *w = NULL;
	struct mm_diag diag = { "" };

	if (mm_writer_open(&w, tk_path, opt, &diag))
		fail_msg("%s", diag.text);
	return w;
}

uint64_t tk_size(const char *name)
{
	struct stat st;

	assert_int_equal(stat(name, &st), 0);
	return (uint64_t)st.st_size;
}
