/* peaklive.c: prints the largest number of objects that lived at once in the command's
 * own process: slots are dense and recycled, so it is the number of slots ever used.
 * Usage: peaklive TRACE */
#include <stdio.h>

#include "base/diag.h"
#include "trace/objects.h"
#include "trace/reader.h"

int main(int argc, char **argv)
{
	struct mm_diag diag = {0};
	struct mm_reader *r;
	struct mm_cursor *c;
	struct mm_event ev;
	uint32_t last;
	int err;

	if (argc != 2)
		return 2;
	err = mm_reader_open(&r, argv[1], &diag);
	if (err == 0) {
		last = mm_reader_chunks(r, 0);
		err = mm_cursor_open(&c, r, 0, last ? last - 1 : 0, &diag);
	}
	if (err != 0) {
		fprintf(stderr, "peaklive: %s\n", mm_diag_text(&diag, err));
		return 2;
	}
	while ((err = mm_cursor_next(c, &ev)) > 0)
		;
	printf("%u\n", mm_objects_high_water(mm_cursor_objects(c)));
	mm_cursor_close(c);
	mm_reader_close(r);
	return err < 0 ? 2 : 0;
}
