/* lookup.c: asks in, answers out (lookup.h). */
#include "model/lookup.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/buf.h"
#include "base/map.h"
#include "core/error.h"

enum { BATCH = 256, PATIENCE_MS = 200 };

struct ask { const struct mm_module *module; uint64_t address, mark; };
struct answer { uint64_t mark; const struct mm_frame *frames; size_t count; };

struct mm_lookup {
	pthread_mutex_t lock;
	pthread_cond_t more, gone;
	int running, stop, left; /* left: the owner; the thread frees all */
	struct ask *asks;
	size_t ask_at, ask_count, ask_cap;
	struct answer *answers;
	size_t answer_count, answer_cap;
	size_t pending; /* asked for and not taken */
	struct mm_symbols *symbols; /* the thread's, while it runs */
	/* the owner's */
	struct mm_module **modules;
	size_t module_count, module_cap;
	struct mm_map where; /* process and number -> place + 1 */
};

int mm_lookup_create(struct mm_lookup **ret, const struct mm_symbol_options *options)
{
	struct mm_lookup *l = calloc(1, sizeof *l);

	if (!l || mm_symbols_create(&l->symbols, options)) {
		free(l);
		return MM_ENOMEM;
	}
	pthread_mutex_init(&l->lock, NULL);
	pthread_cond_init(&l->more, NULL);
	pthread_cond_init(&l->gone, NULL);
	*ret = l;
	return MM_OK;
}

static void free_all(struct mm_lookup *l)
{
	mm_symbols_destroy(l->symbols);
	for (size_t i = 0; i < l->module_count; i++) {
		free((char *)l->modules[i]->path);
		free(l->modules[i]);
	}
	mm_map_deinit(&l->where);
	pthread_mutex_destroy(&l->lock);
	pthread_cond_destroy(&l->more);
	pthread_cond_destroy(&l->gone);
	free(l->modules);
	free(l->asks);
	free(l->answers);
	free(l);
}

void mm_lookup_destroy(struct mm_lookup *l)
{
	struct timespec until;

	if (!l)
		return;
	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_nsec += PATIENCE_MS * 1000000L;
	until.tv_sec += until.tv_nsec / 1000000000L;
	until.tv_nsec %= 1000000000L;
	pthread_mutex_lock(&l->lock);
	l->stop = 1;
	pthread_cond_signal(&l->more);
	while (l->running && !pthread_cond_timedwait(&l->gone, &l->lock, &until))
		;
	l->left = 1;
	int running = l->running;
	pthread_mutex_unlock(&l->lock);
	if (!running)
		free_all(l);
}

/* --- the thread ------------------------------------------------------------------------ */

/* Asks of one module, in the order they came. */
static size_t take_batch(struct mm_lookup *l, struct ask *batch)
{
	size_t n = 0;

	while (l->ask_at < l->ask_count && n < BATCH &&
	       (!n || l->asks[l->ask_at].module == batch[0].module))
		batch[n++] = l->asks[l->ask_at++];
	if (l->ask_at == l->ask_count)
		l->ask_at = l->ask_count = 0;
	return n;
}

static void answer_batch(struct mm_lookup *l, const struct ask *batch, struct answer *answers,
			 size_t n)
{
	uint64_t addresses[BATCH];

	for (size_t i = 0; i < n; i++)
		addresses[i] = batch[i].address;
	mm_symbols_prepare(l->symbols, batch[0].module, addresses, n, 0);
	for (size_t i = 0; i < n; i++) {
		answers[i] = (struct answer){ .mark = batch[i].mark };
		if (mm_symbols_frames(l->symbols, batch[i].module, batch[i].address,
				      &answers[i].frames, &answers[i].count))
			answers[i].count = 0;
	}
}

static void give(struct mm_lookup *l, const struct answer *answers, size_t n)
{
	if (MM_GROW(l->answers, l->answer_cap, l->answer_count + n)) {
		l->pending -= n; /* nobody will come for them */
		return;
	}
	memcpy(l->answers + l->answer_count, answers, n * sizeof *answers);
	l->answer_count += n;
}

