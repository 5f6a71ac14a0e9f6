/* hooks_new.c: C++ operators new and delete, every variant.
 *
 * Promise: each call goes to the definition that the program would have used
 * without us. Those of libstdc++ and libc++ call malloc, where they are recorded,
 * so for them there is nothing here but a jump; an allocator that brings its own
 * (jemalloc, mimalloc, tcmalloc) is recorded here. An operator of theirs that turns
 * out to call malloc or free is told by its first calls and then left to that hook.
 * Vocabulary: orphan = an operator called where no definition stands behind ours
 * in the global scope: a dlopen'ed C++ library in a C program; its definition is
 * then looked up as that library itself would have.
 * Never: an exception of our own, a frame of ours on the stack of a forwarded
 * call, a hold on any library.
 */
#include <dlfcn.h>
#include <errno.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "capture/chain.h"
#include "capture/hookstate.h"
#include "capture/newops.h"
#include "capture/recording.h"

/* All variants pass integers in registers: size or pointer first, then size,
 * alignment and nothrow tag in whatever order. Passing on one too many harms
 * nobody. */
typedef void *op_fn(uintptr_t, uintptr_t, uintptr_t);

enum new_verdict {
	NEW_FORWARD = 0, /* made of malloc: recorded there */
	NEW_UNJUDGED,    /* recorded here if malloc's hook was not reached */
	NEW_OWN          /* recorded here */
};

struct new_op {
	const char *name;
	op_fn *_Atomic fn;
	_Atomic uint32_t verdict; /* enum new_verdict */
	_Atomic uint32_t through_malloc, direct; /* calls seen until judged */
};

#define NEW_OPS(X) \
	X(_Znwm) X(_Znam) X(_ZnwmRKSt9nothrow_t) X(_ZnamRKSt9nothrow_t) \
	X(_ZnwmSt11align_val_t) X(_ZnamSt11align_val_t) \
	X(_ZnwmSt11align_val_tRKSt9nothrow_t) X(_ZnamSt11align_val_tRKSt9nothrow_t)
#define DELETE_OPS(X) \
	X(_ZdlPv) X(_ZdaPv) X(_ZdlPvm) X(_ZdaPvm) \
	X(_ZdlPvRKSt9nothrow_t) X(_ZdaPvRKSt9nothrow_t) \
	X(_ZdlPvSt11align_val_t) X(_ZdaPvSt11align_val_t) \
	X(_ZdlPvmSt11align_val_t) X(_ZdaPvmSt11align_val_t) \
	X(_ZdlPvSt11align_val_tRKSt9nothrow_t) X(_ZdaPvSt11align_val_tRKSt9nothrow_t)

#define OP_NUMBER(name) OP##name,
enum new_op_number { NEW_OPS(OP_NUMBER) DELETE_OPS(OP_NUMBER) OP_COUNT };
#define OP_ENTRY(op) { .name = #op },
static struct new_op ops[OP_COUNT] = { NEW_OPS(OP_ENTRY) DELETE_OPS(OP_ENTRY) };

/* --- finding ------------------------------------------------------------------- */

static int is_runtime(const char *path)
{
	const char *base = strrchr(path, '/');

	base = base ? base + 1 : path;
	return strncmp(base, "libstdc++", 9) == 0 || strncmp(base, "libc++", 6) == 0;
}

static _Atomic uint32_t looked;

void mm_newops_resolve(void)
{
	int keep = errno;
	Dl_info info;

	if (atomic_exchange(&looked, 1) != 0)
		return;
	for (int i = 0; i < OP_COUNT; i++) {
		void *fn = mm_chain_next(ops[i].name);
		if (fn == NULL || dladdr(fn, &info) == 0)
			continue;
		atomic_store(&ops[i].verdict,
			     is_runtime(info.dli_fname) ? NEW_FORWARD : NEW_UNJUDGED);
		atomic_store_explicit(&ops[i].fn, (op_fn *)fn, memory_order_release);
	}
	errno = keep;
}

/* An allocator's first call may go through its own malloc and none after it; one
 * whose delete calls free, or whose new calls malloc, always does. */
enum { JURY = 16 };

static void judge(struct new_op *op, bool nested)
{
	uint32_t n = atomic_fetch_add(nested ? &op->through_malloc : &op->direct, 1) + 1;

	if (n == JURY)
		atomic_store(&op->verdict, nested ? NEW_FORWARD : NEW_OWN);
}

/* What a caller's library was found to use; forgotten when any library goes. */
enum { ORPHANS = 16 };
static struct orphan {
	_Atomic uintptr_t key; /* caller and operator */
	_Atomic uintptr_t fn;
} orphans[ORPHANS];

void mm_newops_forget(void)
{
	for (int i = 0; i < ORPHANS; i++)
		atomic_store(&orphans[i].key, 0);
}

