/* lane.h: one thread of a target, from its ring to its queue of entries.
 *
 * Promise: every record published is read once, in order; a segment goes back to the
 * pool only when its writer has left it; a malformed record ends its segment and is
 * counted, nothing more.
 * Vocabulary: drain = move what is published from the ring to the queue; ring, chain,
 * segment as in core/shm.h; revoke = ask an idle thread's segments back.
 * Not shared between threads of the collector.
 */
#ifndef MM_COLLECT_LANE_H
#define MM_COLLECT_LANE_H

#include <stdint.h>

#include "collect/entries.h"
#include "collect/image.h"

enum { MM_LANE_NESTED = 8 /* reallocs of one thread under way at once */ };

struct mm_lane {
	struct mm_image *image;
	struct mm_shm_thread *shared;
	uint32_t slot;       /* in the thread table */
	uint32_t seg;        /* being read; 0 = none yet */
	uint32_t at;         /* bytes of it consumed */
	uint32_t tid;        /* as the process sees it */
	uint32_t number;     /* thread of the stream */
	uint8_t dead;        /* the thread is gone: what is in the ring is all ... */
	uint8_t final;       /* ... and was when it was last drained */
	uint8_t busy;        /* as last seen */
	uint8_t broken;      /* its chain leads nowhere: not read any more */
	uint8_t partial;     /* the last drain left something behind */
	uint8_t revoking;    /* 1 = asked for its segments, 2 = has them all back */
	uint8_t named;       /* readings of its name so far, up to 255 */
	uint64_t last_stamp; /* latest drained */
	uint64_t idle_stamp; /* T of the last round that found it idle */
	uint64_t moved_ns;   /* when something was last drained */
	uint64_t idle_ns;    /* when it was last found idle */
	uint64_t dropped;    /* of the thread's count, already told */
	uint64_t malformed;  /* segments given up */
	uint64_t out_time;
	uint32_t out[MM_LANE_NESTED]; /* slots of free halves whose birth is to come */
	uint32_t out_count;
	struct mm_entries queue;
};

void mm_lane_init(struct mm_lane *l, struct mm_image *image, uint32_t slot);
void mm_lane_deinit(struct mm_lane *l);

/* Drains at most `bytes` of records (at least one segment when there is more).
 * *ret_bytes gets what was read. 0 or MM_ENOMEM, nothing being lost. */
int mm_lane_drain(struct mm_lane *l, uint64_t bytes, uint64_t *ret_bytes);

/* Reads the busy word; before the drain whose result it is to vouch for. */
void mm_lane_look(struct mm_lane *l, uint64_t now_stamp);

/* No entry with a stamp below this will come any more. Only after look and drain, in
 * that order. */
uint64_t mm_lane_bound(const struct mm_lane *l);

/* Step one of taking an idle thread's segments back; before a membarrier. */
void mm_lane_revoke(struct mm_lane *l);

/* Step two, in the rounds after: gives the chain back once it is final. */
void mm_lane_settle_revoke(struct mm_lane *l);

/* The thread is dead and drained: all segments and the thread slot go back. */
void mm_lane_release(struct mm_lane *l);

#endif
