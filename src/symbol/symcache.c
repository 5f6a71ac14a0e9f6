/* symcache.c: the format of a cache file, read and checked (symcache.h).
 *
 * All numbers are little-endian. A header of HEADER bytes: magic, version, CRC32C of
 * the bytes from offset 16, counts of entries, frames and bytes of text, facts, offset of
 * the debuglink's text, build-id; then entries (address u64, first frame u32, count
 * u32) in ascending order of address, frames (function, file, line, inlined: u32
 * each; texts as offsets), and the texts, each ended by a NUL; text 0 is "".
 */
#include "symbol/symcache.h"

#include <endian.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/crc32c.h"
#include "core/error.h"
#include "symbol/symcache_file.h"

struct mm_symcache {
	uint8_t *data;
	const uint8_t *entries, *frames;
	const char *texts;
	uint32_t entry_count, frame_count, text_bytes;
	struct mm_symcache_facts facts;
};

static uint32_t u32_at(const uint8_t *p)
{
	uint32_t v;

	memcpy(&v, p, sizeof v);
	return le32toh(v);
}

static uint64_t u64_at(const uint8_t *p)
{
	uint64_t v;

	memcpy(&v, p, sizeof v);
	return le64toh(v);
}

/* Sets the parts of c from its header; they lie within `bytes`. */
static int header_read(struct mm_symcache *c, const struct mm_symcache_key *key, size_t bytes)
{
	const uint8_t *p = c->data;

	if (bytes < MM_SYMCACHE_HEADER || memcmp(p, MM_SYMCACHE_MAGIC, 8) ||
	    u32_at(p + 8) != MM_SYMCACHE_VERSION ||
	    u32_at(p + 12) != mm_crc32c(0, p + 16, bytes - 16))
		return MM_ECORRUPT;
	c->entry_count = u32_at(p + 16);
	c->frame_count = u32_at(p + 20);
	c->text_bytes = u32_at(p + 24);
	if ((uint64_t)c->entry_count * 16 + (uint64_t)c->frame_count * 16 + c->text_bytes !=
	    bytes - MM_SYMCACHE_HEADER)
		return MM_ECORRUPT;
	c->facts.had_dwarf = p[28] & 1;
	c->facts.asked_server = p[28] >> 1 & 1;
	if (p[29] != key->build_id_len || memcmp(p + 36, key->build_id, key->build_id_len))
		return MM_ECORRUPT;
	c->entries = p + MM_SYMCACHE_HEADER;
	c->frames = c->entries + (size_t)c->entry_count * 16;
	c->texts = (const char *)c->frames + (size_t)c->frame_count * 16;
	uint32_t link = u32_at(p + 32);
	if (!c->text_bytes || c->texts[0] || c->texts[c->text_bytes - 1] ||
	    link >= c->text_bytes)
		return MM_ECORRUPT;
	c->facts.debuglink = link ? c->texts + link : NULL;
	return MM_OK;
}

static int contents_check(const struct mm_symcache *c)
{
	uint64_t last = 0;

	for (uint32_t i = 0; i < c->entry_count; i++) {
		const uint8_t *e = c->entries + (size_t)i * 16;
		uint64_t address = u64_at(e);
		uint32_t first = u32_at(e + 8), count = u32_at(e + 12);
		if ((i && address <= last) || !count || count > c->frame_count ||
		    first > c->frame_count - count)
			return MM_ECORRUPT;
		last = address;
	}
	for (uint32_t i = 0; i < c->frame_count; i++) {
		const uint8_t *f = c->frames + (size_t)i * 16;
		if (u32_at(f) >= c->text_bytes || u32_at(f + 4) >= c->text_bytes)
			return MM_ECORRUPT;
	}
	return MM_OK;
}

