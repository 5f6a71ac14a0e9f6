/* foreign.c: a dense table and a hash of its numbers (foreign.h). */
#include "manager/foreign.h"

#include "core/error.h"

enum { MOST = 1 << 24, SLOTS_FIRST = 64 };

void mm_foreign_init(struct mm_foreign *f, struct mm_meta *meta)
{
	f->meta = meta;
	f->most = MOST;
}

static uint32_t foreign_home(const struct mm_foreign *f, uint64_t start)
{
	return (uint32_t)(start * UINT64_C(0x9e3779b97f4a7c15) >> 32) & (f->slots - 1);
}

/* Where it is, or the empty slot where it belongs. */
static uint32_t foreign_find(const struct mm_foreign *f, uint64_t start)
{
	uint32_t i = foreign_home(f, start);

	while (f->slot[i] && f->alien[f->slot[i]].start != start)
		i = (i + 1) & (f->slots - 1);
	return i;
}

static int foreign_room(struct mm_foreign *f)
{
	uint32_t slots = f->slots ? f->slots * 2 : SLOTS_FIRST, *old = f->slot, *fresh;

	if (!f->alien && !(f->alien = mm_meta_reserve_for(f->meta, sizeof *f->alien, &f->most)))
		return MM_ENOMEM;
	if (f->count == f->most - 1)
		return MM_ELIMIT;
	if (mm_meta_open(f->alien, (f->count + UINT64_C(2)) * sizeof *f->alien))
		return MM_ENOMEM;
	if (f->slots && (uint64_t)(f->count + 1) * 20 <= (uint64_t)f->slots * 13)
		return MM_OK;
	if (!(fresh = mm_meta_borrow(f->meta, slots * sizeof *fresh)))
		return MM_ENOMEM;
	f->slot = fresh;
	for (uint32_t n = 1; n <= f->count; n++) {
		f->slots = slots;
		fresh[foreign_find(f, f->alien[n].start)] = n;
	}
	if (old)
		mm_meta_return(f->meta, old, slots / 2 * sizeof *old);
	f->slots = slots;
	return MM_OK;
}

/* Records come a page of them at a time. */
static void foreign_commit(struct mm_foreign *f, uint32_t n)
{
	uint64_t before = (uint64_t)n * sizeof *f->alien / MM_META_PAGE;
	uint64_t after = ((uint64_t)n + 1) * sizeof *f->alien / MM_META_PAGE;

	if (n == 1 || after != before)
		mm_meta_commit(f->meta, MM_META_PAGE);
}

int mm_foreign_add(struct mm_foreign *f, const struct mm_alien *alien)
{
	int err;

	mm_lock_take(&f->lock);
	err = foreign_room(f);
	if (!err) {
		uint32_t at = foreign_find(f, alien->start);
		if (f->slot[at]) {
			err = MM_EEXIST;
		} else {
			f->slot[at] = ++f->count;
			f->alien[f->count] = *alien;
			foreign_commit(f, f->count);
		}
	}
	mm_lock_give(&f->lock);
	return err;
}

static void foreign_unname(struct mm_foreign *f, uint32_t hole)
{
	uint32_t mask = f->slots - 1;

	for (uint32_t i = (hole + 1) & mask; f->slot[i]; i = (i + 1) & mask)
		if (((i - foreign_home(f, f->alien[f->slot[i]].start)) & mask) >=
		    ((i - hole) & mask)) {
			f->slot[hole] = f->slot[i];
			hole = i;
		}
	f->slot[hole] = 0;
}

int mm_foreign_remove(struct mm_foreign *f, uint64_t start, struct mm_alien *ret)
{
	int err = MM_ENOENT;

	mm_lock_take(&f->lock);
	uint32_t at = f->slots ? foreign_find(f, start) : 0, n = f->slots ? f->slot[at] : 0;
	if (n) {
		*ret = f->alien[n];
		foreign_unname(f, at);
		if (n != f->count) { /* the last takes its place */
			f->slot[foreign_find(f, f->alien[f->count].start)] = n;
			f->alien[n] = f->alien[f->count];
		}
		f->count--;
		err = MM_OK;
	}
	mm_lock_give(&f->lock);
	return err;
}

int mm_foreign_find(struct mm_foreign *f, uint64_t addr, struct mm_alien *ret)
{
	int err = MM_ENOENT;

	mm_lock_take(&f->lock);
	for (uint32_t n = 1; err && n <= f->count; n++)
		if (addr - f->alien[n].start < (f->alien[n].size ? f->alien[n].size : 1)) {
			*ret = f->alien[n];
			err = MM_OK;
		}
	mm_lock_give(&f->lock);
	return err;
}

int mm_foreign_each(struct mm_foreign *f, int (*fn)(void *arg, const struct mm_alien *a),
		    void *arg)
{
	int stop = 0;

	mm_lock_take(&f->lock);
	for (uint32_t n = 1; !stop && n <= f->count; n++)
		stop = fn(arg, &f->alien[n]);
	mm_lock_give(&f->lock);
	return stop;
}
