/* family.c: finds and ends processes (family.h). */
#include "collect/family.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "base/buf.h"
#include "collect/procfs.h"
#include "core/error.h"

#define LINGER_NS UINT64_C(500000000)

void mm_family_init(struct mm_family *f, struct mm_writer *w, struct mm_server *s,
		    struct mm_stampclock *clock)
{
	memset(f, 0, sizeof *f);
	f->writer = w;
	f->server = s;
	f->clock = clock;
}

void mm_family_deinit(struct mm_family *f)
{
	for (size_t i = 0; i < f->image_count; i++)
		mm_server_retire(f->server, f->images[i]);
	free(f->images);
	free(f->procs);
	memset(f, 0, sizeof *f);
}

struct mm_proc *mm_family_find(const struct mm_family *f, pid_t pid)
{
	for (size_t i = f->proc_count; i-- > 0;)
		if (f->procs[i]->pid == pid && !f->procs[i]->gone)
			return f->procs[i];
	return NULL;
}

/* --- coming ------------------------------------------------------------------- */

static int take_in(struct mm_family *f, const struct mm_proc_start *start)
{
	struct mm_proc *p;

	if (MM_GROW(f->procs, f->procs_cap, f->proc_count + 1))
		return MM_ENOMEM;
	int err = mm_proc_create(&p, f->writer, f->clock, start);
	if (err)
		return err;
	p->resolver.listener = f->listener;
	f->procs[f->proc_count++] = p;
	f->started++;
	start->image->owner[start->slot] = p;
	start->image->empty_ns = 0;
	return MM_OK;
}

/* All that the old image did was before. What was told of it may have been given a later
 * time, which its successor then starts at. */
static void leave_by_exec(struct mm_proc *p, uint64_t time)
{
	p->gone = p->execd = 1;
	p->exec_time = time > p->resolver.last_time ? time : p->resolver.last_time;
}

/* The one whose memory an image takes over. It may have been found dead meanwhile, if what
 * it became has ended since; its number is not given out again so soon. */
static struct mm_proc *find_before(const struct mm_family *f, pid_t pid)
{
	struct mm_proc *alive = mm_family_find(f, pid);

	for (size_t i = f->proc_count; !alive && i-- > 0;)
		if (f->procs[i]->pid == pid && !f->procs[i]->execd)
			return f->procs[i];
	return alive;
}

/* What was learnt of its end is the end of what it has become. */
static void hand_on_end(const struct mm_proc *before, struct mm_proc *p)
{
	p->gone = 1;
	p->status_known = before->status_known;
	p->status = before->status;
}

/* The image's own process: what said hello. */
static int take_in_image(struct mm_family *f, struct mm_image *image)
{
	struct mm_proc *before = find_before(f, image->pid);
	int has_ended = before && before->gone;
	struct mm_proc_start start = { .image = image, .pid = image->pid,
		.ppid = image->ppid, .stamp = image->hello_stamp };

	/* Stamps after the last anchor have no time of their own. */
	mm_stampclock_tick(f->clock);
	if (before) {
		uint64_t cursor = 0;
		leave_by_exec(before, mm_stampclock_ns(f->clock, &cursor, image->hello_stamp));
		start.parent = before;
	} else if (start.ppid) {
		start.parent = mm_family_find(f, start.ppid);
	}
	start.start = f->started == 0 ? MM_START_COMMAND : MM_START_EXEC;
	int err = take_in(f, &start);
	if (!err && has_ended)
		hand_on_end(before, f->procs[f->proc_count - 1]);
	return err;
}

static int take_in_child(struct mm_family *f, struct mm_image *image, uint32_t slot)
{
	const struct mm_shm_process *s = &image->processes[slot];
	uint32_t parent = s->parent - 1;
	struct mm_proc_start start = { .image = image, .slot = slot,
		.pid = (pid_t)s->pid, .ppid = (pid_t)s->ppid, .start = MM_START_FORK,
		.stamp = s->start_stamp, .fork_stamp = s->fork_stamp };

	if (parent < MM_SHM_PROCESSES)
		start.parent = image->owner[parent];
	/* In a pid namespace of its own it has another number for us. */
	if ((uint32_t)image->pid != image->hello_pid)
		start.pid = start.parent ? mm_procfs_find_child(start.parent->pid, start.pid) : 0;
	image->children++;
	return take_in(f, &start);
}

static int scan_image(struct mm_family *f, struct mm_image *image)
{
	uint32_t n = atomic_load(&image->control->process_next);
	int err = MM_OK;

	n = n < MM_SHM_PROCESSES ? n : MM_SHM_PROCESSES;
	for (uint32_t slot = 1; !err && slot < n; slot++) {
		uint32_t state = image->owner[slot] ? MM_PROC_DONE :
			atomic_load_explicit(&image->processes[slot].state,
					     memory_order_acquire);
		if (state == MM_PROC_LIVE)
			err = take_in_child(f, image, slot);
	}
	return err;
}

