/* symcache_file.h: what reading (symcache.c) and writing (symcache_write.c) of cache files
 * share. */
#ifndef MM_SYMBOL_SYMCACHE_FILE_H
#define MM_SYMBOL_SYMCACHE_FILE_H

#include <stddef.h>

#include "symbol/symcache.h"

#define MM_SYMCACHE_MAGIC "mmsyms\r\n"

enum {
	MM_SYMCACHE_VERSION = 1,
	MM_SYMCACHE_HEADER = 72,
	MM_SYMCACHE_ID_MAX = 32,
	MM_SYMCACHE_FILE_MAX = 64 << 20 /* bytes; more is not kept */
};

/* The folder, without making it; MM_ENOENT without a home. */
int mm_symcache_folder(char *buf, size_t size);

/* Path of a build's file. MM_ENOENT. */
int mm_symcache_path(char *buf, size_t size, const struct mm_symcache_key *key);

#endif
