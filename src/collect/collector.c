/* collector.c: the loop (collector.h). */
#include "collect/collector.h"

#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "collect/bell.h"
#include "collect/bound.h"
#include "collect/family.h"
#include "collect/launch.h"
#include "collect/relay.h"
#include "collect/server.h"
#include "collect/stampclock.h"
#include "collect/unaccounted.h"
#include "collect/watch.h"
#include "core/error.h"

#define MS UINT64_C(1000000)

enum {
	QUEUES_MAX = 256 * 1024 * 1024,  /* bytes in queues, in all */
	GOOD_FILL = 320 * 1024,          /* bytes of a ring worth a visit */
	SHORTEST_US = 200, LONGEST_US = 8000, IDLE_US = 30000,
	SCARCE_SEGS = MM_RING_SEGS_ALL / 4 * 3, QUIET_MS = 5,
	NEWBORN_MS = 20, SYNC_MS = 5, SYNC_EARLY_MS = 30, LOOK_MS = 5, SHOW_MS = 500
};

struct collector {
	const struct mm_collect_options *o;
	struct mm_writer *w;
	struct mm_bell bell;
	struct mm_stampclock clock;
	struct mm_server *server;
	struct mm_family family;
	struct mm_watch watch;
	struct mm_collect_result *ret;
	pid_t child;
	int child_done, child_status;
	struct rusage used; /* by the child, when it is done */
	uint64_t own_bytes; /* our resident size when it was forked */
	uint64_t fill;      /* largest drain of a lane in the latest round ... */
	uint64_t remains;   /* ... and of those of processes that are gone */
	uint64_t round_ns, next_sync, next_look, next_show, quiet_since, launched_ns;
};

/* --- a round ------------------------------------------------------------------- */

static int is_crowded(const struct mm_family *f)
{
	for (size_t i = 0; i < f->proc_count; i++)
		if (f->procs[i]->lane_count > 1)
			return 1;
	return 0;
}

static int has_room(const struct mm_family *f)
{
	uint64_t n = 0;

	for (size_t i = 0; i < f->proc_count; i++)
		n += mm_proc_queued(f->procs[i]);
	return n < QUEUES_MAX;
}

static int drain_all(struct collector *c, uint64_t stamp)
{
	struct mm_family *f = &c->family;
	int room = has_room(f), err = MM_OK;

	c->fill = c->remains = 0;
	for (size_t i = 0; i < f->proc_count; i++) {
		int e = mm_proc_drain(f->procs[i], stamp, room);
		err = err ? err : e;
		if (f->procs[i]->drained > c->fill)
			c->fill = f->procs[i]->drained;
		if (f->procs[i]->gone && f->procs[i]->drained > c->remains)
			c->remains = f->procs[i]->drained;
		mm_image_wake_writers(f->procs[i]->image);
	}
	return err;
}

static int merge_all(struct collector *c, uint64_t stamp, int last)
{
	struct mm_family *f = &c->family;
	uint64_t oldest = stamp;
	int err = MM_OK;

	for (size_t i = 0; i < f->proc_count; i++) {
		struct mm_proc *p = f->procs[i];
		int e = mm_proc_merge(p, stamp, last);
		err = err ? err : e;
		if (p->bound < oldest)
			oldest = p->bound;
	}
	mm_stampclock_forget(&c->clock, oldest);
	return err;
}

/* One turn; the order of its steps is what makes the order of the events right: T, then
 * the barrier, then who is there, then the busy words, then the rings. */
static int turn(struct collector *c, int last)
{
	struct mm_family *f = &c->family;
	uint64_t stamp = mm_stampclock_tick(&c->clock);
	int err = mm_family_scan(f);

	if (!err)
		err = mm_family_scan_threads(f, 0);
	if (!err && is_crowded(f)) {
		mm_bound_barrier();
		err = mm_family_scan_threads(f, 0);
	}
	if (!err)
		err = drain_all(c, stamp);
	if (!err)
		err = mm_family_scan_threads(f, 1);
	if (err)
		return err;
	/* A thread alone is merged up to what it has published, later than T. */
	mm_stampclock_tick(&c->clock);
	err = merge_all(c, stamp, last);
	int e = mm_family_end(f, 0);
	return err ? err : e;
}

/* --- segments ----------------------------------------------------------------- */

/* The rings together have nearly what they may have, or the mapping, which a limit on
 * address space can make small, has nothing left to give. */
