/* stackharness.c: see stackharness.h. Compiled with frame pointers, as hooks are. */
#define _GNU_SOURCE
#define UNW_LOCAL_ONLY
#include "stackharness.h"

#include <dlfcn.h>
#include <libunwind.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <unwind.h>

#include "capture/memo.h"
#include "capture/stack.h"
#include "core/shm.h"

#define QUIET __attribute__((no_instrument_function))

enum { MAPPING = 512 << 20, FRAMES = 1600, SHADOW = 4096, SITUATIONS = 64, SHOWN = 6 };

struct shadow {
	uint32_t height;
	uint64_t call_site[SHADOW];
};

struct situation {
	const char *name;
	_Atomic uint64_t samples, equal, step_agrees, libgcc_agrees, unexplained;
	_Atomic uint64_t shadowed, shadow_wrong;
};

struct thread {
	struct mm_stack_thread stack;
	int busy;
	uint32_t last_module, last_count;
	struct shadow own, *shadow;
	void *unwound[FRAMES];
	uint64_t ours[FRAMES];
	struct thread *next;
};

static void *base;
static uint32_t depth;
static _Atomic uint32_t threads;
static _Atomic int shown;
static int expect_cut, blind, step_only;
static struct situation situation[SITUATIONS], *now;
static uint32_t situations;
static __thread struct thread *self;
static __typeof__(_Unwind_Backtrace) *libgcc_backtrace;
extern char __executable_start, etext;

/* --- the shadow stack ----------------------------------------------------------------- */

QUIET void __cyg_profile_func_enter(void *fn, void *site);
QUIET void __cyg_profile_func_exit(void *fn, void *site);

QUIET void __cyg_profile_func_enter(void *fn, void *site)
{
	struct shadow *s = self ? self->shadow : NULL;

	(void)fn;
	if (!s)
		return;
	uint32_t at = s->height;
	*(volatile uint32_t *)&s->height = at + 1; /* first: a handler writes above */
	if (at < SHADOW)
		s->call_site[at] = (uintptr_t)site;
}

QUIET void __cyg_profile_func_exit(void *fn, void *site)
{
	(void)fn, (void)site;
	if (self && self->shadow && self->shadow->height)
		self->shadow->height--;
}

QUIET uint32_t shadow_height(void)
{
	return self->shadow->height;
}

QUIET void shadow_set_height(uint32_t height)
{
	self->shadow->height = height;
}

QUIET struct shadow *shadow_new(void)
{
	return calloc(1, sizeof(struct shadow));
}

QUIET struct shadow *shadow_use(struct shadow *s)
{
	struct shadow *old = self->shadow;

	self->shadow = s ? s : &self->own;
	return old;
}

QUIET static int in_program(uint64_t place)
{
	return place >= (uintptr_t)&__executable_start && place <= (uintptr_t)&etext;
}

/* Frame 0 is the hook's caller; each shadow entry is the return address out of one
 * function. Where the program was called from a library or a signal trampoline, that
 * library's frames lie between. */
QUIET static int shadow_agrees(const uint64_t *ours, uint32_t n, int cut)
{
	const struct shadow *s = self->shadow;
	uint32_t at = 0, height = s->height < SHADOW ? s->height : SHADOW;
	int strict = in_program(ours[0]);

	for (uint32_t i = height; i-- > 0;) {
		uint32_t limit = strict ? 1 : 64;
		uint32_t k = 1;
		while (k <= limit && at + k < n && ours[at + k] != s->call_site[i])
			k++;
		if (at + k >= n)
			return cut && at + k >= depth;
		if (k > limit)
			return 0;
		at += k;
		strict = in_program(s->call_site[i]);
	}
	return 1;
}

/* --- the code under test ------------------------------------------------------------------ */

QUIET static const struct mm_shm_node *node_at(uint32_t node)
{
	struct mm_shm_process *p = mm_shm_process(base, 0);
	struct mm_shm_dir *dir = (struct mm_shm_dir *)mm_shm_seg(base, p->dir_seg);

	return (struct mm_shm_node *)mm_shm_seg(base, dir->nodes[node / MM_NODES_PER_SEG]) +
	       node % MM_NODES_PER_SEG;
}

QUIET static uint32_t path_of(uint32_t node, uint64_t *ret, int *ret_cut)
{
	uint32_t n = 0;

	*ret_cut = 0;
	self->last_module = node ? node_at(node)->module : 0;
	for (; node != 0 && n < FRAMES; node = node_at(node)->parent) {
		if (MM_NODE_KIND(node_at(node)->value_kind) == MM_NODE_CUT)
			*ret_cut = 1;
		else
			ret[n++] = MM_NODE_VALUE(node_at(node)->value_kind);
	}
	return n;
}

