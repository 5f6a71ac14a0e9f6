/* symmini.c: lets libdwfl unpack .gnu_debugdata (symmini.h). */
#include "symbol/symmini.h"

#include <elfutils/libdwfl.h>
#include <stdlib.h>
#include <string.h>

#include "core/error.h"

/* Only the file itself: no search, no network. */
static int find_nothing(Dwfl_Module *mod, void **data, const char *name, Dwarf_Addr base,
			const char *file, const char *link, GElf_Word crc, char **ret)
{
	(void)mod, (void)data, (void)name, (void)base, (void)file, (void)link, (void)crc;
	(void)ret;
	return -1;
}

static int table_copy(struct mm_symtab *t, Dwfl_Module *mod)
{
	Dwarf_Addr bias;
	GElf_Sym sym;
	int count = dwfl_module_getsymtab(mod);

	if (!dwfl_module_getelf(mod, &bias))
		return MM_ENOENT;
	for (int i = 1; i < count; i++) {
		GElf_Addr address;
		const char *name = dwfl_module_getsym_info(mod, i, &sym, &address, NULL, NULL,
							   NULL);
		unsigned type = GELF_ST_TYPE(sym.st_info);
		if (!name || !*name || sym.st_shndx == SHN_UNDEF ||
		    (type != STT_FUNC && type != STT_GNU_IFUNC))
			continue;
		name = mm_symtab_own(t, name, strlen(name));
		if (!name || mm_symtab_add(t, address - bias, sym.st_size, name, 0))
			return MM_ENOMEM;
	}
	return count > 1 ? MM_OK : MM_ENOENT;
}

int mm_symmini_read(struct mm_symtab *t, const struct mm_symelf *e)
{
	static const Dwfl_Callbacks callbacks = {
		.find_debuginfo = find_nothing,
		.section_address = dwfl_offline_section_address,
	};

	if (!*e->path || !mm_symelf_has_section(e, ".gnu_debugdata"))
		return MM_ENOENT;
	Dwfl *dwfl = dwfl_begin(&callbacks);
	if (!dwfl)
		return MM_ENOENT;
	Dwfl_Module *mod = dwfl_report_offline(dwfl, "", e->path, -1);
	dwfl_report_end(dwfl, NULL, NULL);
	int err = mod ? table_copy(t, mod) : MM_ENOENT;
	dwfl_end(dwfl);
	return err;
}