static void *run(void *arg)
{
	struct mm_lookup *l = arg;
	struct ask batch[BATCH];
	struct answer answers[BATCH];

	pthread_mutex_lock(&l->lock);
	while (!l->stop) {
		size_t n = take_batch(l, batch);
		if (!n) {
			pthread_cond_wait(&l->more, &l->lock);
			continue;
		}
		pthread_mutex_unlock(&l->lock);
		answer_batch(l, batch, answers, n);
		pthread_mutex_lock(&l->lock);
		give(l, answers, n);
	}
	l->running = 0;
	int left = l->left;
	pthread_cond_signal(&l->gone);
	pthread_mutex_unlock(&l->lock);
	if (left)
		free_all(l);
	return NULL;
}

/* Signals are the owner's. */
static void start(struct mm_lookup *l)
{
	pthread_attr_t detached;
	sigset_t all, before;
	pthread_t thread;

	pthread_attr_init(&detached);
	pthread_attr_setdetachstate(&detached, PTHREAD_CREATE_DETACHED);
	sigfillset(&all);
	pthread_sigmask(SIG_BLOCK, &all, &before);
	l->running = pthread_create(&thread, &detached, run, l) == 0;
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	pthread_attr_destroy(&detached);
}

/* --- the owner ------------------------------------------------------------------------- */

static const struct mm_module *keep_module(struct mm_lookup *l, uint32_t process, uint32_t number,
					   const struct mm_module *m)
{
	/* The map's hash passes the lowest four bits by, as of an address. */
	uint64_t key = ((uint64_t)process << 28 ^ number) << 4 | 1;
	struct mm_map_place *place = mm_map_find(&l->where, key);

	if (place)
		return l->modules[place->value - 1];
	struct mm_module *copy = malloc(sizeof *copy);
	char *path = copy ? strdup(m->path ? m->path : "") : NULL;
	if (!path || MM_GROW(l->modules, l->module_cap, l->module_count + 1) ||
	    mm_map_set(&l->where, key, (uint32_t)l->module_count + 1)) {
		free(path);
		free(copy);
		return NULL;
	}
	*copy = *m;
	copy->path = path;
	l->modules[l->module_count++] = copy;
	return copy;
}

void mm_lookup_ask(struct mm_lookup *l, uint32_t process, uint32_t number,
		   const struct mm_module *module, uint64_t address, uint64_t mark)
{
	const struct mm_module *m = keep_module(l, process, number, module);

	if (!m)
		return;
	pthread_mutex_lock(&l->lock);
	if (!l->running)
		start(l);
	if (l->running && !MM_GROW(l->asks, l->ask_cap, l->ask_count + 1)) {
		l->asks[l->ask_count++] = (struct ask){ m, address, mark };
		l->pending++;
		pthread_cond_signal(&l->more);
	}
	pthread_mutex_unlock(&l->lock);
}

size_t mm_lookup_take(struct mm_lookup *l,
		      void (*fn)(void *arg, uint64_t mark, const struct mm_frame *frames, size_t count),
		      void *arg)
{
	pthread_mutex_lock(&l->lock);
	struct answer *answers = l->answers;
	size_t n = l->answer_count;
	l->answers = NULL;
	l->answer_count = l->answer_cap = 0;
	l->pending -= n;
	pthread_mutex_unlock(&l->lock);
	for (size_t i = 0; i < n; i++)
		if (answers[i].count)
			fn(arg, answers[i].mark, answers[i].frames, answers[i].count);
	free(answers);
	return n;
}

static size_t look(struct mm_lookup *l, const size_t *value)
{
	pthread_mutex_lock(&l->lock);
	size_t v = *value;
	pthread_mutex_unlock(&l->lock);
	return v;
}

size_t mm_lookup_ready(struct mm_lookup *l)
{
	return look(l, &l->answer_count);
}

size_t mm_lookup_pending(struct mm_lookup *l)
{
	return look(l, &l->pending);
}
