/* pair.c: two hands and a thread (pair.h). */
#include "model/pair.h"

#include <string.h>

#include "core/error.h"

int mm_pair_init(struct mm_pair *p, const struct mm_reader *r)
{
	int err = mm_helper_create(&p->helper);

	for (int i = 0; !err && i < MM_PAIR; i++)
		err = mm_hand_open(&p->hands[i], r);
	if (err)
		mm_pair_deinit(p);
	return err;
}

void mm_pair_deinit(struct mm_pair *p)
{
	mm_helper_destroy(p->helper);
	for (int i = 0; i < MM_PAIR; i++)
		mm_hand_close(p->hands[i]);
	memset(p, 0, sizeof *p);
}

void mm_pair_run(struct mm_pair *p, unsigned count, void (*fn)(void *arg), void *const args[MM_PAIR])
{
	if (count > 1)
		mm_helper_begin(p->helper, fn, args[1]);
	if (count)
		fn(args[0]);
	if (count > 1)
		mm_helper_wait(p->helper);
}
