/* proc.h: one process that is being recorded.
 *
 * Promise: what its threads published reaches its stream once, in order.
 * Vocabulary: process, image, lane, bound as elsewhere; round = one drain and merge.
 * Not shared between threads of the collector.
 */
#ifndef MM_COLLECT_PROC_H
#define MM_COLLECT_PROC_H

#include <stdint.h>
#include <sys/types.h>

#include "collect/image.h"
#include "collect/lane.h"
#include "collect/merging.h"
#include "collect/resolve.h"
#include "collect/stampclock.h"
#include "trace/writer.h"

struct mm_proc {
	struct mm_image *image;
	uint32_t slot;          /* in the image's process table */
	pid_t pid;              /* as the collector sees it; 0 = not known */
	int pidfd;              /* -1 = none */
	uint64_t gone_ns;       /* when it was found gone; 0 = it is not */
	uint8_t gone;           /* the process is dead or has exec'd: rings are final */
	uint8_t execd;          /* gone by exec */
	uint64_t exec_time;     /* of the trace, if so: nothing of it is later */
	uint8_t unsettled;      /* a thread was found after the last drain */
	uint8_t fork_told;      /* inherited bytes are known or never will be */
	uint64_t fork_stamp;
	struct mm_proc *parent; /* that forked it, NULL = exec'd; may be gone: see number */
	struct mm_stream *stream;
	struct mm_resolver resolver;
	struct mm_merge merge;
	struct mm_lane **lanes;
	struct mm_entries **queues; /* of the lanes, in the same order */
	size_t lane_count, lanes_cap, queues_cap;
	uint64_t bound;         /* merged so far */
	uint64_t dropped;       /* of the process's count, already told */
	uint64_t lost, malformed; /* events told as lost; segments given up */
	uint64_t drained;       /* bytes in the latest round */
	int starved;            /* the queues were full in it */
	char *exe, *cmd;
	struct mm_sample sample; /* latest; all MM_UNKNOWN until then */
	uint64_t peak_anon_excess; /* largest anonymous memory not explained */
	uint64_t rss_at_excess;
	int status_known, status; /* wait status of one that is gone */
	uint8_t strange;        /* looks in a row that did not find our memory mapped */
	uint64_t *module_files; /* by module: inode + 1 at the last look, 0 = none */
	size_t module_files_cap;
};

struct mm_proc_start {
	struct mm_image *image;
	uint32_t slot;
	pid_t pid, ppid;
	uint8_t start;            /* enum mm_process_start */
	struct mm_proc *parent;   /* NULL = none recorded */
	uint64_t stamp, fork_stamp;
};

/* Begins its stream. 0, MM_ENOMEM, or the writer's. */
int mm_proc_create(struct mm_proc **ret, struct mm_writer *w,
		   const struct mm_stampclock *clock, const struct mm_proc_start *start);

/* Closes the stream: its end is `end`, time `now`. NULL is fine. */
int mm_proc_destroy(struct mm_proc *p, const struct mm_stampclock *clock, uint8_t end,
		    int status, uint64_t now);

/* A thread slot of the image that belongs to this process. */
int mm_proc_add_lane(struct mm_proc *p, uint32_t slot);

/* Looks and drains, everything or, when `room` is 0, only lanes that hold back the
 * others. stamp = T, taken before the barrier. */
int mm_proc_drain(struct mm_proc *p, uint64_t stamp, int room);

/* Merges up to the bound, tells losses, lets dead threads go. `last`: there will be no
 * other round. */
int mm_proc_merge(struct mm_proc *p, uint64_t stamp, int last);

/* Bytes of memory in queues. */
uint64_t mm_proc_queued(const struct mm_proc *p);

#endif
