/* crew.c: two barriers around each piece of work (crew.h). */
#include "crew.h"

#include <pthread.h>

struct hand { struct crew *crew; unsigned number; pthread_t thread; };

struct crew {
	struct store *store;
	unsigned threads;
	pthread_barrier_t begin, end;
	void (*piece)(void *arg, size_t i); /* NULL = go home */
	void *arg;
	size_t count;
	struct hand hand[CREW_MOST];
};

static void do_own(struct crew *c, unsigned number)
{
	size_t i;

	for (i = number; i < c->count; i += c->threads)
		c->piece(c->arg, i);
}

static void *stand_by(void *arg)
{
	struct hand *h = arg;
	struct crew *c = h->crew;

	for (;;) {
		pthread_barrier_wait(&c->begin);
		if (!c->piece)
			return NULL;
		do_own(c, h->number);
		pthread_barrier_wait(&c->end);
	}
}

void crew_each(struct crew *c, size_t count, void (*piece)(void *arg, size_t i), void *arg)
{
	c->count = count;
	c->piece = piece;
	c->arg = arg;
	pthread_barrier_wait(&c->begin);
	do_own(c, 0);
	pthread_barrier_wait(&c->end);
}

struct crew *crew_open(struct store *s, unsigned threads)
{
	struct crew *c = store_take(s, STORE_GENERAL, sizeof *c);
	unsigned i;

	*c = (struct crew){ .store = s, .threads = threads };
	pthread_barrier_init(&c->begin, NULL, threads);
	pthread_barrier_init(&c->end, NULL, threads);
	for (i = 1; i < threads; i++) {
		c->hand[i] = (struct hand){ .crew = c, .number = i };
		if (pthread_create(&c->hand[i].thread, NULL, stand_by, &c->hand[i]))
			return NULL; /* the program ends: nobody waits for those that stand by */
	}
	return c;
}

void crew_close(struct crew *c)
{
	unsigned i;

	if (!c)
		return;
	c->piece = NULL;
	pthread_barrier_wait(&c->begin);
	for (i = 1; i < c->threads; i++)
		pthread_join(c->hand[i].thread, NULL);
	pthread_barrier_destroy(&c->begin);
	pthread_barrier_destroy(&c->end);
	store_give(c->store, STORE_GENERAL, c, sizeof *c);
}
