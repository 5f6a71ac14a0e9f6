/* killpage: a victim that keeps the score of its allocations in a shared page.
 *
 * Usage: killpage PAGE THREADS. PAGE is a file of 4096 zero bytes; thread t counts in
 * its own cells, after each call has returned, the blocks of size 40000 + t that it got
 * and gave back. It runs until it is killed. A recorder keeps its promise when the trace
 * has at least as many births and deaths of that size as the page says, and at most one
 * more of each.
 */
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

struct score { _Atomic uint64_t allocs, frees; uint64_t pad[6]; };

static struct score *scores;

static void *work(void *arg)
{
	uintptr_t t = (uintptr_t)arg;
	struct score *s = &scores[t];
	void *kept[8] = { 0 };

	for (unsigned n = 0;; n++) {
		void **k = &kept[n * 5 % 8];
		if (*k) {
			free(*k);
			atomic_fetch_add_explicit(&s->frees, 1, memory_order_release);
		}
		*k = malloc(40000 + t);
		atomic_fetch_add_explicit(&s->allocs, 1, memory_order_release);
	}
	return NULL;
}

int main(int argc, char **argv)
{
	pthread_t id;
	int fd = argc == 3 ? open(argv[1], O_RDWR) : -1;
	int threads = argc == 3 ? atoi(argv[2]) : 0;

	if (fd < 0 || threads < 1 || threads > 32)
		return 2;
	scores = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (scores == MAP_FAILED)
		return 2;
	close(fd);
	for (int t = 1; t < threads; t++)
		pthread_create(&id, NULL, work, (void *)(uintptr_t)t);
	work(NULL);
	return 0;
}
