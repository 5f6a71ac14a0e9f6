/* image.h: the memory shared with one program image, as the collector sees it.
 *
 * Promise: whatever a wild program writes into the mapping, the collector reads and
 * writes inside it only: sizes and offsets are its own copies, every number from the
 * other side is checked here.
 * Vocabulary: image, process, segment as in core/shm.h.
 */
#ifndef MM_COLLECT_IMAGE_H
#define MM_COLLECT_IMAGE_H

#include <stdint.h>
#include <sys/types.h>

#include "base/diag.h"
#include "core/shm.h"

struct mm_image {
	void *base;
	uint64_t bytes;
	uint32_t first_seg, seg_count;
	struct mm_shm_control *control;
	struct mm_shm_process *processes; /* MM_SHM_PROCESSES */
	struct mm_shm_thread *threads;    /* MM_SHM_THREADS */
	pid_t pid;            /* of the image itself, as the collector sees it */
	uint32_t hello_pid;   /* as it sees itself */
	uint64_t hello_stamp;
	/* Looked up while the target waits for its welcome, so that a short life is
	 * known too; taken over by the image's process. */
	char *exe, *cmd;      /* NULL = not to be had */
	pid_t ppid;           /* 0 = not known */
	int pidfd;            /* -1 = none */
	int lock_held;
	/* For the collector's main thread: who was found in which slot. */
	void *owner[MM_SHM_PROCESSES];           /* struct mm_proc; NULL = nobody yet */
	uint8_t thread_known[MM_SHM_THREADS / 8];
	uint32_t given;                          /* segments given back since the last wake */
	uint32_t forks, children;                /* forks told of, children found */
	uint64_t empty_ns;                       /* since when nobody is alive, 0 = somebody is */
	struct mm_image *next; /* for whoever keeps a list */
};

struct mm_image_options {
	uint32_t options;    /* enum mm_shm_option */
	uint32_t depth;
	uint32_t clock_kind;
};

/* Makes the memory: *ret_fd is its descriptor, close-on-exec, the caller's. The
 * calling thread holds the robust lock and must be the one to destroy. MM_ENOMEM,
 * MM_ENOSPC, MM_EIO. */
int mm_image_create(struct mm_image **ret, const struct mm_image_options *options,
		    int *ret_fd, struct mm_diag *diag);

/* Tells the targets to stop, wakes those who wait, lets go. NULL is fine. */
void mm_image_destroy(struct mm_image *image);

/* Wakes writers that wait for segments if any have been given back. */
void mm_image_wake_writers(struct mm_image *image);

/* A segment of the pool, NULL when there is no such one. */
static inline struct mm_seg *mm_image_seg(const struct mm_image *i, uint32_t seg)
{
	if (seg < i->first_seg || seg >= i->seg_count)
		return NULL;
	return mm_shm_seg(i->base, seg);
}

/* Copies entry `number` of a process's tables: 0, or MM_ENOENT when there is none. */
int mm_image_node(const struct mm_image *i, uint32_t process, uint32_t number,
		  struct mm_shm_node *ret);
int mm_image_module(const struct mm_image *i, uint32_t process, uint32_t number,
		    struct mm_shm_module *ret);
/* A process has come to its end: its tables' segments go back to the pool and its slot
 * may be claimed again. Its threads' rings must have been given back. */
void mm_image_free_process(struct mm_image *i, uint32_t process);

int mm_image_name(const struct mm_image *i, uint32_t process, uint32_t number,
		  struct mm_shm_name *ret);

#endif
