/* chain.c: RTLD_NEXT resolution and the pool that serves calls made meanwhile. */
#include "capture/chain.h"

#include <dlfcn.h>
#include <errno.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/mman.h>

#include "capture/hookstate.h"
#include "capture/syscalls.h"

/* --- the pool --------------------------------------------------------------- */

/* Stands just below every block that the pool or a fallback mapping serves. */
struct boot_header {
	uint64_t magic;
	uint64_t size;
};

#define BOOT_MAGIC UINT64_C(0x6d6d626f6f743031)

_Alignas(4096) char mm_boot_pool[MM_BOOT_BYTES];
static _Atomic size_t boot_used;

/* Blocks too large for the pool: one mapping each, remembered so that free can
 * tell them from the program's. */
enum { BOOT_MAPS = 64 };
static _Atomic uintptr_t boot_maps[BOOT_MAPS];
static _Atomic uint32_t boot_map_count;

static void filter_free(void *p);
static void *filter_realloc(void *p, size_t n);
static void *first_reallocarray(void *p, size_t n, size_t size);

static void *boot_stamp(uintptr_t block, size_t n)
{
	struct boot_header *h = (struct boot_header *)block - 1;

	h->magic = BOOT_MAGIC;
	h->size = n;
	return (void *)block;
}

static void *boot_map(size_t n, size_t align)
{
	uint32_t slot = atomic_load(&boot_map_count);
	long at = -ENOMEM;

	if (slot < BOOT_MAPS && n < SIZE_MAX / 2 && align < SIZE_MAX / 4)
		at = mm_sys(SYS_mmap, 0, n + align + 4096, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS, (uint64_t)-1, 0);
	if (at >= 0)
		slot = atomic_fetch_add(&boot_map_count, 1);
	if (at < 0 || slot >= BOOT_MAPS) {
		errno = ENOMEM;
		return NULL;
	}
	uintptr_t block = ((uintptr_t)at + sizeof(struct boot_header) + align - 1) &
			  ~(uintptr_t)(align - 1);
	atomic_store(&boot_maps[slot], block);
	mm_chain.free = filter_free;
	mm_chain.realloc = filter_realloc;
	mm_chain.reallocarray = first_reallocarray;
	return boot_stamp(block, n);
}

void *mm_boot_alloc(size_t n, size_t align)
{
	const size_t head = sizeof(struct boot_header);

	if (align < 16)
		align = 16;
	if (n <= MM_BOOT_BYTES / 4 && align <= 4096) {
		size_t need = head + align + ((n + 15) & ~(size_t)15);
		size_t at = atomic_fetch_add(&boot_used, need);
		if (at <= MM_BOOT_BYTES - need) {
			uintptr_t block = ((uintptr_t)mm_boot_pool + at + head + align - 1) &
					  ~(uintptr_t)(align - 1);
			return boot_stamp(block, n);
		}
		atomic_fetch_sub(&boot_used, need);
	}
	return boot_map(n, align);
}

size_t mm_boot_size(const void *p)
{
	return ((const struct boot_header *)p - 1)->size;
}

static bool boot_mapped(const void *p)
{
	uint32_t n = atomic_load(&boot_map_count);

	for (uint32_t i = 0; i < n && i < BOOT_MAPS; i++)
		if (atomic_load(&boot_maps[i]) == (uintptr_t)p)
			return true;
	return false;
}

/* --- what stands in the chain until the real ones are found ------------------- */

static struct mm_chain real;
static _Atomic uint32_t resolved;

static void *first_malloc(size_t n)
{
	mm_chain_resolve();
	return real.malloc ? real.malloc(n) : mm_boot_alloc(n, 16);
}

static void filter_free(void *p)
{
	if (!mm_boot_owns(p) && !boot_mapped(p) && real.free != NULL)
		real.free(p);
}

static void first_free(void *p)
{
	mm_chain_resolve();
	filter_free(p);
}

static void *first_calloc(size_t n, size_t size)
{
	size_t bytes;

	mm_chain_resolve();
	if (real.calloc != NULL)
		return real.calloc(n, size);
	if (__builtin_mul_overflow(n, size, &bytes)) {
		errno = ENOMEM;
		return NULL;
	}
	return mm_boot_alloc(bytes, 16); /* fresh memory, so zero */
}

