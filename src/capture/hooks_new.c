/* hooks_new.c: C++ operators new and delete, every variant.
 *
 * Promise: each call goes to the definition that the program would have used
 * without us. Those of libstdc++ and libc++ call malloc, where they are recorded,
 * so for them there is nothing here but a jump; an allocator that brings its own
 * (jemalloc, mimalloc, tcmalloc) is recorded here. One whose own operators turn
 * out to call malloc is told by its first object and then left to malloc's hook.
 * Vocabulary: orphan = an operator called where no definition stands behind ours
 * in the global scope: a dlopen'ed C++ library in a C program; its definition is
 * then looked up as that library itself would have.
 * Never: an exception of our own, a frame of ours on the stack of a forwarded
 * call, a hold on any library.
 */
#include <dlfcn.h>
#include <errno.h>
#include <stdatomic.h>
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

struct new_op {
	const char *name;
	op_fn *_Atomic fn;
	void *home;          /* load address of the library that defines it */
	_Atomic uint32_t own; /* not made of malloc: recorded here */
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

void mm_newops_resolve(void)
{
	int keep = errno;
	Dl_info info;

	for (int i = 0; i < OP_COUNT; i++) {
		void *fn = mm_chain_next(ops[i].name);
		if (fn == NULL || dladdr(fn, &info) == 0)
			continue;
		ops[i].home = info.dli_fbase;
		atomic_store(&ops[i].own, !is_runtime(info.dli_fname));
		atomic_store_explicit(&ops[i].fn, (op_fn *)fn, memory_order_release);
	}
	errno = keep;
}

/* The library's own operators were seen to call malloc. */
static void leave_to_malloc(const void *home)
{
	for (int i = 0; i < OP_COUNT; i++)
		if (ops[i].home == home)
			atomic_store(&ops[i].own, 0);
}

/* What a caller's library was found to use; forgotten when any library goes. */
enum { ORPHANS = 16 };
static struct orphan {
	_Atomic uintptr_t key; /* operator and library */
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
	struct orphan *o;
	struct link_map *map = NULL;
	op_fn *fn = NULL;
	uintptr_t key;
	Dl_info info;

	if (dladdr1(caller, &info, (void **)&map, RTLD_DL_LINKMAP) != 0 && map != NULL) {
		key = (uintptr_t)map * 2 + (uintptr_t)op;
		o = &orphans[key * UINT64_C(0x9e3779b97f4a7c15) >> 60];
		if (atomic_load(&o->key) == key) {
			fn = (op_fn *)atomic_load(&o->fn);
		} else if ((fn = (op_fn *)dlsym(map, ops[op].name)) != NULL) {
			atomic_store(&o->key, 0);
			atomic_store(&o->fn, (uintptr_t)fn);
			atomic_store(&o->key, key);
		}
	}
	errno = keep;
	if (fn != NULL)
		return fn;
	return op < OP_ZdlPv ? by_malloc : by_free;
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
	if (mm_record_has(t, p))
		leave_to_malloc(ops[op].home);
	else
		mm_record_alloc(t, from, p, n, log2, call);
	return p;
}

static void own_delete(const struct mm_caller *from, uintptr_t p)
{
	struct mm_hook *t = &mm_hook_self;

	if (p != 0 && mm_hook_ready(t))
		mm_record_free(t, from, (void *)p);
}

/* A forwarded call must be the last thing done: a jump. */
#define DEFINE_NEW(name)                                                          \
	MM_EXPORT void *name(uintptr_t a, uintptr_t b, uintptr_t c);              \
	void *name(uintptr_t a, uintptr_t b, uintptr_t c)                         \
	{                                                                         \
		op_fn *fn = ops[OP##name].fn;                                     \
		if (MM_UNLIKELY(fn == NULL))                                      \
			fn = find_orphan(OP##name, __builtin_return_address(0));  \
		if (MM_UNLIKELY(ops[OP##name].own)) {                             \
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
		if (MM_UNLIKELY(ops[OP##name].own)) {                             \
			struct mm_caller from = MM_CALLER_HERE();                 \
			own_delete(&from, a);                                     \
		}                                                                 \
		return fn(a, b, c);                                               \
	}

NEW_OPS(DEFINE_NEW)
DELETE_OPS(DEFINE_DELETE)
