/* symfind.c: separate debug files by build-id and by link (symfind.h). */
#include "symbol/symfind.h"

#include <elfutils/libdwelf.h>
#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/error.h"

static const char debug_root[] = "/usr/lib/debug";

/* The checksum of .gnu_debuglink: CRC-32 as in zip files. */
static uint32_t crc_table[256];

static void crc_prepare(void)
{
	for (uint32_t i = 0; i < 256; i++) {
		uint32_t v = i;
		for (int k = 0; k < 8; k++)
			v = v >> 1 ^ (v & 1 ? UINT32_C(0xedb88320) : 0);
		crc_table[i] = v;
	}
}

static int file_crc(int fd, uint32_t *ret)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	unsigned char buf[64 * 1024];
	uint32_t crc = UINT32_MAX;
	off_t at = 0;
	ssize_t n;

	pthread_once(&once, crc_prepare);
	while ((n = pread(fd, buf, sizeof buf, at)) > 0) {
		for (ssize_t i = 0; i < n; i++)
			crc = crc_table[(crc ^ buf[i]) & 255] ^ crc >> 8;
		at += n;
	}
	*ret = ~crc;
	return n ? MM_EIO : MM_OK;
}

void mm_symfind_read_link(struct mm_symfind *f, const struct mm_symelf *e)
{
	GElf_Word crc;

	f->debuglink = dwelf_elf_gnu_debuglink(e->elf, &crc);
	f->crc = f->debuglink ? crc : 0;
	if (f->debuglink && (!*f->debuglink || strchr(f->debuglink, '/')))
		f->debuglink = NULL;
}

static int build_id_path(char *buf, size_t size, const char *sysroot, const uint8_t *id,
			 size_t len)
{
	if (len < 2)
		return 0;
	int n = snprintf(buf, size, "%s%s/.build-id/%02x/", sysroot ? sysroot : "",
			 debug_root, id[0]);
	if (n < 0 || (size_t)n + 2 * len + 8 > size)
		return 0;
	for (size_t i = 1; i < len; i++)
		n += sprintf(buf + n, "%02x", id[i]);
	strcpy(buf + n, ".debug");
	return 1;
}

/* Candidate i (0 ..) of the places a debuglink may mean; 0 after the last. */
static int link_path(char *buf, size_t size, const struct mm_symfind *f, unsigned i)
{
	static const char *const formats[] = {
		"%s%.*s/%s", "%s%.*s/.debug/%s", "%s/usr/lib/debug%.*s/%s",
	};
	const char *slash = f->path ? strrchr(f->path, '/') : NULL;

	if (!f->debuglink || !slash || i >= sizeof formats / sizeof *formats)
		return 0;
	int n = snprintf(buf, size, formats[i], f->sysroot ? f->sysroot : "",
			 (int)(slash - f->path), f->path, f->debuglink);
	return n > 0 && (size_t)n < size;
}

/* A file that is wanted by build-id, or by crc where it has no build-id to compare. */
static int open_matching(struct mm_symelf **ret, const char *path, const struct mm_symfind *f,
			 int by_link)
{
	struct mm_symelf *e;
	uint32_t crc;
	int err = (f->copied ? mm_symelf_open_copy : mm_symelf_open)(&e, path);

	if (err)
		return err;
	int good = e->build_id_len && f->build_id_len
		 ? mm_symelf_is(e, f->build_id, f->build_id_len)
		 : by_link && file_crc(e->fd, &crc) == MM_OK && crc == f->crc;
	if (!good) {
		mm_symelf_close(e);
		return MM_ENOENT;
	}
	*ret = e;
	return MM_OK;
}

int mm_symfind_open(struct mm_symelf **ret, const struct mm_symfind *f)
{
	char path[PATH_MAX], real[PATH_MAX];
	struct mm_symfind resolved = *f;

	if (build_id_path(path, sizeof path, f->sysroot, f->build_id, f->build_id_len) &&
	    open_matching(ret, path, f, 0) == MM_OK)
		return MM_OK;
	for (unsigned i = 0; link_path(path, sizeof path, f, i); i++)
		if (open_matching(ret, path, f, 1) == MM_OK)
			return MM_OK;
	/* beside the file that a link such as /lib -> /usr/lib leads to */
	if (!f->debuglink || f->sysroot || !f->path || !realpath(f->path, real) ||
	    strcmp(real, f->path) == 0)
		return MM_ENOENT;
	resolved.path = real;
	for (unsigned i = 0; link_path(path, sizeof path, &resolved, i); i++)
		if (open_matching(ret, path, f, 1) == MM_OK)
			return MM_OK;
	return MM_ENOENT;
}

int mm_symfind_exists(const struct mm_symfind *f)
{
	char path[PATH_MAX];

	if (build_id_path(path, sizeof path, f->sysroot, f->build_id, f->build_id_len) &&
	    access(path, F_OK) == 0)
		return 1;
	for (unsigned i = 0; link_path(path, sizeof path, f, i); i++)
		if (access(path, F_OK) == 0)
			return 1;
	return 0;
}

static int open_with_id(struct mm_symelf **ret, const char *path, const void *id, size_t len)
{
	struct mm_symelf *e;

	if (mm_symelf_open_copy(&e, path))
		return MM_ENOENT;
	if (!mm_symelf_is(e, id, len)) {
		mm_symelf_close(e);
		return MM_ENOENT;
	}
	*ret = e;
	return MM_OK;
}

int mm_symfind_open_alt(struct mm_symelf **ret, Dwarf *main, const struct mm_symelf *main_elf,
			const struct mm_symfind *f)
{
	char path[PATH_MAX];
	const char *name;
	const void *id;
	ssize_t len = dwelf_dwarf_gnu_debugaltlink(main, &name, &id);

	if (len <= 0 || len > MM_BUILD_ID_MAX)
		return MM_ENOENT;
	if (*name == '/') {
		int n = snprintf(path, sizeof path, "%s%s", f->sysroot ? f->sysroot : "", name);
		if (n > 0 && (size_t)n < sizeof path &&
		    open_with_id(ret, path, id, (size_t)len) == MM_OK)
			return MM_OK;
	} else {
		char real[PATH_MAX];
		char *slash = realpath(main_elf->path, real) ? strrchr(real, '/') : NULL;
		int n = slash ? snprintf(path, sizeof path, "%.*s/%s", (int)(slash - real), real,
					 name) : -1;
		if (n > 0 && (size_t)n < sizeof path &&
		    open_with_id(ret, path, id, (size_t)len) == MM_OK)
			return MM_OK;
	}
	if (!build_id_path(path, sizeof path, f->sysroot, id, (size_t)len))
		return MM_ENOENT;
	return open_with_id(ret, path, id, (size_t)len);
}