static int is_scarce(const struct mm_image *image)
{
	return atomic_load(&image->control->ring_segs) > SCARCE_SEGS ||
	       mm_shm_is_full(image->base);
}

/* Threads by the thousand, each with a segment of its own and little to say: those that
 * have been quiet give theirs back. */
static int ask_back(struct mm_proc *p, uint64_t now)
{
	int asked = 0;

	for (size_t i = 0; i < p->lane_count; i++) {
		struct mm_lane *l = p->lanes[i];
		if (!l->dead && !l->busy && now - l->moved_ns > QUIET_MS * MS) {
			mm_lane_revoke(l);
			asked |= l->revoking == 1;
		}
	}
	return asked;
}

static void relieve(struct collector *c, uint64_t now)
{
	struct mm_family *f = &c->family;
	int asked = 0;

	for (size_t i = 0; i < f->proc_count; i++)
		if (is_scarce(f->procs[i]->image))
			asked |= ask_back(f->procs[i], now);
	if (asked)
		mm_bound_barrier();
	for (size_t i = 0; i < f->proc_count; i++) {
		for (size_t j = 0; j < f->procs[i]->lane_count; j++)
			mm_lane_settle_revoke(f->procs[i]->lanes[j]);
		mm_image_wake_writers(f->procs[i]->image);
	}
}

/* --- the child ------------------------------------------------------------------- */

static int is_job_stop(int sig)
{
	return sig == SIGTSTP || sig == SIGTTIN || sig == SIGTTOU;
}

static void look_at_child(struct collector *c)
{
	int status;
	pid_t pid;

	while (!c->child_done &&
	       (pid = wait4(c->child, &status, WNOHANG | WUNTRACED, &c->used)) != 0) {
		if (pid < 0 && errno == EINTR)
			continue;
		if (pid > 0 && WIFSTOPPED(status)) {
			/* The shell waits for us: it must see the job stop. */
			if (is_job_stop(WSTOPSIG(status)))
				raise(SIGSTOP);
			continue;
		}
		c->child_done = 1;
		c->child_status = pid > 0 ? status : 0;
		mm_relay_childless();
		c->family.command_gone = 1;
		c->family.command_status = c->child_status;
		c->ret->duration_ns = mm_monotonic_ns() - c->launched_ns;
	}
}

static int anyone_left(const struct collector *c)
{
	return c->family.proc_count > 0 && c->o->wait_all && !mm_relay_is_asked();
}

/* --- pace ------------------------------------------------------------------------ */

/* Rings are visited when they are about a third full, not at every line written: a
 * visit takes the writer's cache lines away. */
static void rest(struct collector *c, uint32_t seen, uint64_t began)
{
	struct mm_family *f = &c->family;
	uint64_t now = mm_monotonic_ns(), since = now - c->round_ns, us;

	c->round_ns = now;
	if (c->fill >= 2 * GOOD_FILL)
		return;
	if (c->fill)
		c->quiet_since = now;
	us = c->fill ? since * GOOD_FILL / c->fill / 1000 : LONGEST_US;
	if (us < SHORTEST_US)
		us = SHORTEST_US;
	if (us >= LONGEST_US) {
		us = now - c->quiet_since > 1000 * MS ? IDLE_US : LONGEST_US;
		mm_bell_wait(&c->bell, seen, f->images, f->image_count, us * 1000);
	} else if (now - began < us * 1000) {
		mm_bell_wait(&c->bell, seen, NULL, 0, us * 1000 - (now - began));
	}
}

/* --- telling --------------------------------------------------------------------- */

static void show(struct collector *c)
{
	struct mm_collect_status s = { .elapsed_ns = mm_monotonic_ns() - c->launched_ns,
		.processes = (uint32_t)c->family.proc_count, .lost = c->family.lost };
	struct mm_writer_stats stats;

	if (!c->o->show)
		return;
	mm_writer_get_stats(c->w, &stats);
	s.events = stats.events;
	s.trace_bytes = stats.bytes;
	s.lost += stats.lost_events;
	for (size_t i = 0; i < c->family.proc_count; i++) {
		const struct mm_proc *p = c->family.procs[i];
		s.live_bytes += mm_objects_totals(mm_stream_objects(p->stream))->live_bytes;
		s.lost += p->lost;
	}
	c->o->show(c->o->show_ctx, &s);
}

/* The kernel knows a peak that no sample saw. Its figure begins with our own size at the
 * fork, and includes children that were waited for. */
