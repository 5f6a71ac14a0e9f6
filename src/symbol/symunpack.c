/* symunpack.c: sections into an image of their own (symunpack.h). */
#include "symbol/symunpack.h"

#include <elf.h>
#include <libdeflate.h>
#include <stdlib.h>
#include <string.h>

#include "core/error.h"

enum { ALIGN = 16, RATIO_MOST = 1100 /* zlib packs no better */ };

#define IMAGE_MOST (UINT64_C(2) << 30) /* bytes; larger files are read as they are */

struct section {
	const uint8_t *data; /* as in the file */
	uint64_t stored, size; /* bytes there, and unpacked */
	int packed;
	uint64_t at;         /* in the image */
};

struct plan {
	const struct mm_symelf *e;
	Elf64_Ehdr ehdr;
	size_t count, names; /* sections; the one with their names */
	struct section *sections;
	uint64_t bytes;      /* of the image */
	int packed;          /* any */
};

static int is_wanted(const char *name)
{
	static const char *const wanted[] = { "info", "types", "abbrev", "aranges", "line",
		"line_str", "str", "str_offsets", "ranges", "rnglists" };

	if (strcmp(name, ".gnu_debugaltlink") == 0)
		return 1;
	if (strncmp(name, ".debug_", 7) != 0)
		return 0;
	for (size_t i = 0; i < sizeof wanted / sizeof *wanted; i++)
		if (strcmp(name + 7, wanted[i]) == 0)
			return 1;
	return 0;
}

static int plan_section(struct plan *p, size_t i, Elf_Scn *scn, const Elf64_Shdr *shdr)
{
	struct section *s = &p->sections[i];
	const Elf_Data *raw = elf_rawdata(scn, NULL);
	Elf64_Chdr chdr;

	if (!raw || !raw->d_buf)
		return MM_OK;
	s->data = raw->d_buf;
	s->stored = s->size = raw->d_size;
	if (shdr->sh_flags & SHF_COMPRESSED) {
		if (raw->d_size < sizeof chdr)
			return MM_EUNSUP;
		memcpy(&chdr, raw->d_buf, sizeof chdr); /* which a hostile file does not align */
		s->data += sizeof chdr;
		s->stored -= sizeof chdr;
		s->size = chdr.ch_size;
		s->packed = p->packed = 1;
		if (chdr.ch_type != ELFCOMPRESS_ZLIB || s->size / RATIO_MOST > s->stored)
			return MM_EUNSUP;
	}
	/* Sections of a hostile file may lie over each other. */
	if (s->size > IMAGE_MOST - p->bytes)
		return MM_EUNSUP;
	s->at = p->bytes;
	p->bytes += (s->size + ALIGN - 1) & ~(uint64_t)(ALIGN - 1);
	return MM_OK;
}

static int make_plan(struct plan *p)
{
	const Elf64_Ehdr *ehdr = elf64_getehdr(p->e->elf);
	Elf_Scn *scn = NULL;
	int err = MM_OK;

	/* Sections of a relocatable file are not yet what they will be. */
	if (!ehdr || ehdr->e_ident[EI_DATA] != ELFDATA2LSB || ehdr->e_type == ET_REL ||
	    elf_getshdrnum(p->e->elf, &p->count) || elf_getshdrstrndx(p->e->elf, &p->names) ||
	    p->count == 0 || p->count >= SHN_LORESERVE)
		return MM_EUNSUP;
	p->ehdr = *ehdr;
	p->bytes = sizeof *ehdr + p->count * sizeof(Elf64_Shdr);
	p->sections = calloc(p->count, sizeof *p->sections);
	if (!p->sections)
		return MM_ENOMEM;
	while (!err && (scn = elf_nextscn(p->e->elf, scn))) {
		const Elf64_Shdr *shdr = elf64_getshdr(scn);
		size_t i = elf_ndxscn(scn);
		if (!shdr || i >= p->count)
			return MM_EUNSUP;
		const char *name = elf_strptr(p->e->elf, p->names, shdr->sh_name);
		/* Its units are in other files, which libdw finds by this one's place. */
		if (name && strcmp(name, ".debug_addr") == 0)
			return MM_EUNSUP;
		if (i == p->names || (shdr->sh_type != SHT_NOBITS && name && is_wanted(name)))
			err = plan_section(p, i, scn, shdr);
	}
	return err || p->packed ? err : MM_EUNSUP;
}

static int fill_section(const struct section *s, struct libdeflate_decompressor *d, uint8_t *to)
{
	if (s->packed)
		return libdeflate_zlib_decompress(d, s->data, s->stored, to, s->size, NULL) ?
			MM_EUNSUP : MM_OK;
	if (s->size)
		memcpy(to, s->data, s->size);
	return MM_OK;
}

static Elf64_Shdr header_of(const struct plan *p, size_t i)
{
	const struct section *s = &p->sections[i];
	Elf_Scn *scn = elf_getscn(p->e->elf, i);
	const Elf64_Shdr *shdr = scn ? elf64_getshdr(scn) : NULL;
	Elf64_Shdr h = { 0 };

	if (i == 0 || !shdr)
		return h;
	h = *shdr;
	h.sh_offset = s->at;
	h.sh_size = s->size;
	h.sh_flags &= ~(Elf64_Xword)SHF_COMPRESSED;
	if (!s->data) {
		h.sh_type = SHT_NOBITS;
		h.sh_offset = sizeof p->ehdr;
	}
	return h;
}

static int fill_image(struct plan *p, uint8_t *image)
{
	struct libdeflate_decompressor *d = libdeflate_alloc_decompressor();
	Elf64_Shdr *headers = (Elf64_Shdr *)(image + sizeof p->ehdr);
	int err = d ? MM_OK : MM_ENOMEM;

	p->ehdr.e_phoff = p->ehdr.e_phnum = 0;
	p->ehdr.e_shoff = sizeof p->ehdr;
	memcpy(image, &p->ehdr, sizeof p->ehdr);
	for (size_t i = 0; i < p->count && !err; i++) {
		headers[i] = header_of(p, i);
		if (p->sections[i].data)
			err = fill_section(&p->sections[i], d, image + p->sections[i].at);
	}
	libdeflate_free_decompressor(d);
	return err;
}

int mm_symunpack(struct mm_symelf **ret, const struct mm_symelf *e)
{
	struct plan p = { .e = e };
	uint8_t *image = NULL;
	int err = make_plan(&p);

	if (!err) {
		image = calloc(1, p.bytes);
		err = image ? fill_image(&p, image) : MM_ENOMEM;
	}
	free(p.sections);
	if (!err)
		err = mm_symelf_adopt(ret, image, p.bytes, e->path);
	if (err)
		free(image);
	return err;
}