static int scan_images(struct mm_family *f)
{
	int err = MM_OK;

	for (size_t i = 0; !err && i < f->image_count; i++)
		err = scan_image(f, f->images[i]);
	return err;
}

static int add_image(struct mm_family *f, struct mm_image *image)
{
	/* It may have been forked and have execed since the others were looked at. */
	int err = find_before(f, image->pid) ? MM_OK : scan_images(f);

	if (!err)
		err = MM_GROW(f->images, f->images_cap, f->image_count + 1);
	if (err) {
		mm_server_retire(f->server, image);
		return err;
	}
	f->images[f->image_count++] = image;
	err = take_in_image(f, image);
	return err ? err : scan_image(f, image);
}

int mm_family_scan(struct mm_family *f)
{
	struct mm_image *image;
	int err = scan_images(f);

	while (!err && (image = mm_server_next(f->server)))
		err = add_image(f, image);
	return err;
}

static int scan_image_threads(struct mm_image *image, int late)
{
	uint32_t n = atomic_load(&image->control->thread_next);

	n = n < MM_SHM_THREADS ? n : MM_SHM_THREADS;
	for (uint32_t slot = 0; slot < n; slot++) {
		if (image->thread_known[slot / 8] & 1u << slot % 8)
			continue;
		struct mm_shm_thread *t = &image->threads[slot];
		if (atomic_load_explicit(&t->state, memory_order_acquire) != MM_THREAD_LIVE)
			continue;
		struct mm_proc *p = t->process < MM_SHM_PROCESSES ? image->owner[t->process]
								  : NULL;
		if (!p)
			continue;
		if (mm_proc_add_lane(p, slot))
			return MM_ENOMEM;
		image->thread_known[slot / 8] |= (uint8_t)(1u << slot % 8);
		p->unsettled |= (uint8_t)late;
	}
	return MM_OK;
}

int mm_family_scan_threads(struct mm_family *f, int late)
{
	int err = MM_OK;

	for (size_t i = 0; !late && i < f->proc_count; i++)
		f->procs[i]->unsettled = 0;
	for (size_t i = 0; !err && i < f->image_count; i++)
		err = scan_image_threads(f->images[i], late);
	return err;
}

/* --- going ---------------------------------------------------------------------- */

static int is_dead(const struct mm_proc *p)
{
	struct pollfd fd = { p->pidfd, POLLIN, 0 };

	if (p->pidfd >= 0)
		return poll(&fd, 1, 0) > 0;
	return p->pid > 0 && kill(p->pid, 0) && errno == ESRCH;
}

void mm_family_look(struct mm_family *f)
{
	for (size_t i = 0; i < f->proc_count; i++) {
		struct mm_proc *p = f->procs[i];
		if (p->gone || !(is_dead(p) || (f->command_gone && p->pid == f->command)))
			continue;
		p->gone = 1;
		if (p->pid > 0)
			p->status_known = !mm_procfs_status(p->pid, p->pidfd, &p->status);
	}
}

int mm_family_list(struct mm_family *f, pid_t pid, uint32_t parent, uint64_t ns)
{
	struct mm_stream *stream;
	struct mm_procfs_state state = { 0 };
	char *exe = mm_procfs_exe(pid), *cmd = mm_procfs_cmd(pid);

	mm_procfs_state(pid, &state);
	struct mm_process info = { .pid = (uint32_t)pid, .ppid = (uint32_t)state.ppid,
		.parent = parent, .start = MM_START_UNRECORDED, .end = MM_END_UNKNOWN,
		.start_time = ns > f->clock->start_ns ? ns - f->clock->start_ns : 0,
		.end_time = MM_UNKNOWN, .inherited_bytes = MM_UNKNOWN,
		.exe = exe ? exe : "", .cmd = cmd ? cmd : "" };
	int err = mm_writer_process(f->writer, &info, &stream);
	if (!err)
		err = mm_stream_close(stream);
	if (f->listed_count < MM_FAMILY_LISTED) {
		struct mm_family_other *o = &f->listed[f->listed_count];
		o->pid = pid;
		snprintf(o->cmd, sizeof o->cmd, "%s", cmd ? cmd : "?");
	}
	f->listed_count++;
	free(exe);
	free(cmd);
	return err;
}

int mm_family_has_listed(const struct mm_family *f, pid_t pid)
{
	for (uint32_t i = 0; i < f->listed_count && i < MM_FAMILY_LISTED; i++)
		if (f->listed[i].pid == pid)
			return 1;
	return 0;
}

int mm_family_lose(struct mm_family *f, struct mm_proc *p)
{
	uint64_t now = mm_monotonic_ns();

	leave_by_exec(p, now > f->clock->start_ns ? now - f->clock->start_ns : 0);
	return mm_family_list(f, p->pid, mm_stream_get_process(p->stream)->number + 1,
			      f->clock->start_ns + p->exec_time);
}