/* Takes data over. */
static int cache_adopt(struct mm_symcache **ret, const struct mm_symcache_key *key,
		       uint8_t *data, size_t bytes)
{
	struct mm_symcache *c = calloc(1, sizeof *c);

	if (!c) {
		free(data);
		return MM_ENOMEM;
	}
	c->data = data;
	if (key->build_id_len > MM_SYMCACHE_ID_MAX || header_read(c, key, bytes) ||
	    contents_check(c)) {
		mm_symcache_free(c);
		return MM_ECORRUPT;
	}
	*ret = c;
	return MM_OK;
}

int mm_symcache_parse(struct mm_symcache **ret, const struct mm_symcache_key *key,
		      const void *data, size_t bytes)
{
	uint8_t *copy = malloc(bytes ? bytes : 1);

	if (!copy)
		return MM_ENOMEM;
	if (bytes)
		memcpy(copy, data, bytes);
	return cache_adopt(ret, key, copy, bytes);
}

static int read_all(int fd, uint8_t *data, size_t bytes)
{
	for (size_t at = 0; at < bytes;) {
		ssize_t n = read(fd, data + at, bytes - at);
		if (n <= 0)
			return MM_EIO;
		at += (size_t)n;
	}
	return MM_OK;
}

static int file_load(uint8_t **ret, size_t *ret_bytes, int fd)
{
	struct stat st;

	if (fstat(fd, &st) || !S_ISREG(st.st_mode) || st.st_size <= 0 ||
	    st.st_size > MM_SYMCACHE_FILE_MAX)
		return MM_ENOENT;
	size_t bytes = (size_t)st.st_size;
	uint8_t *data = malloc(bytes);
	if (!data)
		return MM_ENOMEM;
	if (read_all(fd, data, bytes)) {
		free(data);
		return MM_ENOENT;
	}
	futimens(fd, NULL); /* used now: mm_symcache_trim takes the others first */
	*ret = data;
	*ret_bytes = bytes;
	return MM_OK;
}

int mm_symcache_load(struct mm_symcache **ret, const struct mm_symcache_key *key)
{
	char path[PATH_MAX];
	uint8_t *data;
	size_t bytes;

	if (mm_symcache_path(path, sizeof path, key))
		return MM_ENOENT;
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	if (fd < 0)
		return MM_ENOENT;
	int err = file_load(&data, &bytes, fd);
	close(fd);
	if (!err)
		err = cache_adopt(ret, key, data, bytes);
	return err == MM_ENOMEM ? err : err ? MM_ENOENT : MM_OK;
}

void mm_symcache_free(struct mm_symcache *c)
{
	if (c) {
		free(c->data);
		free(c);
	}
}

void mm_symcache_get_facts(const struct mm_symcache *c, struct mm_symcache_facts *ret)
{
	*ret = c->facts;
}

size_t mm_symcache_count(const struct mm_symcache *c)
{
	return c->entry_count;
}

size_t mm_symcache_find(const struct mm_symcache *c, uint64_t address)
{
	size_t low = 0, high = c->entry_count;

	while (low < high) {
		size_t mid = low + (high - low) / 2;
		uint64_t at = u64_at(c->entries + mid * 16);
		if (at == address)
			return mid;
		if (at < address)
			low = mid + 1;
		else
			high = mid;
	}
	return SIZE_MAX;
}

void mm_symcache_get(const struct mm_symcache *c, size_t i, struct mm_frame *room,
		     struct mm_symcache_entry *ret)
{
	const uint8_t *e = c->entries + i * 16;
	const uint8_t *f = c->frames + (size_t)u32_at(e + 8) * 16;

	ret->address = u64_at(e);
	ret->count = u32_at(e + 12);
	ret->frames = room;
	for (size_t k = 0; room && k < ret->count; k++, f += 16)
		room[k] = (struct mm_frame){
			.function = c->texts + u32_at(f), .file = c->texts + u32_at(f + 4),
			.line = u32_at(f + 8), .inlined = u32_at(f + 12) != 0,
		};
}
