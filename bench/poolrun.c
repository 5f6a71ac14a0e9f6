/* poolrun: the phases of bench/pool through one allocator, in a process of its own.
 *
 *	poolrun THREADS BLOCKS     prints "NAME NANOSECONDS" a line, per call
 *
 * Built once an allocator: with -DRIVAL_MM through mm.h, with -DRIVAL_MI through
 * mi_malloc, else through malloc, whoever that is. Each thread has BLOCKS blocks of 64 bytes
 * of its own; a phase lasts until the last thread is through it, and its time is divided by
 * the calls of one thread. Every block that is handed out is written at once.
 */
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <time.h>

enum { THREADS_MOST = 8, BYTES = 64, HOT = 20000000, WALKS = 3, RING = 1 << 12, HANDED = 64 };

#if defined RIVAL_MM
#include "mm.h"
static struct mm_pool *pool;
static inline void *get(void) { return mm_pool_alloc(pool); }
static inline void put(void *p) { mm_pool_free(pool, p); }
static void open_rival(void)
{
	if (mm_pool_create(NULL, "bench", BYTES, 0, MM_ACCESS_GENERAL, 1, &pool))
		exit(3);
}
#elif defined RIVAL_MI
#include <mimalloc.h>
static inline void *get(void) { return mi_malloc(BYTES); }
static inline void put(void *p) { mi_free(p); }
static void open_rival(void) { }
#else
static inline void *get(void) { return malloc(BYTES); }
static inline void put(void *p) { free(p); }
static void open_rival(void) { }
#endif

struct node { struct node *next; uint64_t value[7]; };

enum { FRESH, RESIDENT, RANDOM_FREE, CHURNED, WALK, HOT_PAIR, FREE_ALL, REMOTE, PHASES };
static const char *const names[PHASES] = { "fresh", "resident", "random-free", "churned", "walk",
					   "hot-pair", "free-all", "remote-free" };

struct worker {
	pthread_t thread;
	struct node **block, **victim; /* in the order of allocation; of random free */
	uint32_t *order;
	uint64_t sum;
};

static pthread_barrier_t barrier;
static double took[PHASES];
static uint32_t count;
static int threads;
static struct worker worker[THREADS_MOST];

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

/* Ours from the system, so that no rival's memory is disturbed; touched before. */
static void *table(size_t bytes)
{
	void *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);

	if (p == MAP_FAILED)
		exit(3);
	return p;
}

static void shuffle(uint32_t *order, uint64_t seed)
{
	for (uint32_t i = 0; i < count; i++)
		order[i] = i;
	for (uint32_t i = count - 1; i > 0; i--) {
		seed ^= seed << 13;
		seed ^= seed >> 7;
		seed ^= seed << 17;
		uint32_t j = (uint32_t)(seed % (i + 1)), t = order[i];
		order[i] = order[j];
		order[j] = t;
	}
}

/* --- phases ----------------------------------------------------------------------------- */

static uint64_t fill(struct worker *w)
{
	for (uint32_t i = 0; i < count; i++) {
		struct node *n = get();
		n->value[0] = i;
		w->block[i] = n;
	}
	return count;
}

static uint64_t empty(struct worker *w)
{
	for (uint32_t i = 0; i < count; i++) {
		put(w->block[i]);
		w->block[i] = NULL;
	}
	return count;
}

/* Beforehand, so that it is the allocator's misses that are timed and not the list's. */
static void choose(struct worker *w)
{
	for (uint32_t i = 0; i < count / 2; i++) {
		w->victim[i] = w->block[w->order[i]];
		w->block[w->order[i]] = NULL;
	}
}

static uint64_t free_half(struct worker *w)
{
	for (uint32_t i = 0; i < count / 2; i++)
		put(w->victim[i]);
	return count / 2;
}

static uint64_t build(struct worker *w)
{
	struct node *last = NULL;

	for (uint32_t i = 0; i < count / 2; i++) {
		struct node *n = get();
		n->next = NULL;
		n->value[0] = i;
		if (last)
			last->next = n;
		else
			w->block[w->order[0]] = n;
		last = n;
	}
	return count / 2;
}

static uint64_t walk(struct worker *w)
{
	for (int i = 0; i < WALKS; i++)
		for (const struct node *n = w->block[w->order[0]]; n; n = n->next)
			w->sum += n->value[0];
	return (uint64_t)count / 2 * WALKS;
}

static uint64_t hot_pair(struct worker *w)
{
	for (int i = 0; i < HOT; i++) {
		struct node *n = get();
		*(volatile uint64_t *)n->value = w->sum;
		put(n);
	}
	return HOT;
}

