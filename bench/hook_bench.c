/* hook_bench: what one recorded malloc and one recorded free cost.
 *
 * Usage: hook_bench [OBJECTS [DEPTH [THREADS]]]. Starts itself under the preload of the
 * build tree with a collector that only empties the rings, and without; prints
 * nanoseconds of thread CPU time a call, and the price of a stamp, below which nothing
 * recorded in order can go.
 */
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <linux/futex.h>
#include <time.h>
#include <unistd.h>

#include "core/arch.h"
#include "core/shm.h"

enum { BATCH = 1000, THREADS_MAX = 64, ROUNDS = 5 };

/* --- the load ------------------------------------------------------------------- */

static long objects = 2000000;
static int depth = 1, threads = 1;
struct cost { double make, drop; };

static double cpu_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

__attribute__((noinline)) static void make_all(void **at, int left)
{
	if (left > 1) {
		make_all(at, left - 1);
		__asm__ volatile("" : : : "memory");
		return;
	}
	for (int i = 0; i < BATCH; i++)
		at[i] = malloc(24);
	__asm__ volatile("" : : : "memory");
}

static void *load(void *arg)
{
	struct cost *best = arg;
	void *at[BATCH];

	*best = (struct cost){ 1e9, 1e9 };
	for (int round = 0; round < ROUNDS; round++) {
		double make = 0, drop = 0;
		for (long n = 0; n < objects; n += BATCH) {
			double a = cpu_ns();
			make_all(at, depth);
			double b = cpu_ns();
			for (int i = 0; i < BATCH; i++)
				free(at[i]);
			make += b - a;
			drop += cpu_ns() - b;
		}
		best->make = make < best->make ? make : best->make;
		best->drop = drop < best->drop ? drop : best->drop;
	}
	best->make /= (double)objects;
	best->drop /= (double)objects;
	return NULL;
}

static int run_load(void)
{
	static struct cost cost[THREADS_MAX];
	struct cost sum = { 0, 0 };
	pthread_t t[THREADS_MAX];

	for (int i = 0; i < threads; i++)
		pthread_create(&t[i], NULL, load, &cost[i]);
	for (int i = 0; i < threads; i++) {
		pthread_join(t[i], NULL);
		sum.make += cost[i].make / threads;
		sum.drop += cost[i].drop / threads;
	}
	printf("malloc %6.2f ns  free %6.2f ns\n", sum.make, sum.drop);
	return 0;
}

/* --- a collector that looks at nothing --------------------------------------------- */

static void *base;
static struct { uint32_t seg, at; } cursor[MM_SHM_THREADS];

static void give(uint32_t slot, uint32_t seg)
{
	struct mm_shm_control *c = base;

	mm_shm_seg_give(base, seg);
	atomic_fetch_sub(&c->ring_segs, 1);
	atomic_fetch_sub(&mm_shm_thread(base, slot)->ring_segs, 1);
	atomic_fetch_add(&c->space_seq, 1);
	if (atomic_load(&c->space_waiters))
		syscall(SYS_futex, &c->space_seq, FUTEX_WAKE, INT32_MAX, NULL, NULL, 0);
}

static void empty(uint32_t slot)
{
	if (cursor[slot].seg == 0)
		cursor[slot].seg = atomic_load(&mm_shm_thread(base, slot)->first_seg);
	while (cursor[slot].seg) {
		struct mm_seg *s = mm_shm_seg(base, cursor[slot].seg);
		uint32_t next = atomic_load_explicit(&s->next, memory_order_acquire);
		if (next == 0)
			break;
		give(slot, cursor[slot].seg);
		cursor[slot].seg = next;
	}
}

static int collect(int listener, pid_t pid)
{
	struct mm_shm_welcome w = { .magic = MM_SHM_MAGIC, .version = MM_SHM_VERSION };
	union { char b[CMSG_SPACE(sizeof(int))]; struct cmsghdr align; } u = { { 0 } };
	struct iovec iov = { &w, sizeof w };
	struct msghdr m = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = u.b,
			    .msg_controllen = sizeof u.b };
	struct mm_shm_hello hello;
	struct pollfd p = { .fd = listener, .events = POLLIN };
	uint64_t bytes = UINT64_C(1) << 30;
	int fd = memfd_create("hook_bench", MFD_CLOEXEC), s, status;

	if (poll(&p, 1, 5000) != 1 || ftruncate(fd, (off_t)bytes) != 0)
		return -1;
	base = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (base == MAP_FAILED || mm_shm_format(base, bytes, 0, 64, MM_CLOCK_TSC) != 0)
		return -1;
	s = accept(listener, NULL, NULL);
	if (recv(s, &hello, sizeof hello, MSG_WAITALL) != (ssize_t)sizeof hello)
		return -1;
	struct cmsghdr *c = CMSG_FIRSTHDR(&m);
	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(sizeof fd);
	memcpy(CMSG_DATA(c), &fd, sizeof fd);
	sendmsg(s, &m, MSG_NOSIGNAL);
	close(s);
	struct mm_shm_control *control = base;
	while (waitpid(pid, &status, WNOHANG) == 0) {
		for (uint32_t i = 0; i < atomic_load(&control->thread_next); i++)
			empty(i);
		usleep(200);
	}
	return status;
}

static int recorded(const char *preload, char **argv)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), status;

	snprintf(a.sun_path, sizeof a.sun_path, "/tmp/hook_bench.%d", (int)getpid());
	unlink(a.sun_path);
	if (bind(listener, (struct sockaddr *)&a, sizeof a) != 0 || listen(listener, 1) != 0)
		return -1;
	pid_t pid = fork();
	if (pid == 0) {
		setenv("LD_PRELOAD", preload, 1);
		setenv(MM_ENV_SOCKET, a.sun_path, 1);
		execv("/proc/self/exe", argv);
		_exit(127);
	}
	status = collect(listener, pid);
	unlink(a.sun_path);
	return status;
}

static double stamp_ns(void)
{
	double a = cpu_ns();

	for (int i = 0; i < 10000000; i++)
		(void)mm_arch_stamp();
	return (cpu_ns() - a) / 1e7;
}

int main(int argc, char **argv)
{
	const char *preload = getenv("MM_PRELOAD"), *sock = getenv(MM_ENV_SOCKET);

	if (argc > 1)
		objects = atol(argv[1]);
	if (argc > 2)
		depth = atoi(argv[2]);
	if (argc > 3)
		threads = atoi(argv[3]) > THREADS_MAX ? THREADS_MAX : atoi(argv[3]);
	if (sock != NULL)
		return run_load();
	printf("%ld objects, depth %d, %d threads\n", objects, depth, threads);
	printf("stamp    %6.2f ns\nbare     ", stamp_ns());
	fflush(stdout);
	if (run_load() != 0)
		return 1;
	printf("recorded ");
	fflush(stdout);
	return recorded(preload ? preload : ".libs/libmmprof.so", argv) != 0;
}
