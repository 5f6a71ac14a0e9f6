/* collector.h: records one run of a program into a trace.
 *
 * Promise: the program behaves as without us; what it published is
 * written, in order, even when it is killed; nothing that happens to the trace harms
 * the program.
 * Vocabulary: command = the process started, as opposed to its descendants; round = one
 * turn of the loop: drain, merge, write.
 * One at a time in a process (signals). Never prints.
 */
#ifndef MM_COLLECT_COLLECTOR_H
#define MM_COLLECT_COLLECTOR_H

#include <stdint.h>
#include <sys/types.h>

#include "base/diag.h"
#include "collect/listener.h"
#include "trace/writer.h"

/* What a status line may show; of all processes together where not said otherwise. */
struct mm_collect_status {
	uint64_t elapsed_ns, events, lost, live_bytes, trace_bytes;
	uint32_t processes; /* now alive and recorded */
};

struct mm_collect_options {
	const char *path;       /* of the program, from mm_launch_find */
	char *const *argv;
	const char *preload;
	const char *behind;     /* launch.h */
	void (*in_child)(void *ctx);
	void *in_child_ctx;
	uint32_t shm_options;   /* enum mm_shm_option */
	uint32_t depth;
	int wait_all;           /* stay until every recorded descendant has ended */
	/* Called about twice a second, and once at the end of the run. May be NULL. */
	void (*show)(void *ctx, const struct mm_collect_status *status);
	void *show_ctx;
	void (*started)(void *ctx, pid_t command); /* the command runs. May be NULL. */
	void *started_ctx;
	const struct mm_listener *listener; /* NULL = none */
};

enum { MM_COLLECT_LISTED = 16 };

/* A process that was seen and not recorded, or that still runs. */
struct mm_collect_other {
	pid_t pid;
	int recorded; /* still running, recorded up to now */
	char cmd[120];
};

struct mm_collect_result {
	int started;            /* the program ran: status is its */
	int status;             /* exit status, or 128 + signal */
	int signal;             /* 0 = it exited by itself */
	uint64_t duration_ns;   /* of the command */
	uint64_t events, lost, malformed;
	uint32_t processes;
	/* of the command's own process (the last program it exec'd) */
	uint32_t process;
	struct mm_totals totals;
	uint64_t rss_peak_bytes, unaccounted_bytes, rss_at_unaccounted;
	char cause[160];        /* likely cause of what is unaccounted, "" = none */
	uint32_t other_count;   /* may exceed MM_COLLECT_LISTED */
	struct mm_collect_other others[MM_COLLECT_LISTED];
	uint32_t unrecorded;    /* of those, never recorded */
};

/* Starts the program and records until it ends. The trace is neither opened nor closed
 * here. MM_ENOENT, MM_EPERM: it could not be executed (127, 126). Other errors: ours; when
 * ret->started is set the program has run nevertheless and its status counts. */
int mm_collect(struct mm_writer *w, const struct mm_collect_options *options,
	       struct mm_collect_result *ret, struct mm_diag *diag);

#endif
