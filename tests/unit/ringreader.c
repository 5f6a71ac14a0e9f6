/* ringreader.c: see ringreader.h. */
#include "ringreader.h"

#include <errno.h>
#include <linux/futex.h>
#include <linux/membarrier.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/shm.h"

enum { MAX_IMAGES = 256 };

struct cursor {
	uint32_t seg;  /* being read; 0 = none */
	uint32_t at;   /* bytes consumed */
	uint64_t last; /* stamp */
	int revoking;
	uint32_t first; /* first_seg when this chain began */
};

struct image {
	void *base;
	pid_t pid;
	uint64_t bytes;
	struct cursor cur[MM_SHM_THREADS];
};

struct reader {
	const struct rr_setup *setup;
	struct rr_result *r;
	struct image *image[MAX_IMAGES];
	uint32_t images;
	int listener;
	char path[108];
	int stalled;
};

static void die(const char *what)
{
	perror(what);
	exit(99);
}

/* --- records ------------------------------------------------------------------- */

static struct rr_record *new_record(struct rr_result *r)
{
	if (r->count == r->room) {
		r->room = r->room ? r->room * 2 : 4096;
		r->rec = realloc(r->rec, r->room * sizeof *r->rec);
		if (!r->rec)
			die("realloc");
	}
	memset(&r->rec[r->count], 0, sizeof *r->rec);
	return &r->rec[r->count++];
}

static void copy_text(struct rr_record *e, const char *s, size_t n)
{
	if (n >= sizeof e->text)
		n = sizeof e->text - 1;
	memcpy(e->text, s, n);
	e->text[n] = '\0';
}

/* If the record's node is a category: its name. */
static void name_category(struct image *im, struct rr_record *e)
{
	struct mm_shm_process *p = mm_shm_process(im->base, e->process);
	struct mm_shm_dir *dir = (void *)mm_shm_seg(im->base, atomic_load(&p->dir_seg));
	uint32_t seg = atomic_load(&dir->nodes[e->node / MM_NODES_PER_SEG]);
	struct mm_shm_node *node = (void *)mm_shm_seg(im->base, seg);

	if (!seg)
		return;
	node += e->node % MM_NODES_PER_SEG;
	if (MM_NODE_KIND(node->value_kind) != MM_NODE_CATEGORY)
		return;
	uint32_t name = (uint32_t)MM_NODE_VALUE(node->value_kind);
	struct mm_shm_name *n = (void *)mm_shm_seg(
		im->base, atomic_load(&dir->names[name / MM_NAMES_PER_SEG]));
	copy_text(e, n[name % MM_NAMES_PER_SEG].text, sizeof n->text);
	e->name = name;
}

static void keep(struct reader *rd, struct image *im, uint32_t slot, const uint64_t *w)
{
	struct mm_shm_thread *t = mm_shm_thread(im->base, slot);
	struct cursor *c = &im->cur[slot];
	uint32_t kind = MM_REC_KIND(w[0]);
	struct rr_record *e;

	if (kind == MM_REC_VOID)
		return;
	e = new_record(rd->r);
	for (uint32_t i = 0; i < rd->images; i++)
		if (rd->image[i] == im)
			e->image = i;
	e->process = t->process;
	e->thread = slot;
	e->kind = kind;
	e->addr = MM_REC_ADDR(w[0]);
	e->stamp = w[1];
	if (w[1] < c->last)
		rd->r->rewinds++;
	c->last = w[1];
	if (kind != MM_REC_FREE && kind != MM_REC_FORK && kind != MM_REC_FREE_AT) {
		e->size = w[2];
		e->node = MM_REC_NODE_ID(w[3]);
		e->call = MM_REC_CALL(w[3]);
		e->align = MM_REC_ALIGN(w[3]);
		name_category(im, e);
	}
	if (kind == MM_REC_FREE_AT)
		e->node = MM_REC_NODE_ID(w[2]);
	if (kind == MM_REC_REALLOC) {
		e->old = w[4];
		e->t0 = w[5];
		if (e->t0 > e->stamp)
			rd->r->rewinds++;
	}
	if (kind == MM_REC_REMAP)
		e->old = w[4], e->t0 = w[5];
	if (kind == MM_REC_METRIC)
		e->old = w[4];
	if (kind == MM_REC_MARK)
		copy_text(e, (const char *)&w[4], w[2]);
	if (kind == MM_REC_METRIC)
		copy_text(e, (const char *)&w[5], w[2]);
}

