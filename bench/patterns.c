/* patterns.c: what hard-working programs do to an allocator, each as one small program:
 *
 *	patterns server   THREADS OPS    a server: each connection keeps a table of objects and
 *	                                 replaces random ones, then hands it to a fresh thread
 *	patterns pipeline THREADS OPS    one thread allocates, the next one frees
 *	patterns stress   THREADS OPS    objects of many sizes and lives; some change hands
 *	patterns scratch  THREADS OPS    blocks made by one thread, written and replaced by all:
 *	                                 slow where threads get neighbours in one cache line
 *	patterns sizes    THREADS OPS    16 bytes to 8 KiB at random, all of the same life
 *
 * Promise: every block is written when it is made and read when it is freed; the sum that is
 * printed depends on the arguments alone, so that allocators can be compared by it. */
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { THREADS_MOST = 64, TABLE = 1000, RING = 4096, KEEP = 2000, SHARED = 1000, HELD = 20000 };

struct worker {
	unsigned number;
	unsigned long ops;
	uint64_t state, sum;
	char **table;
	struct ring *in, *out;
};

struct ring {
	_Atomic(char *) slot[RING];
};

static unsigned threads;
static struct worker worker[THREADS_MOST];
static _Atomic(char *) shared[SHARED];

/* --- blocks that know what they are -------------------------------------------------- */

static uint64_t draw(struct worker *w)
{
	w->state = w->state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return w->state >> 33;
}

static char *make(size_t size)
{
	char *p = malloc(size);

	if (!p) {
		fprintf(stderr, "patterns: no memory for %zu bytes\n", size);
		exit(1);
	}
	memcpy(p, &(uint32_t){ (uint32_t)size }, 4);
	for (size_t at = 64; at < size; at += 64)
		p[at] = (char)size;
	p[size - 1] = (char)size;
	return p;
}

static uint64_t unmake(char *p)
{
	uint32_t size;

	if (!p)
		return 0;
	memcpy(&size, p, 4);
	if (p[size - 1] != (char)size) {
		fprintf(stderr, "patterns: a block of %u bytes was changed\n", size);
		exit(1);
	}
	free(p);
	return size;
}

/* 16 bytes and more, each doubling as likely as the one before it, or less. */
static size_t any_size(struct worker *w, unsigned doublings)
{
	unsigned a = (unsigned)(draw(w) % doublings), b = (unsigned)(draw(w) % doublings);
	size_t least = (size_t)16 << (a < b ? a : b);

	return least + draw(w) % least;
}

/* --- server ---------------------------------------------------------------------------- */

enum { CONNECTIONS = 20 };

static void *connection(void *arg)
{
	struct worker *w = arg;

	for (unsigned long i = 0; i < w->ops / CONNECTIONS; i++) {
		unsigned at = (unsigned)(draw(w) % TABLE);
		w->sum += unmake(w->table[at]);
		w->table[at] = make(10 + draw(w) % 490);
	}
	return NULL;
}

/* Each connection is a thread of its own, and frees what the one before it made. */
static void *server(void *arg)
{
	struct worker *w = arg;
	pthread_t t;

	w->table = calloc(TABLE, sizeof *w->table);
	for (int i = 0; i < CONNECTIONS; i++) {
		if (pthread_create(&t, NULL, connection, w))
			exit(1);
		pthread_join(t, NULL);
	}
	for (int i = 0; i < TABLE; i++)
		w->sum += unmake(w->table[i]);
	free(w->table);
	return NULL;
}

/* --- pipeline -------------------------------------------------------------------------- */

static void *pipeline(void *arg)
{
	struct worker *w = arg;

	for (unsigned long made = 0, taken = 0; made < w->ops || taken < w->ops;) {
		_Atomic(char *) *to = &w->out->slot[made % RING], *from = &w->in->slot[taken % RING];
		char *p;
		if (made < w->ops && !atomic_load_explicit(to, memory_order_acquire)) {
			atomic_store_explicit(to, make(16 + draw(w) % 240), memory_order_release);
			made++;
		}
		if (taken < w->ops && (p = atomic_load_explicit(from, memory_order_acquire))) {
			atomic_store_explicit(from, NULL, memory_order_release);
			w->sum += unmake(p);
			taken++;
		}
	}
	return NULL;
}