static void note_peak(struct collector *c, struct mm_proc *p)
{
	uint64_t peak = (uint64_t)c->used.ru_maxrss * 1024, cursor = 0;
	struct mm_sample s = p->sample;

	if (!p->gone || c->family.started != 1 || c->watch.waiting_count ||
	    peak <= c->own_bytes || (s.rss_peak_bytes != MM_UNKNOWN && peak <= s.rss_peak_bytes))
		return;
	struct mm_event ev = { .kind = MM_EV_SAMPLE, .thread = MM_NO_THREAD,
		.slot = MM_NO_SLOT, .other = MM_NO_SLOT, .sample = &s };
	memset(&s, 0xff, sizeof s);
	s.rss_peak_bytes = p->sample.rss_peak_bytes = peak;
	ev.time = mm_stampclock_ns(&c->clock, &cursor, UINT64_MAX);
	mm_resolver_tell(&p->resolver, &ev);
}

/* The command's own process is the last one that had its number. */
static void remember(void *ctx, struct mm_proc *p)
{
	struct collector *c = ctx;
	struct mm_collect_result *r = c->ret;

	if (p->pid != c->child)
		return;
	note_peak(c, p);
	r->process = mm_stream_get_process(p->stream)->number;
	r->totals = *mm_objects_totals(mm_stream_objects(p->stream));
	r->rss_peak_bytes = p->sample.rss_peak_bytes;
	r->unaccounted_bytes = p->sample.anon_bytes == MM_UNKNOWN ? MM_UNKNOWN
								  : p->peak_anon_excess;
	r->rss_at_unaccounted = p->rss_at_excess;
	if (mm_unaccounted_matters(r->unaccounted_bytes, r->rss_at_unaccounted))
		mm_unaccounted_cause(p->exe, r->cause, sizeof r->cause);
	else if (!r->totals.allocs)
		mm_unaccounted_hidden(p->exe, r->cause, sizeof r->cause);
}

/* --- the run ---------------------------------------------------------------------- */

static int housekeeping(struct collector *c)
{
	uint64_t now = mm_monotonic_ns();
	int err = mm_watch_tick(&c->watch, &c->family, now);

	relieve(c, now);
	if (now >= c->next_look) {
		mm_family_look(&c->family);
		c->next_look = now + LOOK_MS * MS;
	}
	if (now >= c->next_sync) {
		/* What is 100 ms old must be in the file, so it goes there before. The
		 * error is disk full: it is counted and said at the end. */
		mm_writer_sync(c->w, now - c->clock.start_ns + SYNC_EARLY_MS * MS, 0);
		c->next_sync = now + SYNC_MS * MS;
	}
	if (now >= c->next_show) {
		show(c);
		c->next_show = now + SHOW_MS * MS;
	}
	return err;
}

static int loop(struct collector *c)
{
	int err = MM_OK;

	c->round_ns = c->quiet_since = mm_monotonic_ns();
	while (!err) {
		uint64_t began = mm_monotonic_ns();
		uint32_t seen = mm_bell_look(&c->bell);
		look_at_child(c);
		err = turn(c, 0);
		if (!err)
			err = housekeeping(c);
		if (c->child_done && !anyone_left(c))
			break;
		if (!err)
			rest(c, seen, began);
	}
	return err;
}

/* Everything that was published before the command's end is in the rings; those of
 * descendants that still run fill on. */
static int empty_rings(struct collector *c)
{
	int err = mm_family_scan(&c->family);

	mm_family_look(&c->family);
	while (!err) {
		err = turn(c, 0);
		if (c->remains == 0)
			break;
	}
	return err;
}

/* A child forked in the command's last moment has still to claim its slot. */
static int finish(struct collector *c)
{
	uint64_t until = mm_monotonic_ns() + NEWBORN_MS * MS;
	int err = empty_rings(c), e;

	while (!err && mm_family_expects(&c->family) && mm_monotonic_ns() < until) {
		mm_bell_wait(&c->bell, mm_bell_look(&c->bell), NULL, 0, MS / 2);
		err = empty_rings(c);
	}
	e = mm_watch_last(&c->watch, &c->family, c->ret);
	err = err ? err : e;
	e = turn(c, 1);
	err = err ? err : e;
	e = mm_family_end(&c->family, 1);
	err = err ? err : e;
	mm_writer_sync(c->w, mm_monotonic_ns() - c->clock.start_ns, 1);
	show(c);
	return err;
}

