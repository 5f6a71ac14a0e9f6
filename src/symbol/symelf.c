/* symelf.c: opens ELF files through libelf (symelf.h). */
#include "symbol/symelf.h"

#include <elfutils/libdwelf.h>
#include <errno.h>
#include <fcntl.h>
#include <gelf.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/error.h"

static int elf_adopt(struct mm_symelf **ret, Elf *elf, int fd, const char *path)
{
	struct mm_symelf *e = calloc(1, sizeof *e);
	const void *id;

	if (e)
		e->path = strdup(path);
	if (!e || !e->path || !elf || elf_kind(elf) != ELF_K_ELF) {
		int err = e && e->path ? MM_EUNSUP : MM_ENOMEM;
		elf_end(elf);
		if (fd >= 0)
			close(fd);
		free(e ? e->path : NULL);
		free(e);
		return err;
	}
	e->elf = elf;
	e->fd = fd;
	ssize_t n = dwelf_elf_gnu_build_id(elf, &id);
	if (n > 0 && n <= MM_BUILD_ID_MAX) {
		memcpy(e->build_id, id, (size_t)n);
		e->build_id_len = (uint8_t)n;
	}
	*ret = e;
	return MM_OK;
}

static int open_as(struct mm_symelf **ret, const char *path, Elf_Cmd how)
{
	struct stat st;

	/* O_NONBLOCK: a pipe that somebody put there must not hang us */
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	if (fd < 0)
		return errno == EACCES ? MM_EPERM : MM_ENOENT;
	if (fstat(fd, &st) || !S_ISREG(st.st_mode)) {
		close(fd);
		return MM_EUNSUP;
	}
	elf_version(EV_CURRENT);
	return elf_adopt(ret, elf_begin(fd, how, NULL), fd, path);
}

int mm_symelf_open(struct mm_symelf **ret, const char *path)
{
	return open_as(ret, path, ELF_C_READ_MMAP);
}

int mm_symelf_open_copy(struct mm_symelf **ret, const char *path)
{
	return open_as(ret, path, ELF_C_READ);
}

int mm_symelf_vdso(struct mm_symelf **ret)
{
	char *image = (char *)getauxval(AT_SYSINFO_EHDR);
	const Elf64_Ehdr *ehdr = (const Elf64_Ehdr *)image;

	if (!image)
		return MM_ENOENT;
	size_t size = ehdr->e_shoff + (size_t)ehdr->e_shnum * ehdr->e_shentsize;
	elf_version(EV_CURRENT);
	return elf_adopt(ret, elf_memory(image, size), -1, "");
}

int mm_symelf_adopt(struct mm_symelf **ret, void *image, size_t bytes, const char *path)
{
	struct mm_symelf *e;

	elf_version(EV_CURRENT);
	int err = elf_adopt(&e, elf_memory(image, bytes), -1, path);
	if (err)
		return err;
	e->image = image;
	e->image_bytes = bytes;
	*ret = e;
	return MM_OK;
}

void mm_symelf_close(struct mm_symelf *e)
{
	if (!e)
		return;
	elf_end(e->elf);
	if (e->fd >= 0)
		close(e->fd);
	free(e->path);
	free(e->image);
	free(e);
}

int mm_symelf_has_section(const struct mm_symelf *e, const char *name)
{
	Elf_Scn *scn = NULL;
	GElf_Shdr shdr;
	size_t strings;

	if (elf_getshdrstrndx(e->elf, &strings))
		return 0;
	while ((scn = elf_nextscn(e->elf, scn))) {
		if (!gelf_getshdr(scn, &shdr) || shdr.sh_type == SHT_NOBITS || !shdr.sh_size)
			continue;
		const char *have = elf_strptr(e->elf, strings, shdr.sh_name);
		if (have && strcmp(have, name) == 0)
			return 1;
	}
	return 0;
}

/* Stored, or unpacked; the latter reads what is stored. */
static uint64_t debug_bytes(const struct mm_symelf *e, size_t strings, int unpacked)
{
	Elf_Scn *scn = NULL;
	GElf_Shdr shdr;
	GElf_Chdr chdr;
	uint64_t sum = 0;

	while ((scn = elf_nextscn(e->elf, scn))) {
		if (!gelf_getshdr(scn, &shdr) || shdr.sh_type == SHT_NOBITS)
			continue;
		const char *name = elf_strptr(e->elf, strings, shdr.sh_name);
		if (!name || strncmp(name, ".debug_", 7))
			continue;
		int packed = unpacked && (shdr.sh_flags & SHF_COMPRESSED) &&
			     gelf_getchdr(scn, &chdr);
		uint64_t bytes = packed ? chdr.ch_size : shdr.sh_size;
		sum = bytes > UINT64_MAX - sum ? UINT64_MAX : sum + bytes;
	}
	return sum;
}

uint64_t mm_symelf_debug_bytes(const struct mm_symelf *e, uint64_t most)
{
	size_t strings;

	if (elf_getshdrstrndx(e->elf, &strings))
		return 0;
	uint64_t stored = debug_bytes(e, strings, 0);
	return stored > most ? stored : debug_bytes(e, strings, 1);
}

int mm_symelf_has_dwarf(const struct mm_symelf *e)
{
	return mm_symelf_has_section(e, ".debug_info") ||
	       mm_symelf_has_section(e, ".zdebug_info");
}

int mm_symelf_is(const struct mm_symelf *e, const uint8_t *build_id, size_t len)
{
	return e->build_id_len == len && memcmp(e->build_id, build_id, len) == 0;
}
