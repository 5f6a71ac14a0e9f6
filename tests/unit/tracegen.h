/* tracegen.h: deterministic streams of events of every kind, written as a trace, with a
 * shadow model that knows what a reader must find. The shadow shares no code with
 * src/trace: its slots, totals and temporaries follow from the definitions alone.
 */
#ifndef MM_TEST_TRACEGEN_H
#define MM_TEST_TRACEGEN_H

#include <stddef.h>
#include <stdint.h>

#include "trace/event.h"
#include "trace/objects.h"
#include "trace/writer.h"

enum { TG_THREADS = 5, TG_SITES = 60 };

struct tg_object {
	uint64_t addr, size, time;
	uint32_t site, thread;
	uint64_t number; /* births before it in the process */
};

struct tg {
	uint64_t state;          /* of the random numbers */
	struct mm_writer *w;
	struct mm_stream *s;
	int no_addresses;
	uint64_t resolution, now;
	/* what was given, as a reader must see it */
	struct mm_event *events;
	size_t count, cap;
	struct mm_totals totals;
	/* the shadow */
	struct tg_object *objects;   /* by slot */
	uint8_t *live;
	uint32_t *live_slots;        /* slots alive, any order */
	uint32_t live_count;
	uint32_t *stack, stack_len, high, slot_cap;
	uint64_t births, last_birth[TG_THREADS]; /* number + 1 of the thread's last */
	uint64_t bump;
};

uint64_t tg_random(struct tg *g);
uint64_t tg_below(struct tg *g, uint64_t n);

/* A stream of w with threads, modules and sites defined. */
void tg_begin(struct tg *g, struct mm_writer *w, uint64_t seed, const char *command);

/* One more event, or a realloc's two. */
void tg_step(struct tg *g);
void tg_end(struct tg *g);

/* Options that both sides of a test use. */
struct mm_writer_options tg_options(void);

/* Writes a trace of `events` events at path, a chunk every `per_chunk` (0 = as full as
 * they get), and leaves the shadow in *g, its writer closed. */
void tg_write(struct tg *g, const char *path, uint64_t seed, size_t events, size_t per_chunk,
	      const struct mm_writer_options *options);

/* A whole file in memory (malloc). */
uint8_t *tg_load(const char *path, size_t *ret_len);

/* A fresh name in $TMPDIR or /tmp: malloc. No file is there. */
char *tg_path(const char *name);

#endif
