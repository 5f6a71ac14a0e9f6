/* symelf.h: one opened ELF file.
 *
 * Promise: a file that is not ELF, or is damaged, is an error and never a crash; the
 * file is only read.
 * Not shared between threads.
 */
#ifndef MM_SYMBOL_SYMELF_H
#define MM_SYMBOL_SYMELF_H

#include <libelf.h>
#include <stddef.h>
#include <stdint.h>

enum { MM_BUILD_ID_MAX = 32 };

struct mm_symelf {
	Elf *elf;
	int fd;               /* -1 = an image in memory */
	char *path;           /* as opened; "" = memory */
	void *image;          /* malloc'ed, of an image in memory that is ours; else NULL */
	size_t image_bytes;
	uint8_t build_id[MM_BUILD_ID_MAX];
	uint8_t build_id_len; /* 0 = has none */
};

/* MM_ENOENT, MM_EUNSUP (not an ELF file), MM_ENOMEM. Close with mm_symelf_close. */
int mm_symelf_open(struct mm_symelf **ret, const char *path);

/* The same, read rather than mapped: somebody may cut the file short while it is open, and a
 * mapping would end us with SIGBUS. */
int mm_symelf_open_copy(struct mm_symelf **ret, const char *path);

/* This process's own vdso. MM_ENOENT where the kernel gives none. */
int mm_symelf_vdso(struct mm_symelf **ret);

/* An image of `bytes` bytes in memory, malloc'ed, ours on success; path is that of the file it
 * was made of. */
int mm_symelf_adopt(struct mm_symelf **ret, void *image, size_t bytes, const char *path);

void mm_symelf_close(struct mm_symelf *e);

/* True when the file itself holds DWARF that describes code. */
int mm_symelf_has_dwarf(const struct mm_symelf *e);

/* Bytes of all sections of debug information, unpacked; where they take more than `most`
 * already as they are stored, those: nothing of them is read then. */
uint64_t mm_symelf_debug_bytes(const struct mm_symelf *e, uint64_t most);

/* True when a section of that name has contents. */
int mm_symelf_has_section(const struct mm_symelf *e, const char *name);

/* True when the build-id is the one given. */
int mm_symelf_is(const struct mm_symelf *e, const uint8_t *build_id, size_t len);

#endif
