/* proc.c: lanes to stream (proc.h). */
#include "collect/proc.h"

#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/buf.h"
#include "core/error.h"

enum { KEEP_PLACES = 64 * 1024, KEEP_FEW = 1024, FEW_LANES = 32, HELD_BACK = 4096,
	STUCK_NS = 500 * 1000 * 1000 };

/* --- begin and end --------------------------------------------------------- */

static char *text_of(char *own, const char *otherwise)
{
	return own ? own : strdup(otherwise);
}

/* An image was looked up when it said hello; a forked child is looked up now, if it
 * still lives. */
static int describe(struct mm_proc *p, const struct mm_proc_start *start)
{
	const struct mm_proc *parent = start->parent;

	if (start->start != MM_START_FORK) {
		p->exe = text_of(p->image->exe, "");
		p->cmd = text_of(p->image->cmd, "");
		p->pidfd = p->image->pidfd;
		p->image->exe = p->image->cmd = NULL;
		p->image->pidfd = -1;
	} else {
		p->exe = text_of(NULL, parent ? parent->exe : "");
		p->cmd = text_of(NULL, parent ? parent->cmd : "");
		p->pidfd = start->pid > 0 ? (int)syscall(SYS_pidfd_open, start->pid, 0) : -1;
	}
	return p->exe && p->cmd ? MM_OK : MM_ENOMEM;
}

static int begin_stream(struct mm_proc *p, struct mm_writer *w,
			const struct mm_stampclock *clock, const struct mm_proc_start *start)
{
	uint64_t cursor = 0;
	struct mm_process info = {
		.pid = (uint32_t)start->pid, .ppid = (uint32_t)start->ppid,
		.parent = start->parent ?
			mm_stream_get_process(start->parent->stream)->number + 1 : 0,
		.start = start->start, .end = MM_END_RUNNING,
		.start_time = mm_stampclock_ns(clock, &cursor, start->stamp),
		.end_time = MM_UNKNOWN, .inherited_bytes = MM_UNKNOWN,
		.exe = p->exe, .cmd = p->cmd
	};

	/* It comes after all that was told of the image whose place it took. */
	if (start->start != MM_START_FORK && start->parent && start->parent->execd &&
	    info.start_time < start->parent->exec_time)
		info.start_time = start->parent->exec_time;
	int err = mm_writer_process(w, &info, &p->stream);
	if (err)
		return err;
	mm_resolver_init(&p->resolver, p->stream, start->image, start->slot, clock);
	p->resolver.last_time = info.start_time;
	p->resolver.exe = p->exe;
	return MM_OK;
}

static void free_proc(struct mm_proc *p)
{
	for (size_t i = 0; i < p->lane_count; i++) {
		mm_lane_deinit(p->lanes[i]);
		free(p->lanes[i]);
	}
	if (p->pidfd >= 0)
		close(p->pidfd);
	mm_resolver_deinit(&p->resolver);
	mm_merge_deinit(&p->merge);
	free(p->lanes);
	free(p->queues);
	free(p->module_files);
	free(p->exe);
	free(p->cmd);
	free(p);
}

int mm_proc_create(struct mm_proc **ret, struct mm_writer *w,
		   const struct mm_stampclock *clock, const struct mm_proc_start *start)
{
	struct mm_proc *p = calloc(1, sizeof *p);

	if (!p)
		return MM_ENOMEM;
	p->image = start->image;
	p->slot = start->slot;
	p->pid = start->pid;
	p->fork_stamp = start->fork_stamp;
	p->parent = start->parent;
	p->fork_told = start->start != MM_START_FORK || start->fork_stamp == 0;
	p->pidfd = -1;
	memset(&p->sample, 0xff, sizeof p->sample);
	int err = describe(p, start);
	if (!err)
		err = begin_stream(p, w, clock, start);
	if (err) {
		free_proc(p);
		return err;
	}
	*ret = p;
	return MM_OK;
}