/* Last resort, for a caller that belongs to no library. */
static void *by_malloc(uintptr_t n, uintptr_t b, uintptr_t c)
{
	(void)b;
	(void)c;
	return mm_chain.malloc(n ? n : 1);
}

static void *by_free(uintptr_t p, uintptr_t b, uintptr_t c)
{
	(void)b;
	(void)c;
	mm_chain.free((void *)p);
	return NULL;
}

__attribute__((noinline)) static op_fn *find_orphan(enum new_op_number op, void *caller)
{
	int keep = errno;
	uintptr_t key = (uintptr_t)caller * 32 + (uintptr_t)op;
	struct orphan *o = &orphans[key * UINT64_C(0x9e3779b97f4a7c15) >> 60];
	op_fn *fn;

	mm_newops_resolve(); /* other libraries' constructors run before ours */
	if ((fn = ops[op].fn) != NULL)
		return fn;
	if (atomic_load(&o->key) == key)
		return (op_fn *)atomic_load(&o->fn);
	fn = (op_fn *)mm_newops_find(ops[op].name, caller);
	if (fn == NULL)
		fn = op < OP_ZdlPv ? by_malloc : by_free;
	atomic_store(&o->key, 0);
	atomic_store(&o->fn, (uintptr_t)fn);
	atomic_store(&o->key, key);
	errno = keep;
	return fn;
}

/* --- recording -------------------------------------------------------------------- */

static void *own_new(enum new_op_number op, op_fn *fn, const struct mm_caller *from,
		     uintptr_t n, uintptr_t b, uintptr_t c)
{
	struct mm_hook *t = &mm_hook_self;
	uint32_t log2 = 0, call = MM_CALL_NEW;
	void *p;

	if (op >= OP_ZnwmSt11align_val_t) {
		log2 = (uint32_t)__builtin_ctzl(b | (uintptr_t)1 << 63);
		call = MM_CALL_NEW_ALIGNED;
	}
	t->allocated = 0;
	p = fn(n, b, c);
	if (!mm_hook_ready(t))
		return p;
	bool nested = mm_record_has(t, p);
	if (!nested)
		mm_record_alloc(t, from, p, n, log2, call);
	if (MM_UNLIKELY(ops[op].verdict == NEW_UNJUDGED))
		judge(&ops[op], nested);
	return p;
}

/* Records the free before the call, as free() does; as long as nobody knows
 * whether the operator calls free, after it and only if that was not reached. */
static void *own_delete(enum new_op_number op, op_fn *fn, const struct mm_caller *from,
			uintptr_t p, uintptr_t b, uintptr_t c)
{
	struct mm_hook *t = &mm_hook_self;
	uint64_t before;
	void *r;

	if (p == 0 || !mm_hook_ready(t))
		return fn(p, b, c);
	if (MM_LIKELY(ops[op].verdict == NEW_OWN)) {
		mm_record_free(t, from, (void *)p);
		return fn(p, b, c);
	}
	before = atomic_load_explicit(&t->slot->events, memory_order_relaxed);
	r = fn(p, b, c);
	if (!mm_hook_ready(t))
		return r;
	bool nested = before != atomic_load_explicit(&t->slot->events, memory_order_relaxed);
	if (!nested)
		mm_record_free(t, from, (void *)p);
	judge(&ops[op], nested);
	return r;
}

/* A forwarded call must be the last thing done: a jump. */
#define DEFINE_NEW(name)                                                          \
	MM_EXPORT void *name(uintptr_t a, uintptr_t b, uintptr_t c);              \
	void *name(uintptr_t a, uintptr_t b, uintptr_t c)                         \
	{                                                                         \
		op_fn *fn = ops[OP##name].fn;                                     \
		if (MM_UNLIKELY(fn == NULL))                                      \
			fn = find_orphan(OP##name, __builtin_return_address(0));  \
		if (MM_UNLIKELY(ops[OP##name].verdict != NEW_FORWARD)) {                             \
			struct mm_caller from = MM_CALLER_HERE();                 \
			return own_new(OP##name, fn, &from, a, b, c);             \
		}                                                                 \
		return fn(a, b, c);                                               \
	}

#define DEFINE_DELETE(name)                                                       \
	MM_EXPORT void *name(uintptr_t a, uintptr_t b, uintptr_t c);              \
	void *name(uintptr_t a, uintptr_t b, uintptr_t c)                         \
	{                                                                         \
		op_fn *fn = ops[OP##name].fn;                                     \
		if (MM_UNLIKELY(fn == NULL))                                      \
			fn = find_orphan(OP##name, __builtin_return_address(0));  \
		if (MM_UNLIKELY(ops[OP##name].verdict != NEW_FORWARD)) {                             \
			struct mm_caller from = MM_CALLER_HERE();                 \
			return own_delete(OP##name, fn, &from, a, b, c);          \
		}                                                                 \
		return fn(a, b, c);                                               \
	}

NEW_OPS(DEFINE_NEW)
DELETE_OPS(DEFINE_DELETE)