/* The list, then what was never freed, in the order in which it was allocated. */
static uint64_t free_all(struct worker *w)
{
	struct node *n = w->block[w->order[0]];

	w->block[w->order[0]] = NULL;
	while (n) {
		struct node *next = n->next;
		put(n);
		n = next;
	}
	return count / 2 + empty(w) - count / 2;
}

/* --- hand over ------------------------------------------------------------------------------ */

static struct node *ring[RING];
static _Atomic uint32_t head __attribute__((aligned(64)));
static _Atomic uint32_t tail __attribute__((aligned(64)));

static void *take_away(void *arg)
{
	for (uint32_t at = 0; at < count; at += HANDED) {
		while (head < at + HANDED)
			;
		for (uint32_t i = 0; i < HANDED; i++)
			put(ring[(at + i) % RING]);
		tail = at + HANDED;
	}
	return arg;
}

static double hand_over(void)
{
	pthread_t other;
	double start = now();

	count -= count % HANDED;
	if (pthread_create(&other, NULL, take_away, NULL))
		exit(3);
	for (uint32_t at = 0; at < count; at += HANDED) {
		while (at + HANDED - tail > RING)
			;
		for (uint32_t i = 0; i < HANDED; i++) {
			struct node *n = get();
			n->value[0] = i;
			ring[(at + i) % RING] = n;
		}
		head = at + HANDED;
	}
	pthread_join(other, NULL);
	return (now() - start) / count;
}

/* --- without an allocator --------------------------------------------------------------------- */

/* The walk again, over a list that nobody allocated: half of the places in a row, in order. What
 * this machine needs for it at least. */
static double by_hand(struct worker *w)
{
	struct node *place = table(count * sizeof *place), *last = NULL;

	for (uint32_t i = 0; i < count; i++)
		place[i].value[0] = 0;
	for (uint32_t i = 0; i < count / 2; i++)
		place[w->order[i]].value[0] = 1;
	for (uint32_t i = count; i-- > 0;)
		if (place[i].value[0]) {
			place[i].next = last;
			last = &place[i];
		}
	double start = now();
	for (int i = 0; i < WALKS; i++)
		for (const struct node *n = last; n; n = n->next)
			w->sum += n->value[0];
	return (now() - start) / ((double)(count / 2) * WALKS);
}

/* --- running ---------------------------------------------------------------------------------- */

static void timed(struct worker *w, int phase, uint64_t fn(struct worker *))
{
	double start;
	uint64_t calls;

	pthread_barrier_wait(&barrier);
	start = now();
	calls = fn(w);
	pthread_barrier_wait(&barrier);
	if (w == worker)
		took[phase] = (now() - start) / (double)calls;
}

static void *work(void *arg)
{
	struct worker *w = arg;

	timed(w, FRESH, fill);
	timed(w, FREE_ALL, empty);
	timed(w, RESIDENT, fill);
	choose(w);
	timed(w, RANDOM_FREE, free_half);
	timed(w, CHURNED, build);
	timed(w, WALK, walk);
	timed(w, HOT_PAIR, hot_pair);
	timed(w, FREE_ALL, free_all);
	return NULL;
}

int main(int argc, char **argv)
{
	uint64_t sum = 0;

	threads = argc > 1 ? atoi(argv[1]) : 1;
	count = argc > 2 ? (uint32_t)atoi(argv[2]) : 2000000;
	if (threads < 1 || threads > THREADS_MOST || count < 1024)
		return 2;
	open_rival();
	pthread_barrier_init(&barrier, NULL, (unsigned)threads);
	for (int i = 0; i < threads; i++) {
		worker[i].block = table(count * sizeof *worker->block);
		worker[i].victim = table(count / 2 * sizeof *worker->victim);
		worker[i].order = table(count * sizeof *worker->order);
		shuffle(worker[i].order, UINT64_C(88172645463325252) + (uint64_t)i);
	}
	for (int i = 1; i < threads; i++)
		if (pthread_create(&worker[i].thread, NULL, work, &worker[i]))
			return 3;
	work(worker);
	for (int i = 1; i < threads; i++)
		pthread_join(worker[i].thread, NULL);
	if (threads == 2)
		took[REMOTE] = hand_over();
	for (int i = 0; i < threads; i++)
		sum += worker[i].sum;
	for (int i = 0; i < PHASES; i++)
		if (i != REMOTE || threads == 2)
			printf("%s %.3f\n", names[i], took[i]);
	if (threads == 1)
		printf("by-hand %.3f\n", by_hand(worker));
	return sum == 0;
}