/* --- stress ------------------------------------------------------------------------------ */

static void *stress(void *arg)
{
	struct worker *w = arg;
	char *kept[KEEP] = { NULL };

	for (unsigned long i = 0; i < w->ops; i++) {
		char **at = &kept[draw(w) % KEEP], *p;
		if (draw(w) % 4 != 0)
			w->sum += unmake(*at);
		else if ((p = atomic_exchange(&shared[draw(w) % SHARED], *at)))
			w->sum += unmake(p);
		*at = make(any_size(w, 10));
	}
	for (int i = 0; i < KEEP; i++)
		w->sum += unmake(kept[i]);
	return NULL;
}

static uint64_t empty_shared(void)
{
	uint64_t sum = 0;

	for (int i = 0; i < SHARED; i++)
		sum += unmake(atomic_exchange(&shared[i], NULL));
	return sum;
}

/* --- scratch ------------------------------------------------------------------------------ */

enum { WRITES = 100 };

static void *scratch(void *arg)
{
	struct worker *w = arg;
	char *p = w->table[0];

	for (unsigned long i = 0; i < w->ops / WRITES; i++) {
		for (int k = 0; k < WRITES; k++) {
			volatile char *at = p + 4 + k % 3;
			*at = (char)k;
			w->sum += (unsigned char)*at;
		}
		w->sum += unmake(p);
		p = make(8);
	}
	w->sum += unmake(p);
	return NULL;
}

/* --- sizes --------------------------------------------------------------------------------- */

static void *sizes(void *arg)
{
	struct worker *w = arg;
	char **held = calloc(HELD, sizeof *held);

	for (unsigned long i = 0; i < w->ops; i++) {
		w->sum += unmake(held[i % HELD]);
		held[i % HELD] = make(any_size(w, 9));
	}
	for (int i = 0; i < HELD; i++)
		w->sum += unmake(held[i]);
	free(held);
	return NULL;
}

/* --- running ------------------------------------------------------------------------------ */

static const struct { const char *name; void *(*run)(void *); } patterns[] = {
	{ "server", server }, { "pipeline", pipeline }, { "stress", stress },
	{ "scratch", scratch }, { "sizes", sizes },
};

static void prepare(void *(*run)(void *), unsigned long ops)
{
	for (unsigned i = 0; i < threads; i++)
		worker[i] = (struct worker){ .number = i, .ops = ops, .state = i + 1,
					     .out = calloc(1, sizeof(struct ring)) };
	for (unsigned i = 0; i < threads; i++) {
		worker[i].in = worker[(i + threads - 1) % threads].out;
		if (run != scratch)
			continue;
		worker[i].table = malloc(sizeof(char *));
		worker[i].table[0] = make(8);
	}
}

static uint64_t run_all(void *(*run)(void *))
{
	pthread_t t[THREADS_MOST];
	uint64_t sum = 0;

	for (unsigned i = 0; i < threads; i++)
		if (pthread_create(&t[i], NULL, run, &worker[i]))
			exit(1);
	for (unsigned i = 0; i < threads; i++) {
		pthread_join(t[i], NULL);
		sum += worker[i].sum;
	}
	return sum + empty_shared();
}

int main(int argc, char **argv)
{
	char *end = NULL;

	threads = argc == 4 ? (unsigned)strtoul(argv[2], &end, 10) : 0;
	for (size_t i = 0; threads && threads <= THREADS_MOST && i < sizeof patterns / sizeof *patterns; i++)
		if (strcmp(argv[1], patterns[i].name) == 0) {
			prepare(patterns[i].run, strtoul(argv[3], NULL, 10));
			printf("%s %llu\n", argv[1], (unsigned long long)run_all(patterns[i].run));
			return 0;
		}
	fprintf(stderr, "usage: patterns server|pipeline|stress|scratch|sizes THREADS(1-64) OPS\n");
	return 2;
}