static void *filter_realloc(void *p, size_t n)
{
	void *q;

	if (!boot_mapped(p) && !mm_boot_owns(p))
		return real.realloc ? real.realloc(p, n) : p ? NULL : mm_boot_alloc(n, 16);
	q = real.malloc ? real.malloc(n) : mm_boot_alloc(n, 16);
	if (q != NULL)
		memcpy(q, p, n < mm_boot_size(p) ? n : mm_boot_size(p));
	return q;
}

static void *first_realloc(void *p, size_t n)
{
	mm_chain_resolve();
	return filter_realloc(p, n);
}

static void *first_reallocarray(void *p, size_t n, size_t size)
{
	size_t bytes;

	mm_chain_resolve();
	if (real.reallocarray != NULL && !boot_mapped(p))
		return real.reallocarray(p, n, size);
	if (!__builtin_mul_overflow(n, size, &bytes))
		return filter_realloc(p, bytes);
	errno = ENOMEM;
	return NULL;
}

static void *first_memalign(size_t align, size_t n)
{
	mm_chain_resolve();
	return real.memalign ? real.memalign(align, n) : mm_boot_alloc(n, align);
}

static void *first_aligned_alloc(size_t align, size_t n)
{
	mm_chain_resolve();
	return real.aligned_alloc ? real.aligned_alloc(align, n) : mm_boot_alloc(n, align);
}

static int first_posix_memalign(void **out, size_t align, size_t n)
{
	void *p;

	mm_chain_resolve();
	if (real.posix_memalign != NULL)
		return real.posix_memalign(out, align, n);
	p = mm_boot_alloc(n, align);
	if (p == NULL)
		return ENOMEM;
	*out = p;
	return 0;
}

static void *first_valloc(size_t n)
{
	mm_chain_resolve();
	return real.valloc ? real.valloc(n) : mm_boot_alloc(n, 4096);
}

static void *first_pvalloc(size_t n)
{
	mm_chain_resolve();
	return real.pvalloc ? real.pvalloc(n) : mm_boot_alloc((n + 4095) & ~(size_t)4095, 4096);
}

static void find_sized(void);

static void first_free_sized(void *p, size_t n)
{
	find_sized();
	if (real.free_sized != NULL && !boot_mapped(p))
		real.free_sized(p, n);
	else
		filter_free(p);
}

static void first_free_aligned_sized(void *p, size_t align, size_t n)
{
	find_sized();
	if (real.free_aligned_sized != NULL && !boot_mapped(p))
		real.free_aligned_sized(p, align, n);
	else
		filter_free(p);
}

static long result(long r)
{
	if (r >= 0 || r < -4095)
		return r;
	errno = (int)-r;
	return -1;
}

static void *first_mmap(void *p, size_t n, int prot, int flags, int fd, off_t off)
{
	return (void *)result(mm_sys(SYS_mmap, mm_sys_ptr(p), n, (uint64_t)prot,
				     (uint64_t)flags, (uint64_t)fd, (uint64_t)off));
}

static int first_munmap(void *p, size_t n)
{
	return (int)result(mm_sys(SYS_munmap, mm_sys_ptr(p), n, 0, 0, 0, 0));
}

static void *first_mremap(void *p, size_t old, size_t n, int flags, void *to)
{
	return (void *)result(mm_sys(SYS_mremap, mm_sys_ptr(p), old, n, (uint64_t)flags,
				     mm_sys_ptr(to), 0));
}

static int first_mlockall(int flags)
{
	return (int)result(mm_sys(SYS_mlockall, (uint64_t)flags, 0, 0, 0, 0, 0));
}

static int first_dlclose(void *handle)
{
	mm_chain_resolve();
	return real.dlclose ? real.dlclose(handle) : -1;
}

