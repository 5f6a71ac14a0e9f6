/* symtab.c: ELF symbol tables, sorted (symtab.h). */
#include "symbol/symtab.h"

#include <gelf.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "core/error.h"

enum { RANK_SIZED = 16, RANK_FUNC = 8, RANK_GLOBAL = 4, RANK_WEAK = 2 };

void mm_symtab_deinit(struct mm_symtab *t)
{
	for (size_t i = 0; i < t->owned_count; i++)
		free(t->owned[i]);
	free(t->owned);
	free(t->entries);
	memset(t, 0, sizeof *t);
}

int mm_symtab_add(struct mm_symtab *t, uint64_t low, uint64_t size, const char *name,
		  unsigned rank)
{
	if (MM_GROW(t->entries, t->cap, t->count + 1))
		return MM_ENOMEM;
	uint64_t high = low + size;
	t->entries[t->count++] = (struct mm_symtab_entry){
		.low = low, .high = high < low ? UINT64_MAX : high,
		.name = name, .rank = (uint8_t)(rank | (size ? RANK_SIZED : 0)),
	};
	return MM_OK;
}

const char *mm_symtab_own(struct mm_symtab *t, const char *name, size_t len)
{
	char *copy = strndup(name, len);

	if (!copy || MM_GROW(t->owned, t->owned_cap, t->owned_count + 1)) {
		free(copy);
		return NULL;
	}
	return t->owned[t->owned_count++] = copy;
}

/* Length of a name without what compilers append to the parts and copies of a function
 * (".part.0", ".cold", ".llvm.123") and without the version it is exported with. */
static size_t source_length(const char *name)
{
	static const char *const suffixes[] = {
		"cold", "part", "isra", "constprop", "lto_priv", "llvm", "localalias",
	};
	size_t len = strcspn(name, "@");

	if (!len)
		return strlen(name);
	for (;;) {
		size_t end = len, at = SIZE_MAX;
		while (end && name[end - 1] >= '0' && name[end - 1] <= '9')
			end--;
		end = end && name[end - 1] == '.' ? end - 1 : len;
		for (size_t i = 0; i < sizeof suffixes / sizeof *suffixes; i++) {
			size_t n = strlen(suffixes[i]);
			if (end > n + 1 && name[end - n - 1] == '.' &&
			    memcmp(name + end - n, suffixes[i], n) == 0)
				at = end - n - 1;
		}
		if (at == SIZE_MAX)
			return len;
		len = at;
	}
}

static const char *source_name(struct mm_symtab *t, const char *name)
{
	size_t len = source_length(name);

	return name[len] ? mm_symtab_own(t, name, len) : name;
}

static unsigned symbol_rank(const GElf_Sym *sym)
{
	unsigned bind = GELF_ST_BIND(sym->st_info);

	return (GELF_ST_TYPE(sym->st_info) != STT_NOTYPE ? RANK_FUNC : 0) |
	       (bind == STB_GLOBAL ? RANK_GLOBAL : bind == STB_WEAK ? RANK_WEAK : 0);
}

/* Where the section that sym is in ends, when it holds code; else 0. */
static uint64_t code_section_end(Elf *elf, const GElf_Sym *sym)
{
	GElf_Shdr shdr;
	Elf_Scn *scn = sym->st_shndx < SHN_LORESERVE ? elf_getscn(elf, sym->st_shndx) : NULL;

	if (!scn || !gelf_getshdr(scn, &shdr) || !(shdr.sh_flags & SHF_EXECINSTR) ||
	    sym->st_value < shdr.sh_addr || sym->st_value - shdr.sh_addr >= shdr.sh_size)
		return 0;
	return shdr.sh_addr + shdr.sh_size;
}

