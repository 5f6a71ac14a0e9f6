/* fuzz_import.c: any bytes as a recording of another tool.
 *
 * The trace goes to standard output, which is sent to /dev/null; what must hold is
 * that nothing crashes, that errors say what they are, and that what was imported adds
 * up.
 */
#include <fcntl.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "collect/heaptrack.h"

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct rest { const uint8_t *at; size_t left; };

static ssize_t read_rest(void *arg, void *buf, size_t len)
{
	struct rest *r = arg;

	len = len < r->left ? len : r->left;
	memcpy(buf, r->at, len);
	r->at += len;
	r->left -= len;
	return (ssize_t)len;
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	int null = open("/dev/null", O_WRONLY);

	(void)argc;
	(void)argv;
	if (null < 0 || dup2(null, STDOUT_FILENO) < 0)
		abort();
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct rest rest = { data, size };
	struct mm_text_input input = { read_rest, &rest, "input" };
	struct mm_import_summary sum;
	struct mm_diag diag = {0};
	int err = mm_import_heaptrack(&input, "-", &sum, &diag);

	if (err != MM_OK) {
		if (!diag.text[0] && err != MM_ENOMEM && err != MM_ELIMIT)
			abort();
		return 0;
	}
	if (sum.totals.allocs - sum.totals.frees != sum.totals.live_count ||
	    sum.totals.alloc_bytes - sum.totals.free_bytes != sum.totals.live_bytes ||
	    sum.totals.peak_bytes < sum.totals.live_bytes || sum.lines == 0)
		abort();
	return 0;
}