static void open_limits(void)
{
	static const int kinds[] = { RLIMIT_NOFILE, RLIMIT_FSIZE, RLIMIT_AS, RLIMIT_DATA };
	struct rlimit r;

	for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
		if (getrlimit(kinds[i], &r) || r.rlim_cur == r.rlim_max)
			continue;
		r.rlim_cur = r.rlim_max;
		setrlimit(kinds[i], &r);
	}
}

static int launch(struct collector *c, struct mm_diag *diag)
{
	struct mm_launch l = { .path = c->o->path, .argv = c->o->argv,
		.preload = c->o->preload, .socket = mm_server_path(c->server),
		.folder = mm_server_folder(c->server), .behind = c->o->behind,
		.in_child = c->o->in_child, .in_child_ctx = c->o->in_child_ctx };

	struct rusage own;
	c->own_bytes = getrusage(RUSAGE_SELF, &own) ? UINT64_MAX : (uint64_t)own.ru_maxrss * 1024;
	c->launched_ns = mm_monotonic_ns();
	int err = mm_launch_start(&l, &c->child, diag);
	if (err)
		return err;
	c->ret->started = 1;
	c->family.command = c->child;
	open_limits();
	mm_relay_open(c->child);
	if (c->o->started)
		c->o->started(c->o->started_ctx, c->child);
	return MM_OK;
}

/* What cannot work is refused before the program has started. */
static int try_image(const struct mm_image_options *options, struct mm_diag *diag)
{
	struct mm_image *image;
	int fd, err = mm_image_create(&image, options, &fd, diag);

	if (err)
		return err;
	close(fd);
	mm_image_destroy(image);
	return MM_OK;
}

static int begin(struct collector *c, struct mm_diag *diag)
{
	struct mm_image_options image = { c->o->shm_options, c->o->depth,
		mm_stampclock_kind() };
	int err = try_image(&image, diag);

	if (!err)
		err = mm_stampclock_init(&c->clock, image.clock_kind);

	if (!err)
		err = mm_server_create(&c->server, &image, &c->bell, diag);
	if (err)
		return err;
	mm_family_init(&c->family, c->w, c->server, &c->clock);
	c->family.listener = c->o->listener;
	c->family.closing = remember;
	c->family.closing_ctx = c;
	err = mm_server_start(c->server, (c->o->shm_options & MM_OPT_NO_FOLLOW) != 0, diag);
	return err ? err : launch(c, diag);
}

/* The recorder has failed, not the program: let it run free, and wait for it. */
static void wait_for_child(struct collector *c)
{
	while (!c->child_done) {
		uint32_t seen = mm_bell_look(&c->bell);
		look_at_child(c);
		if (!c->child_done)
			mm_bell_wait(&c->bell, seen, NULL, 0, 1000 * MS);
	}
}

static void give_counts(struct collector *c)
{
	struct mm_collect_result *r = c->ret;
	struct mm_writer_stats stats;

	mm_writer_get_stats(c->w, &stats);
	r->events = stats.events;
	r->lost = c->family.lost + stats.lost_events;
	r->malformed = c->family.malformed;
	r->processes = c->family.started;
}

static void give_status(struct collector *c)
{
	struct mm_collect_result *r = c->ret;

	r->signal = WIFSIGNALED(c->child_status) ? WTERMSIG(c->child_status) : 0;
	r->status = r->signal ? 128 + r->signal : WEXITSTATUS(c->child_status);
}

int mm_collect(struct mm_writer *w, const struct mm_collect_options *options,
	       struct mm_collect_result *ret, struct mm_diag *diag)
{
	struct collector *c = calloc(1, sizeof *c);
	struct mm_collect_result r = { .unaccounted_bytes = MM_UNKNOWN,
		.rss_peak_bytes = MM_UNKNOWN };

	if (!c)
		return MM_ENOMEM;
	c->o = options;
	c->w = w;
	c->ret = &r;
	mm_relay_begin(&c->bell);
	int err = begin(c, diag);
	if (!err) {
		err = loop(c);
		int e = err ? err : finish(c);
		err = err ? err : e;
	}
	mm_family_end(&c->family, 1);
	give_counts(c);
	mm_family_deinit(&c->family);
	mm_server_destroy(c->server);
	if (r.started) {
		wait_for_child(c);
		give_status(c);
	}
	mm_relay_end();
	mm_watch_deinit(&c->watch);
	mm_stampclock_deinit(&c->clock);
	free(c);
	*ret = r;
	return err;
}
