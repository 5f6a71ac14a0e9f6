/* family.h: all processes of a recording: who is there, who has gone, what became.
 *
 * Promise: each process that says hello or claims a slot after a fork is found before
 * anything of it is merged, and is ended once, after its last event.
 * Vocabulary: process, image as elsewhere; ended = its stream is closed.
 * Main thread of the collector only.
 */
#ifndef MM_COLLECT_FAMILY_H
#define MM_COLLECT_FAMILY_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "collect/image.h"
#include "collect/proc.h"
#include "collect/server.h"
#include "collect/stampclock.h"
#include "trace/writer.h"

enum { MM_FAMILY_LISTED = 64 };

struct mm_family_other { /* a process that is listed as not recorded */
	pid_t pid;
	char cmd[120];
};

/* Caller's memory. */
struct mm_family {
	struct mm_writer *writer;
	struct mm_server *server;
	struct mm_stampclock *clock;
	struct mm_image **images;
	size_t image_count, images_cap;
	struct mm_proc **procs;
	size_t proc_count, procs_cap;
	pid_t command;
	int command_status, command_gone; /* wait status, when gone */
	/* called with each process just before it is closed */
	void (*closing)(void *ctx, struct mm_proc *p);
	void *closing_ctx;
	const struct mm_listener *listener; /* NULL = none; of every process */
	uint64_t lost, malformed;         /* of processes that have ended */
	uint32_t started;                 /* processes ever found */
	struct mm_family_other listed[MM_FAMILY_LISTED];
	uint32_t listed_count;            /* may exceed the room, then the first are kept */
};

void mm_family_init(struct mm_family *f, struct mm_writer *w, struct mm_server *s,
		    struct mm_stampclock *clock);

/* Gives all images back; processes must have been ended. */
void mm_family_deinit(struct mm_family *f);

/* Takes in new images and processes. An image of a known process means that the
 * process has exec'd: the old one is marked gone. */
int mm_family_scan(struct mm_family *f);

/* Takes in threads that have appeared. Sets mm_proc.unsettled of their processes
 * when `late`, after a drain, clears it otherwise. */
int mm_family_scan_threads(struct mm_family *f, int late);

/* Marks processes gone that have died. */
void mm_family_look(struct mm_family *f);

/* The process runs another program now, which is not recorded: it is ended as by exec,
 * and the new program listed. */
int mm_family_lose(struct mm_family *f, struct mm_proc *p);

/* Lists a process that is not recorded: a child of process `parent` - 1, 0 = unknown,
 * first seen at `ns` (CLOCK_MONOTONIC). */
int mm_family_list(struct mm_family *f, pid_t pid, uint32_t parent, uint64_t ns);

/* 1 when this process is listed. */
int mm_family_has_listed(const struct mm_family *f, pid_t pid);

/* Ends processes that are gone and drained; all of them when `all`. Lets images go
 * that nobody needs. */
int mm_family_end(struct mm_family *f, int all);

/* True while there were more forks than children have been found. */
int mm_family_expects(const struct mm_family *f);

/* The recorded process with this pid, NULL = none. */
struct mm_proc *mm_family_find(const struct mm_family *f, pid_t pid);

#endif
