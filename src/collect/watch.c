/* watch.c: looks at /proc when it is time to (watch.h). */
#include "collect/watch.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "collect/modmap.h"
#include "collect/procfs.h"
#include "collect/sample.h"
#include "core/error.h"

#define MS UINT64_C(1000000)

enum { COST_FACTOR = 100, PRESSED_SEGS = MM_RING_SEGS_ALL / 4, NAMES_A_TICK = 64,
	LISTED_AFTER_MS = 150, LOADED_AFTER_TICKS = 2, STARVED_MS = 2000 };

void mm_watch_deinit(struct mm_watch *w)
{
	free(w->waiting);
	memset(w, 0, sizeof *w);
}

/* True when it is time; the next time then depends on what this one costs, which
 * `done` tells. */
static int due(const struct mm_watch_look *l, uint64_t now)
{
	return now >= l->next_ns;
}

static void done(struct mm_watch_look *l, uint64_t began, uint64_t period)
{
	uint64_t now = mm_monotonic_ns(), cost = (now - began) * COST_FACTOR;

	l->next_ns = now + (cost > period ? cost : period);
}

/* --- threads --------------------------------------------------------------------- */

struct roll {
	pid_t *tids;
	size_t count, cap;
	pid_t pid;
	int inner; /* numbers of the process's own pid namespace are wanted */
};

static int call_out(void *ctx, pid_t tid)
{
	struct roll *r = ctx;

	if (r->inner)
		tid = mm_procfs_inner(r->pid, tid);
	if (MM_GROW(r->tids, r->cap, r->count + 1))
		return MM_ENOMEM;
	r->tids[r->count++] = tid;
	return MM_OK;
}

static int by_tid(const void *a, const void *b)
{
	pid_t x = *(const pid_t *)a, y = *(const pid_t *)b;
	return (x > y) - (x < y);
}

/* Threads number the same on both sides unless the process has a pid namespace of
 * its own. */
static int same_numbers(const struct mm_proc *p)
{
	return (uint32_t)p->image->pid == p->image->hello_pid;
}

static int look_for_dead_threads(struct mm_proc *p)
{
	struct roll r = { .pid = p->pid, .inner = !same_numbers(p) };

	if (p->gone || p->pid <= 0)
		return MM_OK;
	int err = mm_procfs_tasks(p->pid, call_out, &r);
	if (!err && r.count) {
		qsort(r.tids, r.count, sizeof *r.tids, by_tid);
		for (size_t i = 0; i < p->lane_count; i++) {
			pid_t tid = (pid_t)p->lanes[i]->tid;
			if (!bsearch(&tid, r.tids, r.count, sizeof *r.tids, by_tid))
				p->lanes[i]->dead = 1;
		}
	}
	free(r.tids);
	return err == MM_ENOMEM ? err : MM_OK;
}

static int look_at_threads(struct mm_family *f)
{
	int err = MM_OK;

	for (size_t i = 0; !err && i < f->proc_count; i++)
		if (f->procs[i]->lane_count > 1)
			err = look_for_dead_threads(f->procs[i]);
	return err;
}

static int pressed(const struct mm_family *f)
{
	for (size_t i = 0; i < f->image_count; i++)
		if (atomic_load(&f->images[i]->control->ring_segs) > PRESSED_SEGS)
			return 1;
	return 0;
}

/* Threads name themselves soon after they start: look often at first. */
static int wants_name(const struct mm_lane *l)
{
	return !l->dead && (l->named < 4 || (l->named & 7) == 0);
}

static int look_at_names(struct mm_family *f)
{
	int left = NAMES_A_TICK, err = MM_OK;
	char name[16];

	for (size_t i = 0; i < f->proc_count; i++) {
		struct mm_proc *p = f->procs[i];
		for (size_t j = 0; !p->gone && p->pid > 0 && same_numbers(p) &&
				   j < p->lane_count; j++) {
			struct mm_lane *l = p->lanes[j];
			if (left && wants_name(l) &&
			    !mm_procfs_comm(p->pid, (pid_t)l->tid, name)) {
				left--;
				err = mm_stream_thread_name(p->stream, l->number, name);
			}
			l->named++;
			if (err)
				return err;
		}
	}
	return err;
}

/* --- children --------------------------------------------------------------------- */

struct search {
	struct mm_watch *w;
	struct mm_family *f;
	const struct mm_proc *p;
	pid_t pid;
	uint64_t now;
};

static struct mm_watch_child *waiting(struct mm_watch *w, pid_t pid)
{
	for (size_t i = 0; i < w->waiting_count; i++)
		if (w->waiting[i].pid == pid)
			return &w->waiting[i];
	return NULL;
}

static int meet(void *ctx, pid_t pid)
{
	struct search *s = ctx;
	struct mm_watch_child *c = waiting(s->w, pid);

	if (mm_family_find(s->f, pid) || mm_family_has_listed(s->f, pid))
		return MM_OK;
	if (!c) {
		if (MM_GROW(s->w->waiting, s->w->waiting_cap, s->w->waiting_count + 1))
			return MM_ENOMEM;
		c = &s->w->waiting[s->w->waiting_count++];
		*c = (struct mm_watch_child){ .pid = pid, .first_ns = s->now,
			.parent = mm_stream_get_process(s->p->stream)->number + 1 };
	}
	return MM_OK;
}