/* --- libunwind, and libgcc as the third opinion ------------------------------------------------ */

QUIET static uint32_t by_steps(void **ret)
{
	unw_context_t context;
	unw_cursor_t cursor;
	uint32_t n = 0;
	unw_word_t ip;

	unw_getcontext(&context);
	unw_init_local(&cursor, &context);
	do {
		unw_get_reg(&cursor, UNW_REG_IP, &ip);
		if (ip == 0)
			break;
		ret[n++] = (void *)ip;
	} while (n < FRAMES && unw_step(&cursor) > 0);
	return n;
}

struct collected {
	void **frame;
	uint32_t n;
};

QUIET static _Unwind_Reason_Code collect(struct _Unwind_Context *c, void *ctx)
{
	struct collected *to = ctx;

	if (to->n == FRAMES || _Unwind_GetIP(c) == 0)
		return _URC_END_OF_STACK;
	to->frame[to->n++] = (void *)_Unwind_GetIP(c);
	return _URC_NO_REASON;
}

QUIET static uint32_t by_libgcc(void **ret)
{
	struct collected to = { .frame = ret };

	if (libgcc_backtrace) /* libunwind has a function of this name too */
		libgcc_backtrace(collect, &to);
	return to.n;
}

/* `mov $15, %rax; syscall`: the frames outside it were interrupted there. */
QUIET static int is_trampoline(uint64_t place)
{
	static const uint8_t code[] = { 0x48, 0xc7, 0xc0, 0x0f, 0, 0, 0, 0x0f, 0x05 };

	return in_program(place) == 0 && memcmp((void *)place, code, sizeof code) == 0;
}

QUIET static int agrees(void **other, uint32_t n, const uint64_t *ours, uint32_t count, int cut)
{
	uint32_t skip = 0;

	while (skip < n && (uintptr_t)other[skip] != ours[0])
		skip++;
	n -= skip;
	other += skip;
	if (cut ? n < count : n != count)
		return 0;
	for (uint32_t i = 0; i < count; i++) {
		uint64_t theirs = (uintptr_t)other[i];
		if (i > 0 && is_trampoline(ours[i - 1]))
			theirs++;
		if (theirs != ours[i])
			return 0;
	}
	return 1;
}

QUIET static void show(const char *what, const uint64_t *ours, uint32_t count, void **other,
		       uint32_t n)
{
	if (atomic_fetch_add(&shown, 1) >= SHOWN)
		return;
	uint32_t skip = 0;
	while (skip < n && (uintptr_t)other[skip] != ours[0])
		skip++;
	printf("# %s: %s, frames %u and %u, program at %p\n", now->name, what, count, n - skip,
	       (void *)&__executable_start);
	for (uint32_t i = 0; i < 40 && (i < count || i + skip < n); i++)
		printf("#   %#14lx %14p\n", i < count ? ours[i] : 0,
		       i + skip < n ? other[i + skip] : NULL);
	fflush(stdout);
}

QUIET static void compare(uint32_t node)
{
	uint64_t *ours = self->ours;
	int cut;
	uint32_t count = path_of(node, ours, &cut), n;
	int deep = cut && count == depth;

	self->last_count = count;
	now->samples++;
	if (self->shadow->height && !blind) {
		now->shadowed++;
		if (!shadow_agrees(ours, count, cut)) {
			now->shadow_wrong++;
			n = by_steps(self->unwound);
			show("not the shadow stack", ours, count, self->unwound, n);
		}
	}
	n = step_only ? by_steps(self->unwound)
		      : (uint32_t)unw_backtrace(self->unwound, FRAMES);
	if ((!cut || deep || expect_cut) &&
	    agrees(self->unwound, n, ours, count, deep || expect_cut)) {
		now->equal++;
		return;
	}
	n = by_steps(self->unwound);
	if (agrees(self->unwound, n, ours, count, deep)) {
		now->step_agrees++;
		return;
	}
	n = by_libgcc(self->unwound);
	if (agrees(self->unwound, n, ours, count, deep)) {
		now->libgcc_agrees++;
		return;
	}
	now->unexplained++;
	n = by_steps(self->unwound);
	show(cut ? "cut, and not libunwind's" : "not libunwind's", ours, count, self->unwound, n);
}

