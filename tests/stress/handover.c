/* handover: threads in a circle hand objects to their neighbour, who frees them.
 *
 * Usage: handover THREADS OBJECTS. Each thread makes OBJECTS/THREADS objects of a size
 * that only this program uses and passes each on through a one-place mailbox ring, so
 * that nearly every object dies in another thread, often within a microsecond of its
 * birth and at an address that is born again at once. Prints what it did:
 * "allocs N frees N bytes B". A recorder that orders a free before its alloc, or sees an
 * address live twice, disagrees.
 */
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

enum { PLACES = 64, SIZE = 40, MAX_THREADS = 64 };

struct ring {
	_Alignas(64) _Atomic uint64_t head;
	_Alignas(64) _Atomic uint64_t tail;
	void *place[PLACES];
};

static struct ring rings[MAX_THREADS];
static unsigned threads;
static uint64_t each;

static int give(struct ring *r, void *p)
{
	uint64_t h = atomic_load_explicit(&r->head, memory_order_relaxed);
	if (h - atomic_load_explicit(&r->tail, memory_order_acquire) == PLACES)
		return 0;
	r->place[h % PLACES] = p;
	atomic_store_explicit(&r->head, h + 1, memory_order_release);
	return 1;
}

static void *take(struct ring *r)
{
	uint64_t t = atomic_load_explicit(&r->tail, memory_order_relaxed);
	if (t == atomic_load_explicit(&r->head, memory_order_acquire))
		return NULL;
	void *p = r->place[t % PLACES];
	atomic_store_explicit(&r->tail, t + 1, memory_order_release);
	return p;
}

static void *work(void *arg)
{
	unsigned me = (unsigned)(uintptr_t)arg;
	struct ring *in = &rings[me], *out = &rings[(me + 1) % threads];
	uint64_t made = 0, freed = 0;
	void *held = NULL;

	while (made < each || held || freed < each) {
		void *p = take(in);
		if (p) {
			free(p);
			freed++;
		}
		if (!held && made < each) {
			held = malloc(SIZE);
			*(uint64_t *)held = made++;
		}
		if (held && give(out, held))
			held = NULL;
		else if (!p)
			sched_yield();
	}
	return NULL;
}

int main(int argc, char **argv)
{
	pthread_t id[MAX_THREADS];

	threads = argc > 1 ? (unsigned)atoi(argv[1]) : 8;
	uint64_t total = argc > 2 ? strtoull(argv[2], NULL, 10) : 1000000;
	if (threads < 1 || threads > MAX_THREADS)
		return 2;
	each = total / threads;
	for (unsigned i = 0; i < threads; i++)
		if (pthread_create(&id[i], NULL, work, (void *)(uintptr_t)i))
			return 3;
	for (unsigned i = 0; i < threads; i++)
		pthread_join(id[i], NULL);
	printf("allocs %llu frees %llu bytes %llu\n", (unsigned long long)(each * threads),
	       (unsigned long long)(each * threads),
	       (unsigned long long)(each * threads * SIZE));
	return 0;
}
