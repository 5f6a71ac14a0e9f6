/* program.c: reads just enough ELF (program.h). */
#include "collect/program.h"

#include <elf.h>
#include <fcntl.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "core/error.h"

enum { SCRIPTS_MAX = 4 };

/* Came to the loader in the same glibc release, 2.35, as what the hooks need of libc. */
static const char *const loader_symbol = "__rseq_offset";

struct elf {
	const uint8_t *data;
	uint64_t size;
	struct stat st;
};

/* --- a file in memory --------------------------------------------------------------- */

static int open_file(struct elf *e, const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	memset(e, 0, sizeof *e);
	if (fd < 0)
		return MM_ENOENT;
	if (!fstat(fd, &e->st) && S_ISREG(e->st.st_mode) && e->st.st_size > 0) {
		void *p = mmap(NULL, (size_t)e->st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
		if (p != MAP_FAILED) {
			e->data = p;
			e->size = (uint64_t)e->st.st_size;
		}
	}
	close(fd);
	return e->data ? MM_OK : MM_ENOENT;
}

static void close_file(struct elf *e)
{
	if (e->data)
		munmap((void *)(uintptr_t)e->data, e->size);
}

static const void *at(const struct elf *e, uint64_t offset, uint64_t length)
{
	return offset <= e->size && length <= e->size - offset ? e->data + offset : NULL;
}

/* The same for structures, which stand aligned in every file that a linker made. */
static const void *record_at(const struct elf *e, uint64_t offset, uint64_t length)
{
	return offset % 8 == 0 ? at(e, offset, length) : NULL;
}

static const Elf64_Ehdr *header(const struct elf *e)
{
	const Elf64_Ehdr *h = at(e, 0, sizeof *h);

	return h && memcmp(h->e_ident, ELFMAG, SELFMAG) == 0 &&
	       h->e_ident[EI_CLASS] == ELFCLASS64 ? h : NULL;
}

static const Elf64_Phdr *segment(const struct elf *e, uint32_t type)
{
	const Elf64_Ehdr *h = header(e);

	for (unsigned i = 0; h && i < h->e_phnum; i++) {
		const Elf64_Phdr *p = record_at(e, h->e_phoff + (uint64_t)i * sizeof *p, sizeof *p);
		if (p && p->p_type == type)
			return p;
	}
	return NULL;
}

/* --- strings and symbols --------------------------------------------------------------- */

/* A NUL-terminated text in a table of `size` bytes. */
static const char *text_at(const char *table, uint64_t size, uint64_t offset)
{
	return offset < size && memchr(table + offset, 0, size - offset) ? table + offset : NULL;
}

static const Elf64_Shdr *section(const struct elf *e, unsigned i)
{
	const Elf64_Ehdr *h = header(e);

	return h && i < h->e_shnum && h->e_shentsize == sizeof(Elf64_Shdr)
		? record_at(e, h->e_shoff + (uint64_t)i * sizeof(Elf64_Shdr),
			    sizeof(Elf64_Shdr)) : NULL;
}

static int is_text(const char *table, uint64_t size, uint64_t offset, const char *text)
{
	for (; offset < size && table[offset] == *text; offset++, text++)
		if (!*text)
			return 1;
	return 0;
}

/* The first of the names that is in the table, defined there if so asked, else `count`. */
static size_t find_in_table(const struct elf *e, const Elf64_Shdr *s, int defined,
			    const char *const *names, size_t count)
{
	const Elf64_Shdr *strings = section(e, s->sh_link);
	const char *text = strings ? at(e, strings->sh_offset, strings->sh_size) : NULL;
	const Elf64_Sym *syms = record_at(e, s->sh_offset, s->sh_size);

	for (uint64_t i = 0; text && syms && i < s->sh_size / sizeof *syms; i++)
		for (size_t k = 0; k < count; k++)
			if (is_text(text, strings->sh_size, syms[i].st_name, names[k]) &&
			    (!defined || syms[i].st_shndx != SHN_UNDEF))
				count = k;
	return count;
}

static size_t find_in_tables(const struct elf *e, uint32_t type, int defined,
			     const char *const *names, size_t count)
{
	const Elf64_Shdr *s;

	for (unsigned i = 0; (s = section(e, i)); i++)
		if (s->sh_type == type)
			count = find_in_table(e, s, defined, names, count);
	return count;
}

/* All at once: the tables of a large program take milliseconds to go through. */
static size_t find_symbol(const struct elf *e, const char *const *names, size_t count)
{
	count = find_in_tables(e, SHT_DYNSYM, 0, names, count);
	return find_in_tables(e, SHT_SYMTAB, 0, names, count);
}

size_t mm_program_find_symbol(const char *path, const char *const *names, size_t count)
{
	struct elf e;
	size_t found = open_file(&e, path) ? count : find_symbol(&e, names, count);

	close_file(&e);
	return found;
}

int mm_program_has_symbol(const char *path, const char *symbol)
{
	return mm_program_find_symbol(path, &symbol, 1) == 0;
}

int mm_program_exports(const char *path, const char *symbol)
{
	struct elf e;
	int has = !open_file(&e, path) && find_in_tables(&e, SHT_DYNSYM, 1, &symbol, 1) == 0;

	close_file(&e);
	return has;
}

/* File offset of a virtual address. */
static uint64_t offset_of(const struct elf *e, uint64_t address)
{
	const Elf64_Ehdr *h = header(e);

	for (unsigned i = 0; i < h->e_phnum; i++) {
		const Elf64_Phdr *p = record_at(e, h->e_phoff + (uint64_t)i * sizeof *p, sizeof *p);
		if (p && p->p_type == PT_LOAD && address >= p->p_vaddr &&
		    address - p->p_vaddr < p->p_filesz)
			return p->p_offset + (address - p->p_vaddr);
	}
	return UINT64_MAX;
}

/* Any library it needs whose name begins so. */
static int needs(const struct elf *e, const char *library)
{
	const Elf64_Phdr *p = segment(e, PT_DYNAMIC);
	const Elf64_Dyn *d = p ? record_at(e, p->p_offset, p->p_filesz) : NULL;
	uint64_t n = d ? p->p_filesz / sizeof *d : 0, strings = UINT64_MAX, size = 0;

	for (uint64_t i = 0; i < n; i++) {
		if (d[i].d_tag == DT_STRTAB)
			strings = offset_of(e, d[i].d_un.d_ptr);
		if (d[i].d_tag == DT_STRSZ)
			size = d[i].d_un.d_val;
	}
	const char *table = at(e, strings, size);
	for (uint64_t i = 0; table && i < n && d[i].d_tag != DT_NULL; i++) {
		const char *name = d[i].d_tag == DT_NEEDED
			? text_at(table, size, d[i].d_un.d_val) : NULL;
		if (name && strncmp(name, library, strlen(library)) == 0)
			return 1;
	}
	return 0;
}

/* --- reasons ------------------------------------------------------------------------------- */

static int check_privilege(const struct elf *e, const char *path, struct mm_diag *diag)
{
	char caps[64];

	if (prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1)
		return MM_OK;
	if (((e->st.st_mode & S_ISUID) && e->st.st_uid != getuid()) ||
	    ((e->st.st_mode & (S_ISGID | S_IXGRP)) == (S_ISGID | S_IXGRP) &&
	     e->st.st_gid != getgid()))
		return mm_fail(diag, MM_EUNSUP, "%s runs with another user's rights (set-id): the "
			       "loader ignores the recorder; run it as that user", path);
	if (getuid() != 0 && getxattr(path, "security.capability", caps, sizeof caps) > 0)
		return mm_fail(diag, MM_EUNSUP, "%s has file capabilities: the loader ignores the "
			       "recorder; record a copy of the file or as root", path);
	return MM_OK;
}

static int check_sanitizer(const struct elf *e, const char *path, struct mm_diag *diag)
{
	enum { KINDS = 5 };
	static const char *const symbols[KINDS] = { "__asan_init", "__tsan_init", "__msan_init",
		"__hwasan_init", "__lsan_init" };
	static const struct { const char *library, *name; } kinds[KINDS] = {
		{ "libasan.so", "AddressSanitizer" }, { "libtsan.so", "ThreadSanitizer" },
		{ "libmsan.so", "MemorySanitizer" }, { "libhwasan.so", "HWAddressSanitizer" },
		{ "liblsan.so", "LeakSanitizer" }
	};
	size_t found = find_symbol(e, symbols, KINDS);

	for (size_t i = 0; i < KINDS; i++)
		if (i == found || needs(e, kinds[i].library))
			return mm_fail(diag, MM_EUNSUP, "%s is built with %s, which replaces "
				       "malloc itself: build it without", path, kinds[i].name);
	return MM_OK;
}

static int check_loader(const struct elf *e, const char *path, struct mm_diag *diag)
{
	const Elf64_Phdr *p = segment(e, PT_INTERP);
	const char *loader = p ? at(e, p->p_offset, p->p_filesz) : NULL;

	if (!loader || !memchr(loader, 0, p->p_filesz)) {
		/* The loader itself, run as a command, has none either; a static program may
		 * hold the same symbol, but exports nothing. */
		if (find_in_tables(e, SHT_DYNSYM, 0, &loader_symbol, 1) == 0)
			return MM_OK;
		return mm_fail(diag, MM_EUNSUP, "%s is statically linked: nothing can be loaded "
			       "into it; link it dynamically", path);
	}
	const char *name = strrchr(loader, '/');
	name = name ? name + 1 : loader;
	if (strncmp(name, "ld-linux", 8) != 0)
		return mm_fail(diag, MM_EUNSUP, "%s is built for another C library (loader %s): "
			       "only glibc programs can be recorded", path, loader);
	if (access(loader, R_OK) == 0 && !mm_program_has_symbol(loader, loader_symbol))
		return mm_fail(diag, MM_EUNSUP, "%s runs on a glibc older than 2.35 (loader %s)",
			       path, loader);
	return MM_OK;
}

static int check_elf(const struct elf *e, const char *path, struct mm_diag *diag)
{
	const Elf64_Ehdr *h = header(e);

	if (!h || h->e_machine != EM_X86_64)
		return mm_fail(diag, MM_EUNSUP, "%s is not a 64-bit x86-64 program", path);
	int err = check_privilege(e, path, diag);
	if (!err)
		err = check_loader(e, path, diag);
	return err ? err : check_sanitizer(e, path, diag);
}

/* The interpreter of "#! /path arg": 0 = it names none. */
static int read_shebang(const struct elf *e, char ret[PATH_MAX])
{
	const char *line = (const char *)e->data;
	uint64_t n = 2, begin;

	while (n < e->size && (line[n] == ' ' || line[n] == '\t'))
		n++;
	for (begin = n; n < e->size && !strchr(" \t\r\n", line[n]); n++)
		;
	if (n == begin || n - begin >= PATH_MAX)
		return 0;
	memcpy(ret, line + begin, n - begin);
	ret[n - begin] = '\0';
	return 1;
}

static int check_file(const char *path, int depth, struct mm_diag *diag)
{
	char interpreter[PATH_MAX];
	struct elf e;
	int err = MM_OK;

	if (open_file(&e, path))
		return MM_OK;
	if (at(&e, 0, SELFMAG) && memcmp(e.data, ELFMAG, SELFMAG) == 0)
		err = check_elf(&e, path, diag);
	else if (at(&e, 0, 2) && memcmp(e.data, "#!", 2) == 0 && depth < SCRIPTS_MAX &&
		 read_shebang(&e, interpreter))
		err = check_file(interpreter, depth + 1, diag);
	close_file(&e);
	return err;
}

int mm_program_check(const char *path, struct mm_diag *diag)
{
	return check_file(path, 0, diag);
}