QUIET void stack_hook(void)
{
	struct mm_caller from = MM_CALLER_HERE();
	int nested = self->busy;

	self->busy = 1;
	uint32_t node = mm_stack_node(&self->stack, &from, nested);
	if (!nested) {
		compare(node);
		self->busy = 0;
	}
}

/* --- running ---------------------------------------------------------------------------------------- */

QUIET void harness_begin(uint32_t keep)
{
	depth = keep;
	base = mmap(NULL, MAPPING, PROT_READ | PROT_WRITE,
		    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (base == MAP_FAILED || mm_shm_format(base, MAPPING, 0, depth, MM_CLOCK_TSC) != 0 ||
	    mm_stack_bind(base, 0, depth) != 0) {
		printf("Bail out! cannot map or bind\n");
		exit(99);
	}
	void *libgcc = dlopen("libgcc_s.so.1", RTLD_NOW | RTLD_LOCAL);
	if (libgcc)
		libgcc_backtrace = (__typeof__(libgcc_backtrace))dlsym(libgcc, "_Unwind_Backtrace");
	harness_thread();
}

QUIET void harness_unloaded(void)
{
	mm_stack_unloaded();
	unw_flush_cache(unw_local_addr_space, 0, 0);
}

QUIET void harness_thread(void)
{
	struct thread *t = calloc(1, sizeof *t);

	t->shadow = &t->own;
	mm_stack_thread_adopt(&t->stack, atomic_fetch_add(&threads, 1));
	self = t;
}

QUIET void harness_situation(const char *name)
{
	now = &situation[situations++];
	now->name = name;
}

QUIET void harness_expect_cut(int cut)
{
	expect_cut = cut;
}

QUIET void harness_step_only(int on)
{
	step_only = on;
}

QUIET void harness_no_shadow(int on)
{
	blind = on;
}

QUIET void harness_left_hook(void)
{
	self->busy = 0;
}

QUIET uint32_t harness_last_module(void)
{
	return self->last_module;
}

QUIET uint32_t harness_last_count(void)
{
	return self->last_count;
}

/* How many nodes stand in a module whose path holds `name`. */
QUIET static uint32_t nodes_in(const char *name)
{
	struct mm_shm_process *p = mm_shm_process(base, 0);
	struct mm_shm_dir *dir = (struct mm_shm_dir *)mm_shm_seg(base, p->dir_seg);
	uint32_t n = 0;

	for (uint32_t i = 1; i < p->node_count; i++) {
		uint32_t m = node_at(i)->module;
		const struct mm_shm_module *module = (struct mm_shm_module *)mm_shm_seg(
			base, dir->modules[m / MM_MODULES_PER_SEG]) + m % MM_MODULES_PER_SEG;
		n += m != 0 && strstr(module->path, name) != NULL;
	}
	return n;
}

QUIET int harness_end(void)
{
	uint64_t samples = 0, equal = 0, shadowed = 0, wrong = 0, unexplained = 0;

	for (uint32_t i = 0; i < situations; i++) {
		struct situation *s = &situation[i];
		int good = s->samples > 0 && s->unexplained == 0 && s->shadow_wrong == 0;
		printf("%s %-24s samples %lu, libunwind's %lu, its slow steps' %lu, libgcc's %lu, "
		       "nobody's %lu; shadow %lu, wrong %lu\n", good ? "good" : "BAD ", s->name,
		       s->samples, s->equal, s->step_agrees, s->libgcc_agrees, s->unexplained,
		       s->shadowed, s->shadow_wrong);
		samples += s->samples;
		equal += s->equal + s->step_agrees; /* both are libunwind's */
		shadowed += s->shadowed;
		wrong += s->shadow_wrong;
		unexplained += s->unexplained;
	}
	struct mm_memo_counts memo = { 0 };
	if (self->stack.memo)
		mm_memo_counts(self->stack.memo, &memo);
	printf("%s memo: %lu hits, %lu joins, %lu kept, arena %lu\n",
	       memo.hits && memo.joins ? "good" : "BAD ", memo.hits, memo.joins, memo.kept, memo.bytes);
	printf("# nodes in the vdso: %u, in libc: %u\n", nodes_in("vdso"), nodes_in("libc.so"));
	printf("sum samples %lu equal %lu unexplained %lu shadowed %lu wrong %lu nodes %u modules %u\n",
	       samples, equal, unexplained, shadowed, wrong,
	       mm_shm_process(base, 0)->node_count, mm_shm_process(base, 0)->module_count);
	return wrong == 0 && unexplained == 0 && samples > 0 && equal * 1000 >= samples * 999 ? 0 : 1;
}