/* --- rings ---------------------------------------------------------------------- */

static void give_back(struct reader *rd, struct image *im, uint32_t slot, uint32_t seg)
{
	struct mm_shm_control *c = im->base;

	(void)rd;
	mm_shm_seg_give(im->base, seg);
	atomic_fetch_sub(&c->ring_segs, 1);
	atomic_fetch_sub(&mm_shm_thread(im->base, slot)->ring_segs, 1);
	atomic_fetch_add(&c->space_seq, 1);
	if (atomic_load(&c->space_waiters))
		syscall(SYS_futex, &c->space_seq, FUTEX_WAKE, INT32_MAX, NULL, NULL, 0);
}

/* Consumes what is published; `final`: gives the last segment back too. Otherwise a ring
 * full at most: a writer as fast as we are would keep us here. */
static int drain_thread(struct reader *rd, struct image *im, uint32_t slot, int final)
{
	struct cursor *c = &im->cur[slot];
	int any = 0;

	for (int segs = 0; c->seg && (final || segs < MM_RING_SEGS_THREAD); segs++) {
		struct mm_seg *s = mm_shm_seg(im->base, c->seg);
		uint32_t next = atomic_load_explicit(&s->next, memory_order_acquire);
		uint32_t head = atomic_load_explicit(&s->head, memory_order_acquire);
		while (c->at < head) {
			const uint64_t *w = &s->data[c->at / 8];
			uint32_t n = mm_rec_words(w, (head - c->at) / 8);
			if (n == 0) {
				rd->r->malformed++;
				c->at = head;
				break;
			}
			keep(rd, im, slot, w);
			c->at += n * 8;
			any = 1;
		}
		if (next == 0 && !final)
			break;
		give_back(rd, im, slot, c->seg);
		c->seg = next;
		c->at = 0;
	}
	return any;
}

static void membarrier_all(void)
{
	if (syscall(SYS_membarrier, MEMBARRIER_CMD_GLOBAL_EXPEDITED, 0) != 0)
		syscall(SYS_membarrier, MEMBARRIER_CMD_GLOBAL, 0);
}

static void start_chain(struct image *im, uint32_t slot)
{
	struct mm_shm_thread *t = mm_shm_thread(im->base, slot);
	struct cursor *c = &im->cur[slot];

	if (c->seg || atomic_load(&t->seg) == 0)
		return;
	c->seg = c->first = atomic_load(&t->first_seg);
	c->at = 0;
}

static void try_revoke(struct reader *rd, struct image *im, uint32_t slot)
{
	struct mm_shm_thread *t = mm_shm_thread(im->base, slot);
	struct cursor *c = &im->cur[slot];
	uint32_t seg = atomic_load(&t->seg);

	if (!c->revoking) {
		if (c->seg == 0 || seg == 0 || atomic_load(&t->busy) ||
		    !atomic_compare_exchange_strong(&t->seg, &seg, 0))
			return;
		c->revoking = 1;
		membarrier_all();
	}
	if (atomic_load(&t->seg) == 0 && atomic_load(&t->busy))
		return; /* wait */
	membarrier_all();
	drain_thread(rd, im, slot, 1);
	c->revoking = 0;
	rd->r->revoked++;
	start_chain(im, slot);
}

