/* standing.c: a checkpoint's parts, two at a time (standing.h). */
#include "model/standing.h"

#include <stdlib.h>

#include "core/error.h"

enum { CANNOT = 1 };

struct lane {
	struct mm_hand *hand;
	uint32_t process, chunk, part;
	struct mm_live_list list;
	int err;
};

static void read_part(void *arg)
{
	struct lane *l = arg;

	l->err = mm_hand_checkpoint_part(l->hand, l->process, l->chunk, l->part, &l->list);
}

static void add_up(struct mm_totals *sums, const struct mm_live_list *list)
{
	sums->live_count += list->count;
	for (size_t i = 0; i < list->count; i++)
		if (list->objects[i].size != MM_UNKNOWN)
			sums->live_bytes += list->objects[i].size;
}

static int read_parts(struct lane lanes[MM_PAIR], struct mm_pair *pair, uint32_t parts,
		      const uint32_t *latest, mm_standing_fn fn, void *arg, struct mm_totals *sums)
{
	void *args[MM_PAIR] = { &lanes[0], &lanes[1] };

	for (uint32_t part = 0; part < parts; part += MM_PAIR) {
		unsigned count = parts - part < MM_PAIR ? 1 : MM_PAIR;
		for (unsigned i = 0; i < count; i++)
			lanes[i].part = part + i;
		mm_pair_run(pair, count, read_part, args);
		for (unsigned i = 0; i < count; i++) {
			int err = lanes[i].err;
			add_up(sums, &lanes[i].list);
			if (!err)
				err = fn(arg, &lanes[i].list, latest);
			if (err)
				return err;
		}
	}
	return MM_OK;
}

int mm_standing(struct mm_reader *r, const struct mm_learnt *l, uint32_t chunk, mm_standing_fn fn,
		void *arg)
{
	uint32_t threads = mm_reader_threads(r, l->process), parts = 0;
	uint32_t *latest = calloc(threads + 1u, sizeof *latest);
	struct mm_totals said = { 0 }, sums = { 0 };
	struct lane lanes[MM_PAIR];

	for (unsigned i = 0; i < MM_PAIR; i++)
		lanes[i] = (struct lane){ .hand = l->pair->hands[i], .process = l->process,
					  .chunk = chunk };
	int err = latest ? mm_hand_checkpoint(lanes[0].hand, l->process, chunk, latest, threads,
					      &parts, &said) : MM_ENOMEM;
	if (!err)
		err = read_parts(lanes, l->pair, parts, latest, fn, arg, &sums);
	if (!err && (sums.live_count != said.live_count || sums.live_bytes != said.live_bytes))
		err = CANNOT;
	for (unsigned i = 0; i < MM_PAIR; i++)
		mm_live_list_deinit(&lanes[i].list);
	free(latest);
	return err < 0 && err != MM_ENOMEM ? CANNOT : err;
}
