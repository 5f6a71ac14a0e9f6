/* execute.c: batches of ops on one thread or many (execute.h). */
#include "replay/execute.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/pages.h"
#include "core/arch.h"
#include "core/error.h"
#include "replay/ops.h"

enum { PAUSE_OPS = 64, SPINS = 200, PAGE = 4096, CLOCK_LOOKS = 1000 };

struct place {
	void *addr;
	_Atomic uint32_t round; /* of the latest object that was born there */
};

struct worker {
	struct executor *x;
	pthread_t thread;
	struct mm_seat seat;
	void *held;
	uint32_t *mine;      /* numbers of its ops in this batch */
	size_t count, cap;
	uint64_t failed, pause_ns;
	uint32_t draw;       /* which op is sampled next */
	struct mm_times times;
};

struct executor {
	const struct mm_execute_options *o;
	struct mm_target target;
	struct mm_ops ops;
	struct place *place;
	size_t place_cap;
	struct worker **worker;
	uint32_t workers;
	pthread_barrier_t begin, end;
	int barriers, stop;
	uint64_t clock_ns, step_ns; /* two readings in a row; what it moves by */
};

static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

static int by_length(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

/* What two readings in a row take at least, and by how much most others differ from that. */
static void look_at_clock(uint64_t *ret_takes, uint64_t *ret_step)
{
	uint64_t took[CLOCK_LOOKS];
	int same = 0;

	for (int i = 0; i < CLOCK_LOOKS; i++) {
		uint64_t before = now_ns();
		took[i] = now_ns() - before;
	}
	qsort(took, CLOCK_LOOKS, sizeof *took, by_length);
	while (same < CLOCK_LOOKS - 1 && took[same] == took[0])
		same++;
	*ret_takes = took[0];
	*ret_step = took[same + (CLOCK_LOOKS - same) / 2] - took[0];
	*ret_step += *ret_step == 0;
}

static uint64_t anonymous_bytes(void)
{
	FILE *f = fopen("/proc/self/status", "re");
	unsigned long kib = 0;
	char line[128];

	while (f && fgets(line, sizeof line, f))
		if (sscanf(line, "RssAnon: %lu", &kib) == 1)
			break;
	if (f)
		fclose(f);
	return (uint64_t)kib * 1024;
}

/* What the harness itself has come to need since its first batch. */
static uint64_t own_bytes(const struct executor *x)
{
	uint64_t bytes = x->ops.places * sizeof(struct place) + mm_ops_bytes(&x->ops);

	for (uint32_t i = 0; i < x->workers; i++)
		bytes += x->worker[i]->cap * sizeof *x->worker[i]->mine;
	return bytes;
}

/* --- one op ---------------------------------------------------------------------------------- */

static void touch(const struct executor *x, char *p, uint64_t size)
{
	if (x->o->kind == MM_TARGET_NONE)
		return;
	if (x->o->touch_all) {
		memset(p, 1, size);
		return;
	}
	for (uint64_t at = 0; at < size; at += PAGE)
		*(volatile char *)(p + at) = 1;
}

static void born(struct worker *w, struct place *place, void *p, uint64_t size)
{
	place->addr = p;
	if (p)
		touch(w->x, p, size);
	else
		w->failed++;
}

static void do_op(struct worker *w, const struct mm_op *op)
{
	struct mm_target *t = &w->x->target;
	struct place *place = &w->x->place[op->place];
	uint64_t align = mm_event_align(op->align_log2);

	switch (op->kind) {
	case MM_OP_ALLOC:
		born(w, place, mm_target_alloc(t, &w->seat, op->size, align), op->size);
		break;
	case MM_OP_REALLOC:
		born(w, place, w->held ? mm_target_realloc(t, &w->seat, w->held, op->size, align)
			: mm_target_alloc(t, &w->seat, op->size, align), op->size);
		w->held = NULL;
		break;
	case MM_OP_HOLD:
		if (w->held)
			mm_target_free(t, &w->seat, w->held);
		w->held = place->addr;
		break;
	default:
		if (place->addr)
			mm_target_free(t, &w->seat, place->addr);
	}
}

static int is_birth(const struct mm_op *op)
{
	return op->kind == MM_OP_ALLOC || op->kind == MM_OP_REALLOC;
}

static void wait_for_birth(struct place *place, uint32_t round)
{
	for (int i = 0; atomic_load_explicit(&place->round, memory_order_acquire) != round; i++) {
		if (i < SPINS)
			mm_arch_pause();
		else
			sched_yield();
	}
}

static void do_timed(struct worker *w, const struct mm_op *op)
{
	uint64_t before = now_ns();

	do_op(w, op);
	uint64_t took = now_ns() - before;
	mm_times_add(&w->times, took > w->x->clock_ns ? took - w->x->clock_ns : 0);
}

/* Which of the next 64: by Knuth's linear congruential generator, so that no rhythm of the
 * program goes along with it. */
static size_t draw_one(struct worker *w)
{
	w->draw = w->draw * 1664525 + 1013904223;
	return w->draw >> 26;
}

/* The worker's ops of a batch. Waiting for other threads is no pause of the allocator. */
static void do_batch(struct worker *w, const uint32_t *mine, size_t count)
{
	const struct mm_op *op = w->x->ops.op;
	uint64_t before = now_ns(), longest = 0;
	size_t sampled = draw_one(w);

	for (size_t i = 0; i < count; i++) {
		const struct mm_op *one = &op[mine ? mine[i] : i];
		struct place *place = &w->x->place[one->place];
		if (mine && !is_birth(one))
			wait_for_birth(place, one->round);
		if (i == sampled)
			do_timed(w, one);
		else
			do_op(w, one);
		if (mine && is_birth(one))
			atomic_store_explicit(&place->round, one->round, memory_order_release);
		if ((i + 1) % PAUSE_OPS == 0) {
			uint64_t now = now_ns();
			longest = now - before > longest ? now - before : longest;
			before = now;
			sampled = i + 1 + draw_one(w);
		}
	}
	w->pause_ns = longest > w->pause_ns ? longest : w->pause_ns;
}

/* --- many threads ------------------------------------------------------------------------------- */

static void *work(void *arg)
{
	struct worker *w = arg;
	struct executor *x = w->x;

	for (;;) {
		pthread_barrier_wait(&x->begin);
		if (x->stop)
			return NULL;
		do_batch(w, w->mine, w->count);
		pthread_barrier_wait(&x->end);
	}
}

static int add_worker(struct executor *x)
{
	struct worker **grown = realloc(x->worker, (x->workers + 1) * sizeof *grown), *w;

	if (!grown)
		return MM_ENOMEM;
	x->worker = grown;
	if (!(w = calloc(1, sizeof *w)))
		return MM_ENOMEM;
	w->x = x;
	x->worker[x->workers++] = w;
	return mm_target_sit(&x->target, &w->seat);
}

/* Threads wait at a barrier between batches; with more of them it is another barrier. */
static int start_workers(struct executor *x)
{
	pthread_attr_t attr;

	pthread_barrier_init(&x->begin, NULL, x->workers + 1);
	pthread_barrier_init(&x->end, NULL, x->workers + 1);
	x->barriers = 1;
	x->stop = 0;
	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, 256 << 10);
	for (uint32_t i = 0; i < x->workers; i++)
		if (pthread_create(&x->worker[i]->thread, &attr, work, x->worker[i])) {
			x->barriers = 0; /* nobody can be waited for any more */
			return MM_EUNSUP;
		}
	pthread_attr_destroy(&attr);
	return MM_OK;
}