static int tell_discard(struct mm_proc *p, uint64_t now)
{
	struct mm_event ev = { .kind = MM_EV_DISCARD, .thread = MM_NO_THREAD,
		.slot = MM_NO_SLOT, .other = MM_NO_SLOT, .time = now };

	return mm_resolver_tell(&p->resolver, &ev);
}

static uint8_t how_ended(const struct mm_family *f, const struct mm_proc *p, int *ret)
{
	int known = p->status_known, status = p->status;

	*ret = 0;
	if (!p->gone)
		return MM_END_RUNNING;
	if (p->execd)
		return MM_END_EXEC;
	if (f->command_gone && p->pid == f->command) {
		known = 1;
		status = f->command_status;
	}
	if (!known)
		return MM_END_UNKNOWN;
	*ret = WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status);
	return WIFSIGNALED(status) ? MM_END_SIGNAL : MM_END_EXIT;
}

/* The child's first figure is the parent's: live bytes when it was forked. */
static void tell_fork(struct mm_family *f, struct mm_proc *p)
{
	if (p->fork_told)
		return;
	uint64_t bytes = p->parent ? mm_resolver_fork_bytes(&p->parent->resolver,
							    p->fork_stamp) : MM_UNKNOWN;
	if (bytes == MM_UNKNOWN)
		return;
	struct mm_process info = *mm_stream_get_process(p->stream);
	info.inherited_bytes = bytes;
	p->fork_told = 1;
	(void)f;
	mm_stream_process(p->stream, &info);
}

static int end_one(struct mm_family *f, size_t at)
{
	struct mm_proc *p = f->procs[at];
	uint64_t cursor = 0, now = mm_stampclock_ns(f->clock, &cursor, UINT64_MAX);
	struct mm_image *image = p->image;
	uint32_t slot = p->slot;
	int status, err = MM_OK;
	uint8_t end = how_ended(f, p, &status);

	if (end == MM_END_EXEC) {
		now = p->exec_time;
		err = tell_discard(p, now);
	}
	for (size_t i = 0; i < f->proc_count; i++)
		if (f->procs[i]->parent == p) {
			tell_fork(f, f->procs[i]);
			f->procs[i]->parent = NULL;
		}
	if (f->closing)
		f->closing(f->closing_ctx, p);
	f->lost += p->lost;
	f->malformed += p->malformed;
	image->forks += p->resolver.forks_seen;
	memmove(&f->procs[at], &f->procs[at + 1], (f->proc_count - at - 1) * sizeof *f->procs);
	f->proc_count--;
	int gone = p->gone;
	int e = mm_proc_destroy(p, f->clock, end, status, now);
	if (gone)
		mm_image_free_process(image, slot);
	return err ? err : e;
}

static int is_empty(const struct mm_family *f, const struct mm_image *image)
{
	for (size_t i = 0; i < f->proc_count; i++)
		if (f->procs[i]->image == image)
			return 0;
	return 1;
}

/* A child that has just been forked may not have claimed its slot yet. */
static int expects(const struct mm_family *f, const struct mm_image *image)
{
	uint32_t forks = image->forks;

	for (size_t i = 0; i < f->proc_count; i++)
		if (f->procs[i]->image == image)
			forks += f->procs[i]->resolver.forks_seen;
	return forks > image->children;
}

int mm_family_expects(const struct mm_family *f)
{
	for (size_t i = 0; i < f->image_count; i++)
		if (expects(f, f->images[i]))
			return 1;
	return 0;
}

static void let_images_go(struct mm_family *f)
{
	size_t kept = 0;
	uint64_t now = mm_monotonic_ns();

	for (size_t i = 0; i < f->image_count; i++) {
		struct mm_image *image = f->images[i];
		if (is_empty(f, image)) {
			if (!image->empty_ns)
				image->empty_ns = now;
			if (!expects(f, image) ||
			    now - image->empty_ns > LINGER_NS) {
				mm_server_retire(f->server, image);
				continue;
			}
		}
		f->images[kept++] = image;
	}
	f->image_count = kept;
}

/* A parent stays until its children know that it was theirs. */
static int may_end(const struct mm_family *f, struct mm_proc *p, uint64_t now)
{
	if (!p->gone || p->lane_count > 0)
		return 0;
	if (!p->gone_ns)
		p->gone_ns = now;
	return p->resolver.forks_seen == 0 || now - p->gone_ns > LINGER_NS ||
	       !expects(f, p->image);
}

int mm_family_end(struct mm_family *f, int all)
{
	uint64_t now = mm_monotonic_ns();
	int err = MM_OK;

	for (size_t i = 0; i < f->proc_count; i++)
		tell_fork(f, f->procs[i]);
	for (size_t i = 0; i < f->proc_count;) {
		struct mm_proc *p = f->procs[i];
		if (all || may_end(f, p, now)) {
			int e = end_one(f, i);
			err = err ? err : e;
		} else {
			i++;
		}
	}
	let_images_go(f);
	return err;
}