static int symbol_take(struct mm_symtab *t, Elf *elf, size_t strings, const GElf_Sym *sym)
{
	unsigned type = GELF_ST_TYPE(sym->st_info);

	if (sym->st_shndx == SHN_UNDEF ||
	    (type != STT_FUNC && type != STT_GNU_IFUNC && type != STT_NOTYPE))
		return MM_OK;
	const char *name = elf_strptr(elf, strings, sym->st_name);
	/* mapping symbols ($x) and the assembler's local labels name no function */
	if (!name || !*name || *name == '$' || *name == '.')
		return MM_OK;
	uint64_t end = code_section_end(elf, sym);
	if (!end)
		return MM_OK;
	name = source_name(t, name);
	if (!name || mm_symtab_add(t, sym->st_value, sym->st_size, name, symbol_rank(sym)))
		return MM_ENOMEM;
	if (!sym->st_size) /* for now: mm_symtab_sort cuts it at the next symbol */
		t->entries[t->count - 1].high = end;
	return MM_OK;
}

static int section_take(struct mm_symtab *t, Elf *elf, Elf_Scn *scn, const GElf_Shdr *shdr)
{
	Elf_Data *data = elf_getdata(scn, NULL);
	GElf_Sym sym;

	if (!data || !shdr->sh_entsize)
		return MM_OK;
	size_t count = data->d_size / shdr->sh_entsize;
	for (size_t i = 1; i < count && gelf_getsym(data, (int)i, &sym); i++)
		if (symbol_take(t, elf, shdr->sh_link, &sym))
			return MM_ENOMEM;
	return MM_OK;
}

int mm_symtab_read(struct mm_symtab *t, Elf *elf, unsigned *ret_kind)
{
	Elf_Scn *scn = NULL, *best = NULL;
	GElf_Shdr shdr, best_shdr = { 0 };

	*ret_kind = 0;
	while ((scn = elf_nextscn(elf, scn))) {
		if (!gelf_getshdr(scn, &shdr) || shdr.sh_type == SHT_NOBITS)
			continue;
		if (shdr.sh_type == SHT_SYMTAB || (shdr.sh_type == SHT_DYNSYM && !best)) {
			best = scn;
			best_shdr = shdr;
			*ret_kind = shdr.sh_type;
		}
		if (shdr.sh_type == SHT_SYMTAB)
			break;
	}
	return best ? section_take(t, elf, best, &best_shdr) : MM_OK;
}

static int underscores(const char *name)
{
	int n = 0;

	while (name[n] == '_')
		n++;
	return n;
}

/* By address; of several names for one address the best comes last. */
static int entry_order(const void *a, const void *b)
{
	const struct mm_symtab_entry *x = a, *y = b;

	if (x->low != y->low)
		return x->low < y->low ? -1 : 1;
	if ((x->rank & RANK_SIZED) != (y->rank & RANK_SIZED))
		return x->rank < y->rank ? -1 : 1;
	if (x->high != y->high && (x->rank & RANK_SIZED))
		return x->high > y->high ? -1 : 1;
	if (x->rank != y->rank)
		return x->rank < y->rank ? -1 : 1;
	int u = underscores(y->name) - underscores(x->name);
	return u ? u : -strcmp(x->name, y->name);
}

void mm_symtab_sort(struct mm_symtab *t)
{
	uint64_t next = UINT64_MAX, reach = 0;

	if (!t->count)
		return;
	qsort(t->entries, t->count, sizeof *t->entries, entry_order);
	for (size_t i = t->count; i-- > 0;) {
		struct mm_symtab_entry *e = &t->entries[i];
		if (i + 1 < t->count && t->entries[i + 1].low != e->low)
			next = t->entries[i + 1].low;
		if (!(e->rank & RANK_SIZED) && e->high > next)
			e->high = next;
	}
	for (size_t i = 0; i < t->count; i++) {
		if (t->entries[i].high > reach)
			reach = t->entries[i].high;
		t->entries[i].reach = reach;
	}
}

const struct mm_symtab_entry *mm_symtab_find(const struct mm_symtab *t, uint64_t address)
{
	size_t low = 0, high = t->count;

	while (low < high) {
		size_t mid = low + (high - low) / 2;
		if (t->entries[mid].low <= address)
			low = mid + 1;
		else
			high = mid;
	}
	while (low-- > 0 && t->entries[low].reach > address)
		if (t->entries[low].high > address)
			return &t->entries[low];
	return NULL;
}
