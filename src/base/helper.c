/* helper.c: a thread and what it is given (helper.h). */
#include "base/helper.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>

#include "core/error.h"

struct mm_helper {
	pthread_t thread;
	int running;
	pthread_mutex_t lock; /* of all below */
	pthread_cond_t turn;
	void (*fn)(void *arg); /* NULL = nothing to do */
	void *arg;
	int stop;
};

int mm_helper_create(struct mm_helper **ret)
{
	struct mm_helper *h = calloc(1, sizeof *h);

	if (!h)
		return MM_ENOMEM;
	pthread_mutex_init(&h->lock, NULL);
	pthread_cond_init(&h->turn, NULL);
	*ret = h;
	return MM_OK;
}

void mm_helper_destroy(struct mm_helper *h)
{
	if (!h)
		return;
	if (h->running) {
		pthread_mutex_lock(&h->lock);
		h->stop = 1;
		pthread_cond_broadcast(&h->turn);
		pthread_mutex_unlock(&h->lock);
		pthread_join(h->thread, NULL);
	}
	pthread_mutex_destroy(&h->lock);
	pthread_cond_destroy(&h->turn);
	free(h);
}

static void *run(void *arg)
{
	struct mm_helper *h = arg;

	pthread_mutex_lock(&h->lock);
	while (!h->stop) {
		if (!h->fn) {
			pthread_cond_wait(&h->turn, &h->lock);
			continue;
		}
		pthread_mutex_unlock(&h->lock);
		h->fn(h->arg);
		pthread_mutex_lock(&h->lock);
		h->fn = NULL;
		pthread_cond_broadcast(&h->turn);
	}
	pthread_mutex_unlock(&h->lock);
	return NULL;
}

static int start(struct mm_helper *h)
{
	sigset_t all, before;

	sigfillset(&all);
	pthread_sigmask(SIG_BLOCK, &all, &before);
	h->running = pthread_create(&h->thread, NULL, run, h) == 0;
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return h->running;
}

void mm_helper_begin(struct mm_helper *h, void (*fn)(void *arg), void *arg)
{
	if (!h->running && !start(h)) {
		fn(arg);
		return;
	}
	pthread_mutex_lock(&h->lock);
	h->fn = fn;
	h->arg = arg;
	pthread_cond_broadcast(&h->turn);
	pthread_mutex_unlock(&h->lock);
}

void mm_helper_wait(struct mm_helper *h)
{
	if (!h->running)
		return;
	pthread_mutex_lock(&h->lock);
	while (h->fn)
		pthread_cond_wait(&h->turn, &h->lock);
	pthread_mutex_unlock(&h->lock);
}
