/* host.h: what this machine offers a recording.
 *
 * Promise: every answer comes from trying the thing itself where that is possible,
 * from what the kernel publishes where it is not; nothing is changed on the machine.
 * Vocabulary: check = one question with its answer; state = what the answer means for
 * recording.
 * Not shared between threads.
 */
#ifndef MM_BASE_HOST_H
#define MM_BASE_HOST_H

#include <stddef.h>

enum mm_check_state {
	MM_CHECK_OK = 0,
	MM_CHECK_NOTE = 1, /* a fact that changes nothing, or only convenience */
	MM_CHECK_WARN = 2, /* recording works, but slower or knowing less */
	MM_CHECK_FAIL = 3  /* recording does not work */
};

struct mm_check {
	const char *group;  /* "kernel", "library", ...; static */
	const char *name;   /* "membarrier"; static */
	enum mm_check_state state;
	char detail[256];   /* what was found */
	char advice[256];   /* what to do; "" = nothing */
};

enum { MM_CHECKS_MAX = 40 };

struct mm_checks {
	size_t count;
	struct mm_check list[MM_CHECKS_MAX];
};

/* "ok", "note", "warning", "failed": static. */
const char *mm_check_state_name(enum mm_check_state state);

/* Adds an answer; texts are cut to fit. Returns it for mm_check_advise. More than
 * MM_CHECKS_MAX overwrite the last. */
struct mm_check *mm_checks_add(struct mm_checks *c, const char *group, const char *name,
			       enum mm_check_state state, const char *format, ...)
	__attribute__((format(printf, 5, 6)));
void mm_check_advise(struct mm_check *check, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* Asks everything; *c is the caller's, zero-initialised. */
void mm_host_kernel(struct mm_checks *c);
void mm_host_library(struct mm_checks *c);
void mm_host_limits(struct mm_checks *c, const char *output_dir);
void mm_host_symbols(struct mm_checks *c);
void mm_host_terminal(struct mm_checks *c);

#endif
