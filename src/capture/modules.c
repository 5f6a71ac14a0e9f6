/* modules.c: finds, recognises and records modules (modules.h).
 *
 * The table is a list that only grows, newest first, by compare-and-swap: the
 * one who loses looks at what was added before trying again, so that a module
 * has one number however many threads meet it at once. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* _dl_find_object */
#endif
#include "capture/modules.h"

#include <dlfcn.h>
#include <elf.h>
#include <link.h>
#include <stdatomic.h>
#include <stddef.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>

#include "capture/probe.h"
#include "capture/segments.h"
#include "core/arch.h"
#include "core/error.h"
#include "core/shm.h"

enum {
	PAGE_BYTES = 4096,
	MAX_HEADERS = 64,
	MAX_NOTES = 64 * 1024,
	CHUNK = MM_MODULES_PER_SEG, /* modules in a private block */
	CHUNKS = MM_MODULE_DIR
};

/* glibc 2.35; without it no unwind table is found and stacks end at once. */
extern __typeof__(_dl_find_object) _dl_find_object __attribute__((weak));

struct known {
	struct mm_module module;
	uint64_t link_map, identity;
	_Atomic uint32_t checked; /* load generation at which identity held */
	_Atomic uint32_t gone;    /* the identity no longer held */
	uint32_t next;            /* older entry of the list, 0 = last */
	struct mm_shm_module record;
};

/* What the loader says about an address. */
struct found {
	uint64_t link_map, start, end, eh_hdr, bias;
	const char *path;
};

/* What an image says about itself. */
struct image_facts {
	uint64_t identity;
	uint64_t eh_hdr;
	struct mm_cfi_image ranges;
	uint32_t build_id_len;
	uint8_t build_id[32];
};

static struct {
	void *base;
	uint32_t process;
	_Atomic uint32_t newest;
	_Atomic uint32_t taken; /* numbers handed out, losers included; 0 is taken */
	_Atomic(struct known *) chunk[CHUNKS];
} table;

/* --- private blocks ------------------------------------------------------------------ */

static struct known *known_at(uint32_t number)
{
	struct known *c = atomic_load_explicit(&table.chunk[number / CHUNK], memory_order_acquire);

	return c ? c + number % CHUNK : NULL;
}

static void *map_private(uint64_t bytes)
{
	int64_t p = mm_arch_syscall(SYS_mmap, 0, bytes, PROT_READ | PROT_WRITE,
				    MAP_PRIVATE | MAP_ANONYMOUS, ~UINT64_C(0), 0);

	return p < 0 && p > -PAGE_BYTES ? NULL : (void *)(uintptr_t)p;
}

/* Storage for a new number, or NULL. */
static struct known *known_new(uint32_t *ret_number)
{
	uint32_t n = atomic_load(&table.taken);
	struct known *c, *none = NULL;
	uint64_t bytes = sizeof *c * CHUNK;

	do {
		if (n + 1 >= CHUNK * CHUNKS)
			return NULL;
	} while (!atomic_compare_exchange_weak(&table.taken, &n, n + 1));
	n++;
	if (!atomic_load(&table.chunk[n / CHUNK])) {
		c = map_private(bytes);
		if (!c)
			return NULL;
		if (!atomic_compare_exchange_strong(&table.chunk[n / CHUNK], &none, c))
			mm_arch_syscall(SYS_munmap, (uintptr_t)c, bytes, 0, 0, 0, 0);
	}
	*ret_number = n;
	return known_at(n);
}

/* --- the image in memory ---------------------------------------------------------------- */

static uint64_t mix(uint64_t hash, const void *bytes, uint64_t n)
{
	const uint8_t *p = bytes;

	for (uint64_t i = 0; i < n; i++)
		hash = (hash ^ p[i]) * UINT64_C(0x100000001b3);
	return hash;
}

/* Those of the program itself, by the kernel's word. */
static uint32_t program_headers(const ElfW(Phdr) **ret)
{
	uint64_t n = getauxval(AT_PHNUM);

	*ret = (const ElfW(Phdr) *)getauxval(AT_PHDR);
	return *ret && n <= MAX_HEADERS && getauxval(AT_PHENT) == sizeof **ret ? (uint32_t)n : 0;
}

