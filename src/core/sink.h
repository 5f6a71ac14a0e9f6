/* sink.h: where the engine tells what becomes of its pools and slabs.
 *
 * Promise: empty by default, and then nothing is told and nothing costs more than a load and
 * a branch where slabs come and go; whoever fills it fills it for the process. A program may
 * carry the library that tells for years: members are only ever added, `size` says which
 * are there.
 * Vocabulary
 *   pool    blocks of one kind; its number comes from whoever listens, is never 0 and never
 *           given twice in a process
 *   slab    what a pool cuts into blocks
 *   block   what a pool hands out; only pools of a program tell of theirs. An engine under a
 *           program's malloc tells of slabs alone: its blocks are seen where malloc is
 * What is told may stand still for a while (there is no room for it): callers may hold locks
 * of the engine, which whoever listens never takes. Any thread; not in a signal handler.
 * Never: that telling fails, or that it changes errno.
 */
#ifndef MM_CORE_SINK_H
#define MM_CORE_SINK_H

#include <stddef.h>
#include <stdint.h>

enum mm_sink_flag {
	MM_SINK_AGAIN = 1u << 0,  /* told before, by the process that this was forked from */
	MM_SINK_MALLOC = 1u << 1  /* under malloc: blocks are not told */
};

struct mm_sink {
	size_t size;
	/* number 0 = a pool that is new: its number is returned. Else what is said of it is
	 * new; with MM_SINK_AGAIN `live` is how many blocks are live now. block_bytes 0 = of
	 * all sizes. category NULL = whatever was pushed by mm_note.h. */
	uint32_t (*pool)(uint32_t number, const char *name, const char *category,
			 uint64_t block_bytes, uint64_t live, uint32_t flags);
	void (*pool_end)(uint32_t pool);
	/* bytes: of its pages in use, which are more or less later; blocks that it can have. */
	void (*slab)(uint32_t pool, uint64_t addr, uint64_t bytes, uint64_t blocks);
	void (*slab_size)(uint32_t pool, uint64_t addr, uint64_t bytes, uint64_t before);
	void (*slab_end)(uint32_t pool, uint64_t addr, uint64_t bytes, uint64_t blocks);
	/* A block was handed out, of a category of its own if not NULL; is about to be taken
	 * back; is now at another address. */
	void (*alloc)(uint32_t pool, uint64_t block, uint64_t bytes, const char *category);
	void (*free)(uint32_t pool, uint64_t block);
	void (*move)(uint32_t pool, uint64_t from, uint64_t to);
	/* Where in space a block that was handed out belongs. */
	void (*key)(uint32_t pool, uint64_t block, uint64_t key);
};

/* What a recorder exports: its sink, or NULL where this process is not recorded. */
#define MM_SINK_ENTRY "mmprof_sink_v1"
typedef const struct mm_sink *mm_sink_entry(void);

/* NULL = nobody listens. Set once, before the first pool. */
extern const struct mm_sink *mm_sink __attribute__((visibility("hidden")));

#endif