int mm_proc_destroy(struct mm_proc *p, const struct mm_stampclock *clock, uint8_t end,
		    int status, uint64_t now)
{
	if (!p)
		return MM_OK;
	struct mm_process info = *mm_stream_get_process(p->stream);
	(void)clock;
	info.end = end;
	info.status = status;
	info.end_time = end == MM_END_RUNNING ? MM_UNKNOWN : now;
	if (info.end_time < p->resolver.last_time)
		info.end_time = p->resolver.last_time;
	int err = mm_stream_process(p->stream, &info);
	int err2 = mm_stream_close(p->stream);
	free_proc(p);
	return err ? err : err2;
}

/* --- lanes --------------------------------------------------------------------- */

int mm_proc_add_lane(struct mm_proc *p, uint32_t slot)
{
	struct mm_lane *l = malloc(sizeof *l);
	uint64_t cursor = 0;

	if (!l || MM_GROW(p->lanes, p->lanes_cap, p->lane_count + 1) ||
	    MM_GROW(p->queues, p->queues_cap, p->lane_count + 1)) {
		free(l);
		return MM_ENOMEM;
	}
	mm_lane_init(l, p->image, slot);
	char name[16] = "";
	struct mm_thread t = { .tid = l->tid, .name = name,
		.start_time = mm_stampclock_ns(p->resolver.clock, &cursor,
					       l->shared->start_stamp) };
	memcpy(name, l->shared->name, sizeof name - 1);
	/* A thread that outlived its number (its process has exec'd or its id is
	 * taken by a newer thread) is dead. */
	for (size_t i = 0; i < p->lane_count; i++)
		if (p->lanes[i]->tid == l->tid)
			p->lanes[i]->dead = 1;
	int err = mm_stream_thread(p->stream, &t, &l->number);
	if (err) {
		free(l);
		return err;
	}
	p->lanes[p->lane_count] = l;
	p->queues[p->lane_count++] = &l->queue;
	return MM_OK;
}

int mm_proc_drain(struct mm_proc *p, uint64_t stamp, int room)
{
	uint64_t bytes, now = mm_monotonic_ns();
	int err = MM_OK;

	p->drained = 0;
	p->starved = !room;
	for (size_t i = 0; i < p->lane_count; i++) {
		struct mm_lane *l = p->lanes[i];
		l->dead |= p->gone;
		mm_lane_look(l, stamp);
		if (!l->busy)
			l->idle_ns = now;
		if (!room && mm_entries_count(&l->queue) > HELD_BACK) {
			l->partial = 1;
			continue;
		}
		/* One that died while it was asked may have started afresh before. */
		if (l->dead)
			mm_lane_settle_revoke(l);
		int e = mm_lane_drain(l, UINT64_MAX, &bytes);
		if (bytes > p->drained)
			p->drained = bytes;
		if (bytes)
			l->moved_ns = mm_monotonic_ns();
		err = err ? err : e;
	}
	return err;
}

/* --- merging ------------------------------------------------------------------- */

/* A thread may stay inside one call (a realloc that waits for another thread) until
 * the queues are full of what comes after it; then the others would wait for it, and it
 * perhaps for them. It is overtaken: what it publishes in the end gets a later time. */
static int is_stuck(const struct mm_lane *l, uint64_t now)
{
	uint64_t since = l->moved_ns > l->idle_ns ? l->moved_ns : l->idle_ns;

	return l->busy && !l->partial && mm_entries_count(&l->queue) == 0 &&
	       now - since > STUCK_NS;
}

static uint64_t lowest_bound(const struct mm_proc *p, uint64_t stamp)
{
	uint64_t now = p->starved ? mm_monotonic_ns() : 0;
	/* A thread that nobody has seen yet stamps after T; alone, after what it has
	 * published. */
	uint64_t bound = p->lane_count > 1 && !p->gone ? stamp : UINT64_MAX;

	for (size_t i = 0; i < p->lane_count; i++) {
		uint64_t b = mm_lane_bound(p->lanes[i]);
		if (p->starved && is_stuck(p->lanes[i], now))
			continue;
		bound = b < bound ? b : bound;
	}
	return bound;
}

