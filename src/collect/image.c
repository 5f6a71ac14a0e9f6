/* image.c: makes the mapping and reads its tables (image.h). */
#include "collect/image.h"

#include <errno.h>
#include <linux/futex.h>
#include <limits.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "core/error.h"

#define GIB (UINT64_C(1) << 30)
#define MIB (UINT64_C(1) << 20)

/* Our own address space may be limited as the program's is. */
static uint64_t wanted_bytes(void)
{
	uint64_t bytes = MM_SHM_MAP_MAX_GIB * GIB;
	struct rlimit r;

	if (!getrlimit(RLIMIT_AS, &r) && r.rlim_cur != RLIM_INFINITY)
		while (bytes > r.rlim_cur / 4 && bytes > MM_SHM_MAP_MIN_MIB * MIB)
			bytes /= 2;
	return bytes;
}

/* The limit of file sizes holds even where the file is memory: it is lifted for this
 * one call, as far as we may. */
static int set_size(int fd, uint64_t *bytes)
{
	struct rlimit old, r;
	int err = -1;

	if (getrlimit(RLIMIT_FSIZE, &old))
		return -1;
	r = (struct rlimit){ RLIM_INFINITY, RLIM_INFINITY };
	if (old.rlim_cur != RLIM_INFINITY && setrlimit(RLIMIT_FSIZE, &r)) {
		r = (struct rlimit){ old.rlim_max, old.rlim_max };
		setrlimit(RLIMIT_FSIZE, &r);
		if (*bytes > r.rlim_max)
			*bytes = r.rlim_max / MM_SEG_SIZE * MM_SEG_SIZE;
	}
	errno = EFBIG;
	if (*bytes >= MM_SHM_MAP_MIN_MIB * MIB)
		err = ftruncate(fd, (off_t)*bytes);
	if (old.rlim_cur != RLIM_INFINITY) {
		int e = errno;
		setrlimit(RLIMIT_FSIZE, &old);
		errno = e;
	}
	return err;
}

static int make_memory(struct mm_image *i, int *ret_fd, struct mm_diag *diag)
{
	i->bytes = wanted_bytes();
	int fd = memfd_create("mmprof", MFD_CLOEXEC);
	if (fd < 0)
		return mm_fail_errno(diag, "cannot make the shared memory of a recording");
	i->base = MAP_FAILED;
	if (!set_size(fd, &i->bytes))
		i->base = mmap(NULL, i->bytes, PROT_READ | PROT_WRITE,
			       MAP_SHARED | MAP_NORESERVE, fd, 0);
	if (i->base == MAP_FAILED) {
		int err = errno == EFBIG
			? mm_fail(diag, MM_ENOSPC, "the file size limit (ulimit -f) leaves no "
				  "room for the shared memory of a recording")
			: mm_fail_errno(diag, "cannot map the shared memory of a recording");
		close(fd);
		return err;
	}
	*ret_fd = fd;
	return MM_OK;
}

static void hold_lock(struct mm_image *i)
{
	pthread_mutexattr_t a;

	pthread_mutexattr_init(&a);
	pthread_mutexattr_setpshared(&a, PTHREAD_PROCESS_SHARED);
	pthread_mutexattr_setrobust(&a, PTHREAD_MUTEX_ROBUST);
	if (!pthread_mutex_init(&i->control->collector_lock, &a))
		i->lock_held = !pthread_mutex_lock(&i->control->collector_lock);
	pthread_mutexattr_destroy(&a);
}

int mm_image_create(struct mm_image **ret, const struct mm_image_options *options,
		    int *ret_fd, struct mm_diag *diag)
{
	struct mm_image *i = calloc(1, sizeof *i);
	int fd = -1;

	if (!i)
		return MM_ENOMEM;
	int err = make_memory(i, &fd, diag);
	if (err) {
		free(i);
		return err;
	}
	err = mm_shm_format(i->base, i->bytes, options->options, options->depth,
			    options->clock_kind);
	if (err) {
		munmap(i->base, i->bytes);
		close(fd);
		free(i);
		return err;
	}
	i->control = i->base;
	i->pidfd = -1;
	i->first_seg = i->control->first_seg;
	i->seg_count = i->control->seg_count;
	i->processes = mm_shm_process(i->base, 0);
	i->threads = mm_shm_thread(i->base, 0);
	hold_lock(i);
	*ret = i;
	*ret_fd = fd;
	return MM_OK;
}