static int meet_children(void *ctx, pid_t tid)
{
	struct search *s = ctx;
	int err = mm_procfs_children(s->pid, tid, meet, s);

	return err == MM_ENOENT ? MM_OK : err;
}

/* A child that has not execed yet shares its parent's memory and will be found when it
 * allocates. */
static int is_unrecorded(pid_t pid, struct mm_procfs_state *ret)
{
	struct mm_procfs_state state;

	if (mm_procfs_state(pid, &state) || state.letter == 'Z' || state.letter == 'X' ||
	    mm_modmap_is_ours(pid))
		return 0;
	*ret = state;
	return 1;
}

/* An image that has only just been executed has not loaded our library yet. On a busy
 * machine that takes as long as it likes, but neither sleep nor much of the processor. */
static int will_stay_unrecorded(struct mm_watch_child *c, uint64_t now)
{
	struct mm_procfs_state state;

	if (!is_unrecorded(c->pid, &state)) {
		c->since_ns = 0;
		return 0;
	}
	if (!c->since_ns) {
		c->since_ns = now;
		c->cpu_ticks = state.cpu_ticks;
	}
	return (now - c->since_ns > LISTED_AFTER_MS * MS &&
		(state.letter == 'S' || state.cpu_ticks - c->cpu_ticks >= LOADED_AFTER_TICKS)) ||
	       now - c->since_ns > STARVED_MS * MS;
}

static int list_child(struct mm_family *f, struct mm_watch_child *c)
{
	c->listed = 1;
	return mm_family_list(f, c->pid, c->parent, c->first_ns);
}

static int look_at_children(struct mm_watch *w, struct mm_family *f, uint64_t now)
{
	struct search s = { .w = w, .f = f, .now = now };
	int err = MM_OK;

	for (size_t i = 0; !err && i < f->proc_count; i++) {
		s.p = f->procs[i];
		s.pid = s.p->pid;
		if (!s.p->gone && s.pid > 0)
			err = mm_procfs_tasks(s.pid, meet_children, &s);
		err = err == MM_ENOENT ? MM_OK : err;
	}
	/* The children of those who are not recorded are not either. */
	for (size_t i = 0; !err && i < w->waiting_count; i++) {
		struct mm_watch_child *c = &w->waiting[i];
		if (mm_family_find(f, c->pid) || kill(c->pid, 0)) {
			w->waiting[i--] = w->waiting[--w->waiting_count];
			continue;
		}
		if (!c->listed && will_stay_unrecorded(c, now))
			err = list_child(f, c);
	}
	return err;
}

/* --- the tick ------------------------------------------------------------------- */

int mm_watch_tick(struct mm_watch *w, struct mm_family *f, uint64_t now)
{
	int err = MM_OK;

	if (due(&w->threads, now)) {
		err = look_at_threads(f);
		done(&w->threads, now, pressed(f) ? 2 * MS : 20 * MS);
	}
	if (!err && due(&w->names, now)) {
		uint64_t began = mm_monotonic_ns();
		err = look_at_names(f);
		done(&w->names, began, 50 * MS);
	}
	if (!err && due(&w->samples, now)) {
		uint64_t began = mm_monotonic_ns();
		err = mm_sample_all(f);
		done(&w->samples, began, 100 * MS);
	}
	if (!err && due(&w->modules, now)) {
		uint64_t began = mm_monotonic_ns();
		err = mm_modmap_look(f);
		done(&w->modules, began, 100 * MS);
	}
	if (!err && due(&w->children, now)) {
		uint64_t began = mm_monotonic_ns();
		err = look_at_children(w, f, began);
		done(&w->children, began, 60 * MS);
	}
	return err;
}

static void list(struct mm_collect_result *ret, pid_t pid, const char *cmd, int recorded)
{
	if (ret->other_count++ >= MM_COLLECT_LISTED)
		return;
	struct mm_collect_other *o = &ret->others[ret->other_count - 1];
	o->pid = pid;
	o->recorded = recorded;
	snprintf(o->cmd, sizeof o->cmd, "%s", cmd);
}

static int list_waiting(struct mm_watch *w, struct mm_family *f)
{
	int err = look_at_children(w, f, mm_monotonic_ns());
	struct mm_procfs_state state;

	for (size_t i = 0; !err && i < w->waiting_count; i++) {
		struct mm_watch_child *c = &w->waiting[i];
		if (!c->listed && !mm_family_has_listed(f, c->pid) && is_unrecorded(c->pid, &state))
			err = list_child(f, c);
	}
	return err;
}

int mm_watch_last(struct mm_watch *w, struct mm_family *f, struct mm_collect_result *ret)
{
	int err = mm_sample_all(f), e = list_waiting(w, f);

	for (size_t i = 0; i < f->proc_count; i++)
		if (!f->procs[i]->gone)
			list(ret, f->procs[i]->pid, f->procs[i]->cmd, 1);
	for (uint32_t i = 0; i < f->listed_count && i < MM_FAMILY_LISTED; i++)
		list(ret, f->listed[i].pid, f->listed[i].cmd, 0);
	ret->unrecorded = f->listed_count;
	return err ? err : e;
}