static int tell_lost(struct mm_proc *p, uint32_t thread, uint64_t count, uint64_t now)
{
	struct mm_event ev = { .kind = MM_EV_LOST, .thread = thread, .slot = MM_NO_SLOT,
		.other = MM_NO_SLOT, .time = now, .value = (int64_t)count };

	p->lost += count;
	return mm_resolver_tell(&p->resolver, &ev);
}

static int tell_losses(struct mm_proc *p, uint64_t now)
{
	int err = MM_OK;

	for (size_t i = 0; i < p->lane_count; i++) {
		struct mm_lane *l = p->lanes[i];
		uint64_t n = atomic_load_explicit(&l->shared->dropped, memory_order_relaxed);
		if (n > l->dropped) {
			int e = tell_lost(p, l->number, n - l->dropped, now);
			err = err ? err : e;
			l->dropped = n;
		}
	}
	uint64_t n = atomic_load_explicit(&p->image->processes[p->slot].dropped,
					  memory_order_relaxed);
	if (n > p->dropped) {
		int e = tell_lost(p, MM_NO_THREAD, n - p->dropped, now);
		err = err ? err : e;
		p->dropped = n;
	}
	return err;
}

static int end_lane(struct mm_proc *p, struct mm_lane *l, uint64_t now)
{
	struct mm_event ev = { .kind = MM_EV_THREAD_END, .thread = l->number,
		.slot = MM_NO_SLOT, .other = MM_NO_SLOT, .time = now };

	p->malformed += l->malformed;
	p->image->thread_known[l->slot / 8] &= (uint8_t)~(1u << l->slot % 8);
	mm_lane_release(l);
	mm_lane_deinit(l);
	free(l);
	return mm_resolver_tell(&p->resolver, &ev);
}

/* Dead and empty lanes go; queues that are empty give up memory. */
static int tidy(struct mm_proc *p, uint64_t now)
{
	size_t kept = 0, keep = p->lane_count > FEW_LANES ? KEEP_FEW : KEEP_PLACES;
	int err = MM_OK;

	for (size_t i = 0; i < p->lane_count; i++) {
		struct mm_lane *l = p->lanes[i];
		if (mm_entries_count(&l->queue) == 0) {
			mm_entries_clear(&l->queue, keep);
			if (l->final && !l->partial) {
				int e = end_lane(p, l, now);
				err = err ? err : e;
				continue;
			}
		}
		p->lanes[kept] = l;
		p->queues[kept++] = &l->queue;
	}
	p->lane_count = kept;
	return err;
}

int mm_proc_merge(struct mm_proc *p, uint64_t stamp, int last)
{
	uint64_t bound = last ? UINT64_MAX : lowest_bound(p, stamp), cursor = 0;
	int err = MM_OK;

	if (p->unsettled && !last)
		return MM_OK;
	if (p->lane_count)
		err = mm_merge_run(&p->merge, p->queues, p->lane_count, bound,
				   mm_resolver_take, &p->resolver);
	if (bound != UINT64_MAX && bound > p->bound)
		p->bound = bound;
	uint64_t now = mm_stampclock_ns(p->resolver.clock, &cursor, p->bound);
	if (p->execd && now > p->exec_time)
		now = p->exec_time;
	int e = tell_losses(p, now);
	err = err ? err : e;
	e = tidy(p, now);
	return err ? err : e;
}

uint64_t mm_proc_queued(const struct mm_proc *p)
{
	uint64_t n = 0;

	for (size_t i = 0; i < p->lane_count; i++)
		n += p->lanes[i]->queue.cap * sizeof(struct mm_entry);
	return n;
}
