/* newlookup.c: finds a function in libraries that are not in the global scope.
 *
 * dlsym needs a handle, and a handle is a hold on the library; so the symbol
 * tables of what is loaded are read here.
 */
#include <elf.h>
#include <link.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "capture/newops.h"

struct tables {
	const uint32_t *hash; /* DT_GNU_HASH */
	const ElfW(Sym) *sym;
	const char *str;
};

struct search {
	const char *name;
	uintptr_t caller;
	void *callers; /* in the caller's own library */
	void *first;   /* in any other but ours */
};

/* The loader has made the addresses absolute, save for the vdso's. */
static bool tables_of(const struct dl_phdr_info *o, struct tables *t)
{
	const ElfW(Dyn) *d = NULL;

	memset(t, 0, sizeof *t);
	for (int i = 0; i < o->dlpi_phnum; i++)
		if (o->dlpi_phdr[i].p_type == PT_DYNAMIC)
			d = (const ElfW(Dyn) *)(o->dlpi_addr + o->dlpi_phdr[i].p_vaddr);
	for (; d != NULL && d->d_tag != DT_NULL; d++) {
		if (d->d_tag == DT_GNU_HASH)
			t->hash = (const uint32_t *)d->d_un.d_ptr;
		else if (d->d_tag == DT_SYMTAB)
			t->sym = (const ElfW(Sym) *)d->d_un.d_ptr;
		else if (d->d_tag == DT_STRTAB)
			t->str = (const char *)d->d_un.d_ptr;
	}
	return t->hash != NULL && t->sym != NULL && t->str != NULL &&
	       (uintptr_t)t->hash > o->dlpi_addr && (uintptr_t)t->sym > o->dlpi_addr;
}

static uint32_t gnu_hash(const char *s)
{
	uint32_t h = 5381;

	for (; *s != '\0'; s++)
		h = h * 33 + (uint8_t)*s;
	return h;
}

static const ElfW(Sym) *look_up(const struct tables *t, const char *name)
{
	uint32_t buckets = t->hash[0], first = t->hash[1], words = t->hash[2];
	const uint32_t *bucket = t->hash + 4 + words * (sizeof(ElfW(Addr)) / 4);
	const uint32_t *chain = bucket + buckets;
	uint32_t h = gnu_hash(name), i;

	if (buckets == 0 || (i = bucket[h % buckets]) < first)
		return NULL;
	for (;; i++) {
		uint32_t have = chain[i - first];
		if ((have | 1) == (h | 1) && strcmp(t->str + t->sym[i].st_name, name) == 0 &&
		    t->sym[i].st_shndx != SHN_UNDEF)
			return &t->sym[i];
		if (have & 1)
			return NULL;
	}
}

static bool covers(const struct dl_phdr_info *o, uintptr_t addr)
{
	for (int i = 0; i < o->dlpi_phnum; i++) {
		const ElfW(Phdr) *p = &o->dlpi_phdr[i];
		if (p->p_type == PT_LOAD && addr - o->dlpi_addr - p->p_vaddr < p->p_memsz)
			return true;
	}
	return false;
}

static int look_in(struct dl_phdr_info *o, size_t size, void *arg)
{
	struct search *s = arg;
	const ElfW(Sym) *sym;
	struct tables t;
	void *fn;

	(void)size;
	if (covers(o, (uintptr_t)look_in) || !tables_of(o, &t) ||
	    (sym = look_up(&t, s->name)) == NULL)
		return 0;
	fn = (void *)(o->dlpi_addr + sym->st_value);
	if (covers(o, s->caller))
		s->callers = fn;
	else if (s->first == NULL)
		s->first = fn;
	return s->callers != NULL;
}

void *mm_newops_find(const char *name, const void *caller)
{
	struct search s = { .name = name, .caller = (uintptr_t)caller };

	dl_iterate_phdr(look_in, &s);
	return s.callers ? s.callers : s.first;
}
