/* fuzz_symcache.c: any bytes as a file of the symbol cache, with and without a checksum
 * that holds.
 *
 * What is accepted can be read back whole: every entry is found at its address and all
 * texts end.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "core/crc32c.h"
#include "symbol/symcache.h"
#include "symbol/symcache_file.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const uint8_t id[4] = { 1, 2, 3, 4 };
static const struct mm_symcache_key key = { id, sizeof id, 0 };

static void read_back(struct mm_symcache *c)
{
	struct mm_symcache_entry e;
	size_t texts = 0;

	for (size_t i = 0; i < mm_symcache_count(c); i++) {
		mm_symcache_get(c, i, NULL, &e);
		struct mm_frame *room = calloc(e.count, sizeof *room);
		if (!room)
			return;
		mm_symcache_get(c, i, room, &e);
		for (size_t k = 0; k < e.count && texts < 10000; k++, texts++)
			if (strlen(room[k].function) + strlen(room[k].file) > SIZE_MAX / 2)
				abort();
		free(room);
		if (mm_symcache_find(c, e.address) != i)
			abort();
	}
}

static void try_parse(const uint8_t *data, size_t size)
{
	struct mm_symcache *c;

	if (mm_symcache_parse(&c, &key, data, size))
		return;
	read_back(c);
	mm_symcache_free(c);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	try_parse(data, size);
	if (size < MM_SYMCACHE_HEADER)
		return 0;
	uint8_t *copy = malloc(size);
	if (!copy)
		return 0;
	memcpy(copy, data, size);
	memcpy(copy, MM_SYMCACHE_MAGIC, 8);
	copy[8] = MM_SYMCACHE_VERSION;
	copy[9] = copy[10] = copy[11] = 0;
	copy[29] = sizeof id;
	memcpy(copy + 36, id, sizeof id);
	uint32_t crc = mm_crc32c(0, copy + 16, size - 16);
	for (int i = 0; i < 4; i++)
		copy[12 + i] = (uint8_t)(crc >> 8 * i);
	try_parse(copy, size);
	free(copy);
	return 0;
}