static void stop_workers(struct executor *x)
{
	if (!x->barriers)
		return;
	x->stop = 1;
	pthread_barrier_wait(&x->begin);
	for (uint32_t i = 0; i < x->workers; i++)
		pthread_join(x->worker[i]->thread, NULL);
	pthread_barrier_destroy(&x->begin);
	pthread_barrier_destroy(&x->end);
	x->barriers = 0;
}

static int give_op(struct worker *w, uint32_t op)
{
	if (w->count >= w->cap && MM_PAGES_GROW(w->mine, w->cap, w->count + 1))
		return MM_ENOMEM;
	w->mine[w->count++] = op;
	return MM_OK;
}

static int deal_out(struct executor *x)
{
	int err = MM_OK;

	if (x->ops.threads > x->workers) {
		stop_workers(x);
		while (!err && x->workers < x->ops.threads)
			err = add_worker(x);
		if (!err)
			err = start_workers(x);
	}
	for (uint32_t i = 0; i < x->workers; i++)
		x->worker[i]->count = 0;
	for (size_t i = 0; !err && i < x->ops.count; i++)
		err = give_op(x->worker[x->ops.op[i].thread], (uint32_t)i);
	return err;
}

/* --- batches ---------------------------------------------------------------------------------------- */

static int run_batch(struct executor *x, struct mm_execute_result *ret)
{
	int err = MM_OK;
	uint64_t begin;

	if (x->ops.places > x->place_cap)
		err = MM_PAGES_GROW(x->place, x->place_cap, x->ops.places);
	if (!err && x->o->keep_threads)
		err = deal_out(x);
	if (err)
		return err;
	begin = now_ns();
	if (x->o->keep_threads) {
		pthread_barrier_wait(&x->begin);
		pthread_barrier_wait(&x->end);
	} else {
		do_batch(x->worker[0], NULL, x->ops.count);
	}
	ret->ns += now_ns() - begin;
	ret->ops += x->ops.count;
	return MM_OK;
}