static int thread_is_dead(struct image *im, struct mm_shm_thread *t)
{
	char path[64];

	snprintf(path, sizeof path, "/proc/%u/task/%u",
		 mm_shm_process(im->base, t->process)->pid, t->tid);
	return access(path, F_OK) != 0;
}

static int visit_thread(struct reader *rd, struct image *im, uint32_t slot, int look)
{
	struct mm_shm_thread *t = mm_shm_thread(im->base, slot);
	struct mm_shm_control *c = im->base;
	int any, dead;

	if (atomic_load(&t->state) != MM_THREAD_LIVE)
		return 0;
	dead = look && thread_is_dead(im, t);
	start_chain(im, slot);
	any = drain_thread(rd, im, slot, 0);
	if (dead) {
		struct cursor *cur = &im->cur[slot];
		drain_thread(rd, im, slot, 1);
		if (cur->revoking) /* it may have started afresh meanwhile */
			start_chain(im, slot);
		drain_thread(rd, im, slot, 1);
		rd->r->dropped += atomic_load(&t->dropped);
		rd->r->events += atomic_load(&t->events);
		rd->r->threads++;
		memset(&im->cur[slot], 0, sizeof im->cur[slot]);
		atomic_store(&t->state, MM_THREAD_FREE);
	} else if (rd->setup->revoke || atomic_load(&c->space_waiters)) {
		try_revoke(rd, im, slot);
	}
	return any;
}

static int round_over(struct reader *rd, int look)
{
	int any = 0;

	for (uint32_t i = 0; i < rd->images; i++) {
		struct image *im = rd->image[i];
		struct mm_shm_control *c = im->base;
		uint32_t n = atomic_load(&c->thread_next);
		if (atomic_load(&c->ring_segs) > rd->r->most_segs)
			rd->r->most_segs = atomic_load(&c->ring_segs);
		for (uint32_t slot = 0; slot < n && slot < MM_SHM_THREADS; slot++)
			any |= visit_thread(rd, im, slot, look);
	}
	return any;
}

/* --- hello ------------------------------------------------------------------------- */

static void lock_robust(struct mm_shm_control *c)
{
	pthread_mutexattr_t a;

	pthread_mutexattr_init(&a);
	pthread_mutexattr_setpshared(&a, PTHREAD_PROCESS_SHARED);
	pthread_mutexattr_setrobust(&a, PTHREAD_MUTEX_ROBUST);
	pthread_mutex_init(&c->collector_lock, &a);
	pthread_mutex_lock(&c->collector_lock);
}

static int new_image(struct reader *rd)
{
	uint64_t bytes = (rd->setup->map_mib ? rd->setup->map_mib : RR_MAP_MIB) << 20;
	struct image *im = calloc(1, sizeof *im);
	int fd = memfd_create("mmprof-test", MFD_CLOEXEC);

	if (!im || fd < 0 || ftruncate(fd, (off_t)bytes) != 0)
		die("memfd");
	im->bytes = bytes;
	im->base = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_NORESERVE, fd, 0);
	if (im->base == MAP_FAILED ||
	    mm_shm_format(im->base, bytes, rd->setup->options, 64, rd->setup->clock_kind) != 0)
		die("map");
	lock_robust(im->base);
	rd->image[rd->images++] = im;
	rd->r->images++;
	return fd;
}

static void serve(struct reader *rd)
{
	int s = accept4(rd->listener, NULL, NULL, SOCK_CLOEXEC);
	struct mm_shm_hello hello;
	struct mm_shm_welcome welcome = { .magic = MM_SHM_MAGIC, .version = MM_SHM_VERSION };
	union { char b[CMSG_SPACE(sizeof(int))]; struct cmsghdr align; } u = { { 0 } };
	struct iovec iov = { &welcome, sizeof welcome };
	struct msghdr m = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = u.b,
			    .msg_controllen = sizeof u.b };
	int fd;

	if (s < 0)
		return;
	if (recv(s, &hello, sizeof hello, MSG_WAITALL) == sizeof hello &&
	    rd->images < MAX_IMAGES) {
		fd = new_image(rd);
		rd->image[rd->images - 1]->pid = (pid_t)hello.pid;
		struct cmsghdr *c = CMSG_FIRSTHDR(&m);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(sizeof fd);
		memcpy(CMSG_DATA(c), &fd, sizeof fd);
		sendmsg(s, &m, MSG_NOSIGNAL);
		close(fd);
	}
	close(s);
}