/* The program headers of the image mapped from `start` on: their number, 0 when
 * they cannot be had. */
static uint32_t headers(const struct found *f, const ElfW(Phdr) **ret)
{
	const ElfW(Ehdr) *e = (const ElfW(Ehdr) *)(uintptr_t)f->start;

	if (mm_probe_pages(f->start & ~(uint64_t)(PAGE_BYTES - 1), 1) == 1 &&
	    f->end - f->start >= PAGE_BYTES && e->e_ident[0] == ELFMAG0 &&
	    e->e_ident[1] == ELFMAG1 && e->e_ident[2] == ELFMAG2 && e->e_ident[3] == ELFMAG3 &&
	    e->e_phentsize == sizeof **ret && e->e_phnum <= MAX_HEADERS &&
	    e->e_phoff % sizeof(uint64_t) == 0 &&
	    e->e_phoff <= PAGE_BYTES - e->e_phnum * sizeof **ret) {
		*ret = (const ElfW(Phdr) *)(uintptr_t)(f->start + e->e_phoff);
		return e->e_phnum;
	}
	return f->path[0] == 0 ? program_headers(ret) : 0;
}

/* Finds NT_GNU_BUILD_ID among the notes in [at, at + size). */
static void find_build_id(uint64_t at, uint64_t size, struct image_facts *ret)
{
	while (size >= sizeof(ElfW(Nhdr))) {
		const ElfW(Nhdr) *n = (const ElfW(Nhdr) *)(uintptr_t)at;
		uint64_t name = (n->n_namesz + UINT64_C(3)) & ~UINT64_C(3);
		uint64_t desc = (n->n_descsz + UINT64_C(3)) & ~UINT64_C(3);
		uint64_t whole = sizeof *n + name + desc;
		const uint8_t *text = (const uint8_t *)(n + 1);

		if (whole > size)
			return;
		if (n->n_type == NT_GNU_BUILD_ID && n->n_namesz == 4 && text[0] == 'G' &&
		    text[1] == 'N' && text[2] == 'U' && n->n_descsz <= sizeof ret->build_id) {
			ret->build_id_len = n->n_descsz;
			__builtin_memcpy(ret->build_id, text + name, n->n_descsz);
			return;
		}
		at += whole;
		size -= whole;
	}
}

/* A loaded, readable run that holds [at, at + size)? */
static int covered(const struct mm_cfi_image *im, uint64_t at, uint64_t size)
{
	for (uint32_t i = 0; i < im->count; i++)
		if (at >= im->range[i].addr && at - im->range[i].addr <= im->range[i].size &&
		    im->range[i].size - (at - im->range[i].addr) >= size)
			return 1;
	return 0;
}

static void add_range(const struct found *f, const ElfW(Phdr) *ph, struct mm_cfi_image *im)
{
	uint64_t at = f->bias + ph->p_vaddr;

	if (im->count == MM_CFI_RANGES || !(ph->p_flags & PF_R) || at < f->start || at >= f->end ||
	    ph->p_filesz > f->end - at)
		return;
	im->range[im->count++] = (struct mm_cfi_range){
		.bytes = (const uint8_t *)(uintptr_t)at, .addr = at, .size = ph->p_filesz };
}

static void read_image(const struct found *f, struct image_facts *ret)
{
	const ElfW(Phdr) *ph;
	uint32_t n = headers(f, &ph);

	*ret = (struct image_facts){ .eh_hdr = f->eh_hdr };
	ret->identity = mix(UINT64_C(0xcbf29ce484222325), ph, n * sizeof *ph);
	for (uint32_t i = 0; i < n; i++)
		if (ph[i].p_type == PT_LOAD)
			add_range(f, &ph[i], &ret->ranges);
	for (uint32_t i = 0; i < n; i++) {
		uint64_t at = f->bias + ph[i].p_vaddr;
		if (ph[i].p_type == PT_GNU_EH_FRAME && ret->eh_hdr == 0)
			ret->eh_hdr = at;
		if (ph[i].p_type == PT_NOTE && ret->build_id_len == 0 &&
		    ph[i].p_filesz <= MAX_NOTES && covered(&ret->ranges, at, ph[i].p_filesz))
			find_build_id(at, ph[i].p_filesz, ret);
	}
	ret->identity = mix(ret->identity, ret->build_id, ret->build_id_len);
	ret->identity = mix(ret->identity, f->path, __builtin_strlen(f->path));
}