static int run_batches(struct executor *x, struct mm_reader *r, struct mm_execute_result *ret)
{
	uint64_t first = 0;
	int err = MM_OK;

	for (uint32_t c = 0; !err && c < mm_reader_chunks(r, x->o->process); c++) {
		err = mm_ops_of_chunk(&x->ops, r, x->o->process, c);
		if (err == MM_ECORRUPT) {
			err = MM_OK;
			continue;
		}
		if (!first)
			first = anonymous_bytes();
		if (!err)
			err = run_batch(x, ret);
		uint64_t rss = anonymous_bytes(), less = first + own_bytes(x);
		ret->end_bytes = rss > less ? rss - less : 0;
		ret->rss_bytes = ret->end_bytes > ret->rss_bytes ? ret->end_bytes : ret->rss_bytes;
	}
	return err;
}

static void finish_workers(struct executor *x, struct mm_execute_result *ret)
{
	stop_workers(x);
	ret->threads = x->workers;
	for (uint32_t i = 0; i < x->workers; i++) {
		struct worker *w = x->worker[i];
		ret->failed += w->failed;
		mm_times_merge(&ret->times, &w->times);
		ret->pause_ns = w->pause_ns > ret->pause_ns ? w->pause_ns : ret->pause_ns;
		mm_target_rise(&x->target, &w->seat);
		MM_PAGES_FREE(w->mine, w->cap);
		free(w);
	}
	free(x->worker);
}

int mm_execute(struct mm_reader *r, const struct mm_execute_options *o,
	       struct mm_execute_result *ret, struct mm_diag *diag)
{
	struct executor x = { .o = o };
	int err = mm_target_open(&x.target, o->kind, o->strategy);

	if (err)
		return mm_fail(diag, err, "cannot set up a heap: %s", mm_strerror(err));
	memset(ret, 0, sizeof *ret);
	look_at_clock(&x.clock_ns, &x.step_ns);
	ret->clock_step_ns = x.step_ns;
	if (!o->keep_threads)
		err = add_worker(&x);
	if (!err)
		err = run_batches(&x, r, ret);
	finish_workers(&x, ret);
	mm_ops_deinit(&x.ops);
	MM_PAGES_FREE(x.place, x.place_cap);
	mm_target_close(&x.target);
	return err;
}