static void listen_at(struct reader *rd)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };

	snprintf(rd->path, sizeof rd->path, "/tmp/mmrr.%d.%p", (int)getpid(), (void *)rd);
	unlink(rd->path);
	memcpy(a.sun_path, rd->path, strlen(rd->path) + 1);
	rd->listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (bind(rd->listener, (struct sockaddr *)&a, sizeof a) != 0 ||
	    listen(rd->listener, 64) != 0)
		die("listen");
}

static pid_t start(struct reader *rd, char *const argv[])
{
	const char *preload = getenv("MM_PRELOAD"), *top = getenv("top_builddir");
	const char *user = getenv("MM_USER_PRELOAD");
	char built[4096], whole[4096], list[8192];
	pid_t pid = fork();

	if (pid != 0)
		return pid;
	snprintf(built, sizeof built, "%s/.libs/libmmprof.so", top ? top : ".");
	if (!realpath(preload ? preload : built, whole))
		die(built);
	snprintf(list, sizeof list, "%s%s%s", whole, user ? ":" : "", user ? user : "");
	setenv("LD_PRELOAD", list, 1);
	setenv(MM_ENV_SOCKET, rd->path, 1);
	if (rd->setup->env)
		putenv((char *)rd->setup->env);
	execvp(argv[0], argv);
	_exit(127);
}

/* --- the run -------------------------------------------------------------------------- */

static void intervene(struct reader *rd, unsigned round)
{
	for (uint32_t i = 0; i < rd->images; i++) {
		struct mm_shm_control *c = rd->image[i]->base;
		if (rd->setup->stop_after && round >= rd->setup->stop_after)
			atomic_store(&c->stopped, 1);
		if (rd->setup->stall_after && round >= rd->setup->stall_after) {
			rd->stalled = 1;
			atomic_fetch_or((_Atomic uint32_t *)&c->collector_lock,
					FUTEX_OWNER_DIED);
		}
	}
}

static void finish(struct reader *rd)
{
	for (uint32_t i = 0; i < rd->images; i++) {
		struct mm_shm_control *c = rd->image[i]->base;
		uint32_t n = atomic_load(&c->process_next);
		for (uint32_t p = 0; p < n && p < MM_SHM_PROCESSES; p++) {
			rd->r->processes += atomic_load(&mm_shm_process(c, p)->state) == MM_PROC_LIVE;
			rd->r->dropped += atomic_load(&mm_shm_process(c, p)->dropped);
		}
		atomic_fetch_and((_Atomic uint32_t *)&c->collector_lock,
				 ~(uint32_t)FUTEX_OWNER_DIED);
		pthread_mutex_unlock(&c->collector_lock);
		munmap(rd->image[i]->base, rd->image[i]->bytes);
		free(rd->image[i]);
	}
	close(rd->listener);
	unlink(rd->path);
}