void mm_image_destroy(struct mm_image *i)
{
	if (!i)
		return;
	atomic_store(&i->control->stopped, 1);
	atomic_fetch_add(&i->control->space_seq, 1);
	syscall(SYS_futex, &i->control->space_seq, FUTEX_WAKE, INT_MAX, NULL, NULL, 0);
	if (i->lock_held)
		pthread_mutex_unlock(&i->control->collector_lock);
	munmap(i->base, i->bytes);
	if (i->pidfd >= 0)
		close(i->pidfd);
	free(i->exe);
	free(i->cmd);
	free(i);
}

/* The segment that holds entry `number` of a directory. */
static const char *entry_segment(const struct mm_image *i, const _Atomic uint32_t *directory,
				 uint32_t entries, uint32_t per_segment, uint32_t number)
{
	if (number / per_segment >= entries)
		return NULL;
	return (const char *)mm_image_seg(i, atomic_load(&directory[number / per_segment]));
}

static const struct mm_shm_dir *directory(const struct mm_image *i, uint32_t process)
{
	if (process >= MM_SHM_PROCESSES)
		return NULL;
	return (const struct mm_shm_dir *)mm_image_seg(
		i, atomic_load(&i->processes[process].dir_seg));
}

int mm_image_node(const struct mm_image *i, uint32_t process, uint32_t number,
		  struct mm_shm_node *ret)
{
	const struct mm_shm_dir *d = directory(i, process);
	const char *s = d ? entry_segment(i, d->nodes, MM_NODE_DIR, MM_NODES_PER_SEG, number)
			  : NULL;

	if (!s)
		return MM_ENOENT;
	memcpy(ret, s + number % MM_NODES_PER_SEG * sizeof *ret, sizeof *ret);
	return MM_OK;
}

int mm_image_module(const struct mm_image *i, uint32_t process, uint32_t number,
		    struct mm_shm_module *ret)
{
	const struct mm_shm_dir *d = directory(i, process);
	const char *s = d ? entry_segment(i, d->modules, MM_MODULE_DIR, MM_MODULES_PER_SEG,
					  number)
			  : NULL;

	if (!s)
		return MM_ENOENT;
	memcpy(ret, s + number % MM_MODULES_PER_SEG * sizeof *ret, sizeof *ret);
	ret->path[sizeof ret->path - 1] = '\0';
	if (ret->build_id_len > sizeof ret->build_id)
		ret->build_id_len = 0;
	return MM_OK;
}

int mm_image_name(const struct mm_image *i, uint32_t process, uint32_t number,
		  struct mm_shm_name *ret)
{
	const struct mm_shm_dir *d = directory(i, process);
	const char *s = d ? entry_segment(i, d->names, MM_NAME_DIR, MM_NAMES_PER_SEG, number)
			  : NULL;

	if (!s)
		return MM_ENOENT;
	memcpy(ret, s + number % MM_NAMES_PER_SEG * sizeof *ret, sizeof *ret);
	ret->text[sizeof ret->text - 1] = '\0';
	return MM_OK;
}

/* While there are segments for all, whoever waits has filled its own ring: wake all. When
 * the pool is empty thousands may wait, of whom only so many can go on. */
void mm_image_wake_writers(struct mm_image *i)
{
	struct mm_shm_control *c = i->control;
	uint32_t given = i->given, in_use = atomic_load(&c->ring_segs);

	if (!given)
		return;
	i->given = 0;
	atomic_fetch_add(&c->space_seq, 1);
	if (atomic_load(&c->space_waiters))
		syscall(SYS_futex, &c->space_seq, FUTEX_WAKE,
			in_use + given < MM_RING_SEGS_ALL ? INT_MAX : (int)given, NULL, NULL, 0);
}

static void give_all(struct mm_image *i, _Atomic uint32_t *numbers, size_t count)
{
	for (size_t k = 0; k < count; k++) {
		uint32_t seg = atomic_exchange(&numbers[k], 0);
		if (mm_image_seg(i, seg))
			mm_shm_seg_give(i->base, seg);
	}
}

void mm_image_free_process(struct mm_image *i, uint32_t process)
{
	struct mm_shm_process *p = &i->processes[process];
	uint32_t seg = atomic_load(&p->dir_seg);
	struct mm_shm_dir *d = (struct mm_shm_dir *)mm_image_seg(i, seg);

	if (d) {
		give_all(i, d->nodes, MM_NODE_DIR);
		give_all(i, d->modules, MM_MODULE_DIR);
		give_all(i, d->names, MM_NAME_DIR);
		atomic_store(&p->dir_seg, 0);
		mm_shm_seg_give(i->base, seg);
	}
	i->owner[process] = NULL;
	atomic_store_explicit(&p->state, MM_PROC_DONE, memory_order_release);
}
