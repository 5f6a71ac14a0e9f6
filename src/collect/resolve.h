/* resolve.h: one process's merged entries become events of its stream.
 *
 * Promise: every address becomes a slot; a birth at a live address first closes the old
 * object (implied); a death of an address never born here is inherited; nodes become
 * sites, with their modules and categories, before the first event that names them.
 * Vocabulary: half = one of the two entries of a realloc.
 * Not shared between threads.
 */
#ifndef MM_COLLECT_RESOLVE_H
#define MM_COLLECT_RESOLVE_H

#include <stddef.h>
#include <stdint.h>

#include "collect/addrs.h"
#include "collect/image.h"
#include "collect/listener.h"
#include "collect/merging.h"
#include "collect/stampclock.h"
#include "trace/writer.h"

struct mm_resolver_fork {
	uint64_t stamp, live_bytes;
};

/* Caller's memory; opened by mm_resolver_init. */
struct mm_resolver {
	struct mm_stream *stream;
	const struct mm_image *image;
	uint32_t process;              /* slot in the image */
	const struct mm_stampclock *clock;
	uint64_t cursor, last_time;
	struct mm_addrs addrs;
	uint32_t *sites;   /* by node; 0 = not yet */
	size_t sites_cap;
	uint32_t *modules; /* by module number; 0 = not yet */
	size_t modules_cap;
	uint32_t *names;   /* by name number; 0 = not yet */
	size_t names_cap;
	const char *exe;   /* path of the main program; the caller's */
	struct mm_resolver_fork *forks; /* taken by this process, latest last */
	size_t fork_count, forks_cap;
	uint32_t forks_seen;            /* ever */
	uint64_t mapped_bytes;          /* by recorded map and unmap */
	const struct mm_listener *listener; /* NULL = nobody listens */
	uint32_t number;                /* of the process in the trace */
	struct mm_event ev;             /* scratch */
};

void mm_resolver_init(struct mm_resolver *r, struct mm_stream *stream,
		      const struct mm_image *image, uint32_t process,
		      const struct mm_stampclock *clock);
void mm_resolver_deinit(struct mm_resolver *r);

/* A mm_merge_sink with the resolver as ctx; owners are struct mm_lane. Entries in one
 * call and from call to call come in order. 0 or MM_ENOMEM. */
int mm_resolver_take(void *resolver, const struct mm_merged *batch, size_t count);

/* Gives the stream an event of a kind from MM_EV_OTHER up that no target wrote, not
 * before the last one taken; ev->time is raised where it must be. */
int mm_resolver_tell(struct mm_resolver *r, struct mm_event *ev);

/* Live bytes at the fork with this stamp; MM_UNKNOWN when it is not (yet) known. */
uint64_t mm_resolver_fork_bytes(const struct mm_resolver *r, uint64_t stamp);

/* Site of a node, making it and what it stands on; 0 where the node cannot be read. */
uint32_t mm_resolver_site(struct mm_resolver *r, uint32_t node);

#endif