struct mm_chain mm_chain = {
	.malloc = first_malloc, .free = first_free, .calloc = first_calloc,
	.realloc = first_realloc, .reallocarray = first_reallocarray,
	.posix_memalign = first_posix_memalign,
	.aligned_alloc = first_aligned_alloc, .memalign = first_memalign,
	.valloc = first_valloc, .pvalloc = first_pvalloc,
	.free_sized = first_free_sized, .free_aligned_sized = first_free_aligned_sized,
	.mmap = first_mmap, .munmap = first_munmap, .mremap = first_mremap,
	.mlockall = first_mlockall, .dlclose = first_dlclose
};

/* --- resolution ------------------------------------------------------------------ */

/* A symbol that is not there leaves a text for dlerror: it is ours, not the program's,
 * so it is neither recorded nor left for the program to free. */
void *mm_chain_next(const char *name)
{
	struct mm_hook *t = &mm_hook_self;
	uint32_t epoch = t->epoch;
	int keep = errno;
	void *p;

	if (t->looking++ == 0)
		t->looked_from = epoch;
	t->epoch = MM_HOOK_NO_EPOCH;
	p = dlsym(RTLD_NEXT, name);
	if (p == NULL && dlerror() != NULL)
		(void)dlerror();
	t->epoch = epoch;
	t->looking--;
	errno = keep;
	return p;
}

#define FIND(name) (real.name = (__typeof__(real.name))mm_chain_next(#name))
#define SHORTCUT(name) do { if (real.name != NULL) mm_chain.name = real.name; } while (0)

static void find_all(void)
{
	FIND(malloc);
	FIND(free);
	FIND(calloc);
	FIND(realloc);
	FIND(reallocarray);
	FIND(posix_memalign);
	FIND(aligned_alloc);
	FIND(memalign);
	FIND(valloc);
	FIND(pvalloc);
	FIND(mmap);
	FIND(munmap);
	FIND(mremap);
	FIND(mlockall);
	FIND(dlclose);
}

/* Few libraries have these two, and a lookup in vain ends in dlerror(), whose text is
 * translated under libc's lock of locales. The first allocation can come before libc has
 * started, and the lock would be given back without having been taken: the program's
 * setlocale() would wait for ever. So they are looked for when first called. */
static void find_sized(void)
{
	static _Atomic(uint32_t) sought;

	mm_chain_resolve();
	if (atomic_exchange(&sought, 1) != 0)
		return;
	FIND(free_sized);
	FIND(free_aligned_sized);
}

bool mm_chain_array_by_realloc;

/* Whether two functions come from one library: libc's reallocarray is told by the
 * company of a function that nobody interposes. */
static bool same_library(void *a, void *b)
{
	Dl_info x, y;

	return a != NULL && b != NULL && dladdr(a, &x) != 0 && dladdr(b, &y) != 0 &&
	       x.dli_fbase == y.dli_fbase;
}

/* Calls go straight to the real ones from now on, save those that must still
 * tell a fallback mapping from the program's blocks. */
static void shortcut_all(void)
{
	bool maps = atomic_load(&boot_map_count) != 0;

	SHORTCUT(malloc);
	SHORTCUT(calloc);
	SHORTCUT(posix_memalign);
	SHORTCUT(aligned_alloc);
	SHORTCUT(memalign);
	SHORTCUT(valloc);
	SHORTCUT(pvalloc);
	SHORTCUT(mmap);
	SHORTCUT(munmap);
	SHORTCUT(mremap);
	SHORTCUT(mlockall);
	SHORTCUT(dlclose);
	mm_chain.free = maps || real.free == NULL ? filter_free : real.free;
	mm_chain.realloc = maps || real.realloc == NULL ? filter_realloc : real.realloc;
	if (!maps)
		SHORTCUT(reallocarray);
}

void mm_chain_resolve(void)
{
	uint32_t none = 0;

	/* The lookup may allocate: those calls find resolved == 1 and are served
	 * by the pool. Another thread that comes this early is, too. */
	if (!atomic_compare_exchange_strong(&resolved, &none, 1))
		return;
	find_all();
	mm_chain_array_by_realloc = same_library((void *)real.reallocarray,
						 mm_chain_next("gnu_get_libc_version"));
	shortcut_all();
	atomic_store(&resolved, 2);
}