void rr_run(const struct rr_setup *setup, char *const argv[], struct rr_result *r)
{
	struct reader rd = { .setup = setup, .r = r };
	int done = 0;
	pid_t pid;

	memset(r, 0, sizeof *r);
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	listen_at(&rd);
	pid = start(&rd, argv);
	for (unsigned round = 0;; round += rd.images != 0) {
		struct pollfd p = { .fd = rd.listener, .events = POLLIN };
		unsigned pause = setup->pause_us ? setup->pause_us : 1000;
		struct timespec limit = { .tv_nsec = (long)pause * 1000 };
		if (ppoll(&p, 1, &limit, NULL) > 0)
			serve(&rd);
		intervene(&rd, round);
		int any = rd.stalled ? 0 : round_over(&rd, round % 16 == 0);
		int status;
		pid_t got = 0;
		while ((got = waitpid(-1, &status, WNOHANG)) > 0)
			if (got == pid) {
				r->status = status;
				done = 1;
			}
		/* We are the subreaper: no child left means that nobody is. */
		if (done && got < 0 && !any && poll(&p, 1, 0) == 0)
			break;
	}
	if (!rd.stalled)
		round_over(&rd, 1);
	finish(&rd);
}

void rr_free(struct rr_result *r)
{
	free(r->rec);
	memset(r, 0, sizeof *r);
}

/* --- judging ---------------------------------------------------------------------------- */

struct half {
	uint64_t stamp, addr, size;
	size_t seq;
	int born;
};

static int by_stamp(const void *a, const void *b)
{
	const struct half *x = a, *y = b;

	if (x->stamp != y->stamp)
		return x->stamp < y->stamp ? -1 : 1;
	return x->seq < y->seq ? -1 : x->seq > y->seq;
}

struct live { uint64_t addr, size; };

static struct live *find(struct live *map, size_t cap, uint64_t addr)
{
	size_t i = (addr * UINT64_C(0x9e3779b97f4a7c15)) >> 20;

	for (;; i++)
		if (map[i % cap].addr == addr || map[i % cap].addr == 0)
			return &map[i % cap];
}

static size_t halves_of(const struct rr_result *r, uint32_t image, uint32_t process,
			struct half *h)
{
	size_t n = 0;

	for (size_t i = 0; i < r->count; i++) {
		const struct rr_record *e = &r->rec[i];
		if (e->image != image || e->process != process)
			continue;
		if (e->kind == MM_REC_FREE || e->kind == MM_REC_FREE_AT)
			h[n++] = (struct half){ e->stamp, e->addr, 0, i, 0 };
		if (e->kind == MM_REC_REALLOC)
			h[n++] = (struct half){ e->t0, e->old, 0, i, 0 };
		if (e->kind == MM_REC_ALLOC || e->kind == MM_REC_REALLOC)
			h[n++] = (struct half){ e->stamp, e->addr, e->size, i, 1 };
	}
	return n;
}

void rr_order(const struct rr_result *r, uint32_t image, uint32_t process,
	      struct rr_order *o)
{
	struct half *h = calloc(2 * r->count + 1, sizeof *h);
	size_t n = halves_of(r, image, process, h), cap = 4 * n + 16;
	struct live *map = calloc(cap, sizeof *map);

	memset(o, 0, sizeof *o);
	qsort(h, n, sizeof *h, by_stamp);
	for (size_t i = 0; i < n; i++) {
		struct live *l = find(map, cap, h[i].addr);
		int is_live = l->addr && l->size != UINT64_MAX;
		o->allocs += (uint64_t)h[i].born;
		o->frees += (uint64_t)!h[i].born;
		o->live_twice += (uint64_t)(h[i].born && is_live);
		o->unknown_frees += (uint64_t)(!h[i].born && !is_live);
		l->addr = h[i].addr;
		l->size = h[i].born ? h[i].size : UINT64_MAX;
	}
	for (size_t i = 0; i < cap; i++)
		if (map[i].addr && map[i].size != UINT64_MAX) {
			o->live_end++;
			o->live_bytes += map[i].size;
		}
	free(h);
	free(map);
}

size_t rr_count(const struct rr_result *r, uint32_t kind, uint64_t size)
{
	size_t n = 0;

	for (size_t i = 0; i < r->count; i++)
		n += r->rec[i].kind == kind && (size == SIZE_MAX || r->rec[i].size == size);
	return n;
}