/* --- the loader's answer -------------------------------------------------------------------- */

/* The vdso, where the loader does not list it. */
static int find_vdso(uint64_t pc, struct found *ret)
{
	uint64_t at = getauxval(AT_SYSINFO_EHDR);
	const ElfW(Ehdr) *e = (const ElfW(Ehdr) *)(uintptr_t)at;
	const ElfW(Phdr) *ph;
	uint64_t size = 0;

	if (at == 0 || pc < at || pc - at >= 16 * PAGE_BYTES)
		return 0;
	ph = (const ElfW(Phdr) *)(uintptr_t)(at + e->e_phoff);
	for (uint32_t i = 0; i < e->e_phnum; i++)
		if (ph[i].p_type == PT_LOAD)
			size = ph[i].p_vaddr + ph[i].p_memsz;
	*ret = (struct found){ .start = at, .bias = at, .path = "linux-vdso.so.1",
			       .end = at + ((size + PAGE_BYTES - 1) & ~UINT64_C(4095)) };
	return pc < ret->end;
}

/* A program whose segments have holes between them is, to the loader, as many
 * objects as it has segments, and its unwind table is in another one than its code.
 * (Of a library the loader maps the holes too.) Makes *f the whole of it. */
static void join_segments(struct found *f)
{
	const ElfW(Phdr) *ph;
	uint32_t n = program_headers(&ph);
	uint64_t here = (uintptr_t)ph, lo = UINT64_MAX, hi = 0;

	for (uint32_t i = 0; i < n; i++) {
		uint64_t at = f->bias + ph[i].p_vaddr;
		if (ph[i].p_type != PT_LOAD)
			continue;
		lo = at < lo ? at : lo;
		hi = at + ph[i].p_memsz > hi ? at + ph[i].p_memsz : hi;
	}
	if (here < lo || here >= hi || f->start >= hi || f->end <= lo)
		return; /* not the program */
	lo &= ~(uint64_t)(PAGE_BYTES - 1);
	f->start = lo < f->start ? lo : f->start;
	f->end = hi > f->end ? hi : f->end;
}

static int find_object(uint64_t pc, struct found *ret)
{
	struct dl_find_object o;

	if (!_dl_find_object || _dl_find_object((void *)(uintptr_t)pc, &o) != 0)
		return find_vdso(pc, ret);
	*ret = (struct found){ .link_map = (uintptr_t)o.dlfo_link_map,
			       .start = (uintptr_t)o.dlfo_map_start,
			       .end = (uintptr_t)o.dlfo_map_end,
			       .eh_hdr = (uintptr_t)o.dlfo_eh_frame,
			       .bias = o.dlfo_link_map->l_addr,
			       .path = o.dlfo_link_map->l_name ? o.dlfo_link_map->l_name : "" };
	join_segments(ret);
	return 1;
}

/* --- recognising ------------------------------------------------------------------------------ */

static int same_place(const struct known *k, const struct found *f)
{
	return k->link_map == f->link_map && k->module.start == f->start && k->module.end == f->end;
}

/* Looks at the image again if the load generation has changed since. */
static int still_same(struct known *k, const struct found *f, uint32_t generation)
{
	struct image_facts now;

	if (atomic_load_explicit(&k->gone, memory_order_relaxed))
		return 0;
	if (atomic_load_explicit(&k->checked, memory_order_relaxed) == generation)
		return 1;
	read_image(f, &now);
	if (now.identity != k->identity) {
		atomic_store_explicit(&k->gone, 1, memory_order_relaxed);
		return 0;
	}
	atomic_store_explicit(&k->checked, generation, memory_order_relaxed);
	return 1;
}

