/* catnames.c: the shared name table and each thread's pushed names. */
#include "capture/catnames.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <string.h>

#include "capture/hookstate.h"
#include "capture/syscalls.h"
#include "core/shm.h"

enum {
	NAMES_MAX = MM_NAME_DIR * MM_NAMES_PER_SEG,
	TABLE = 2 * NAMES_MAX /* power of two, open addressing */
};

/* Number of each name by hash of its text, of process `table_epoch` - 1. Two
 * threads may enter one name twice: both numbers say the same. */
static _Atomic uint16_t table[TABLE];
static _Atomic uint32_t adding;

static struct mm_shm_dir *dir_of(uint32_t process)
{
	uint32_t seg = atomic_load(&mm_shm_process(mm_target.base, process)->dir_seg);

	return seg == 0 ? NULL : (struct mm_shm_dir *)mm_shm_seg(mm_target.base, seg);
}

static struct mm_shm_name *name_at(struct mm_shm_dir *dir, uint32_t number)
{
	uint32_t seg = atomic_load(&dir->names[number / MM_NAMES_PER_SEG]);

	return seg == 0 ? NULL : (struct mm_shm_name *)mm_shm_seg(mm_target.base, seg) +
				 number % MM_NAMES_PER_SEG;
}

static uint32_t hash_name(const char *s, size_t n)
{
	uint32_t h = 2166136261u;

	for (size_t i = 0; i < n; i++)
		h = (h ^ (uint8_t)s[i]) * 16777619u;
	return h;
}

static bool same(struct mm_shm_dir *dir, uint32_t number, const char *s, size_t n)
{
	struct mm_shm_name *have = name_at(dir, number);

	return have != NULL && memcmp(have->text, s, n) == 0 && have->text[n] == '\0';
}

/* Appends a name; the caller holds `adding`. 0 = full. */
static uint32_t add_name(struct mm_shm_dir *dir, const char *s, size_t n)
{
	struct mm_shm_process *p = mm_shm_process(mm_target.base, mm_target.process);
	uint32_t number = atomic_load(&p->name_count);
	struct mm_shm_name *to;

	if (number == 0)
		number = 1; /* 0 is "" */
	if (number >= NAMES_MAX)
		return 0;
	if (atomic_load(&dir->names[number / MM_NAMES_PER_SEG]) == 0) {
		uint32_t seg = mm_shm_seg_take(mm_target.base);
		if (seg == 0)
			return 0;
		memset(mm_shm_seg(mm_target.base, seg), 0, MM_SEG_SIZE);
		atomic_store_explicit(&dir->names[number / MM_NAMES_PER_SEG], seg,
				      memory_order_release);
	}
	to = name_at(dir, number);
	memcpy(to->text, s, n);
	to->text[n] = '\0';
	atomic_store_explicit(&p->name_count, number + 1, memory_order_release);
	return number;
}

/* One thread at a time adds, with signals blocked; another that finds it at work
 * yields until it is through. */
static uint32_t add_alone(struct mm_shm_dir *dir, const char *s, size_t n)
{
	uint64_t mask;
	uint32_t number;

	mm_sys_block(&mask);
	while (atomic_exchange_explicit(&adding, 1, memory_order_acquire) != 0)
		mm_sys0(SYS_sched_yield);
	number = add_name(dir, s, n);
	atomic_store_explicit(&adding, 0, memory_order_release);
	mm_sys_unblock(&mask);
	return number;
}

uint32_t mm_catnames_number(const char *name)
{
	struct mm_shm_dir *dir = dir_of(mm_target.process);
	size_t n = strnlen(name, sizeof(struct mm_shm_name) - 1);
	uint32_t at = hash_name(name, n);
	uint32_t number;

	if (dir == NULL || n == 0)
		return 0;
	for (uint32_t i = 0; i < TABLE; i++, at++) {
		number = atomic_load_explicit(&table[at % TABLE], memory_order_acquire);
		if (number == 0)
			break;
		if (same(dir, number, name, n))
			return number;
	}
	number = add_alone(dir, name, n);
	if (number != 0) {
		uint16_t none = 0;
		while (!atomic_compare_exchange_strong(&table[at % TABLE], &none,
						       (uint16_t)number)) {
			none = 0;
			at++;
		}
	}
	return number;
}

void mm_catnames_push(struct mm_hook *t, const char *name)
{
	uint32_t depth = t->categories;

	if (depth < MM_HOOK_CATEGORIES)
		t->category[depth] = (uint16_t)mm_catnames_number(name);
	t->categories = depth + 1;
}

void mm_catnames_pop(struct mm_hook *t)
{
	if (t->categories > 0)
		t->categories--;
}

uint32_t mm_catnames_renumber(uint32_t parent, uint32_t number)
{
	struct mm_shm_dir *old = dir_of(parent);
	struct mm_shm_name *name = old && number ? name_at(old, number) : NULL;

	return name ? mm_catnames_number(name->text) : 0;
}

void mm_catnames_inherit(struct mm_hook *t, uint32_t parent)
{
	/* Another thread of the parent may have been adding just then. */
	atomic_store(&adding, 0);
	for (uint32_t i = 0; i < TABLE; i++)
		if (atomic_load_explicit(&table[i], memory_order_relaxed) != 0)
			atomic_store_explicit(&table[i], 0, memory_order_relaxed);
	for (uint32_t i = 0; i < t->categories && i < MM_HOOK_CATEGORIES; i++)
		t->category[i] = (uint16_t)mm_catnames_renumber(parent, t->category[i]);
}