/* In the list from `from` on, up to but without `until`. */
static struct known *search_list(uint32_t from, uint32_t until, const struct found *f,
				 uint32_t generation)
{
	while (from != until) {
		struct known *k = known_at(from);
		if (same_place(k, f) && still_same(k, f, generation))
			return k;
		from = k->next;
	}
	return NULL;
}

/* --- recording ------------------------------------------------------------------------------------ */

static uint64_t stamp_now(const struct mm_shm_control *c)
{
	struct timespec t;

	if (c->clock_kind == MM_CLOCK_TSC)
		return mm_arch_stamp();
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

static void fill_record(struct mm_shm_module *r, const struct found *f,
			const struct image_facts *facts, uint32_t generation)
{
	uint64_t len = __builtin_strlen(f->path);

	*r = (struct mm_shm_module){ .start = f->start, .end = f->end, .bias = f->bias,
				     .stamp = stamp_now(table.base), .generation = generation,
				     .build_id_len = facts->build_id_len,
				     .path_len = (uint32_t)len };
	__builtin_memcpy(r->build_id, facts->build_id, sizeof r->build_id);
	__builtin_memcpy(r->path, f->path, len < sizeof r->path ? len : sizeof r->path - 1);
}

/* Writes the record of k where the collector looks for it. */
static int publish(const struct known *k)
{
	struct mm_shm_process *p = mm_shm_process(table.base, table.process);
	struct mm_shm_dir *dir = (struct mm_shm_dir *)mm_shm_seg(
		table.base, atomic_load_explicit(&p->dir_seg, memory_order_acquire));
	uint32_t n = k->module.number, count;
	uint32_t seg = mm_segment_of(table.base, &dir->modules[n / MM_MODULES_PER_SEG], 1);
	struct mm_shm_module *r;

	if (seg == 0)
		return MM_ENOSPC;
	r = (struct mm_shm_module *)mm_shm_seg(table.base, seg) + n % MM_MODULES_PER_SEG;
	*r = k->record;
	count = atomic_load_explicit(&p->module_count, memory_order_relaxed);
	while (count < n + 1 &&
	       !atomic_compare_exchange_weak_explicit(&p->module_count, &count, n + 1,
						      memory_order_release, memory_order_relaxed))
		;
	return MM_OK;
}

static struct known *prepare(const struct found *f, uint32_t generation)
{
	struct image_facts facts;
	uint32_t number;
	struct known *k = known_new(&number);

	if (!k)
		return NULL;
	read_image(f, &facts);
	k->module = (struct mm_module){ .number = number, .start = f->start, .end = f->end,
					.eh_hdr = facts.eh_hdr, .image = facts.ranges };
	k->link_map = f->link_map;
	k->identity = facts.identity;
	atomic_store_explicit(&k->gone, 0, memory_order_relaxed);
	atomic_store_explicit(&k->checked, generation, memory_order_relaxed);
	fill_record(&k->record, f, &facts, generation);
	return publish(k) == MM_OK ? k : NULL;
}

const struct mm_module *mm_module_at(uint64_t pc, uint32_t generation)
{
	struct found f;
	struct known *k, *mine;
	uint32_t seen = atomic_load_explicit(&table.newest, memory_order_acquire), head;

	if (!find_object(pc, &f))
		return NULL;
	k = search_list(seen, 0, &f, generation);
	if (k)
		return &k->module;
	mine = prepare(&f, generation);
	if (!mine)
		return NULL;
	head = seen;
	for (;;) {
		mine->next = head;
		if (atomic_compare_exchange_strong_explicit(&table.newest, &head,
							    mine->module.number,
							    memory_order_acq_rel,
							    memory_order_acquire))
			return &mine->module;
		k = search_list(head, seen, &f, generation);
		if (k)
			return &k->module; /* the number prepared stays unused */
		seen = head;
	}
}

int mm_modules_bind(void *base, uint32_t process)
{
	table.base = base;
	table.process = process;
	for (uint32_t n = atomic_load(&table.newest); n != 0; n = known_at(n)->next) {
		int err = publish(known_at(n));
		if (err != MM_OK)
			return err;
	}
	return MM_OK;
}
