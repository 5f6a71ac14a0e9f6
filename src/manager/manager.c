/* manager.c: managers come and go, and are whole in a forked child (mm.h). */
#include "manager/manager.h"

#include <pthread.h>
#include <string.h>
#include <sys/mman.h>

#include "core/error.h"
#include "manager/front.h"

#define ADDRESSES (UINT64_C(1) << 40)

static struct {
	struct mm_lock lock;
	struct mm_manager *first;
	struct mm_manager *standing; /* the default */
	pthread_once_t once, standing_once;
} managers = { .once = PTHREAD_ONCE_INIT, .standing_once = PTHREAD_ONCE_INIT };

/* --- fork ------------------------------------------------------------------------------ */

/* Every lock is held while the process is copied, in the order in which calls take them, so
 * that the child finds whatever they guard whole. */
static void hold_all(void)
{
	mm_lock_take(&managers.lock);
	for (struct mm_manager *m = managers.first; m; m = m->next)
		mm_lock_take(&m->lock);
	mm_front_hold();
	for (struct mm_manager *m = managers.first; m; m = m->next) {
		for (struct mm_pool *p = m->pools; p; p = p->next)
			mm_lock_take(&p->depot.lock);
		mm_voxel_pools_hold(m);
		mm_lock_take(&m->vspace.lock);
		mm_lock_take(&m->slabs.lock);
		mm_lock_take(&m->meta.lock);
	}
}

static void release_all(void)
{
	for (struct mm_manager *m = managers.first; m; m = m->next) {
		mm_lock_give(&m->meta.lock);
		mm_lock_give(&m->slabs.lock);
		mm_lock_give(&m->vspace.lock);
		mm_voxel_pools_go_on(m);
		for (struct mm_pool *p = m->pools; p; p = p->next)
			mm_lock_give(&p->depot.lock);
	}
	mm_front_release();
	for (struct mm_manager *m = managers.first; m; m = m->next)
		mm_lock_give(&m->lock);
	mm_lock_give(&managers.lock);
}

static void watch_forks(void)
{
	pthread_atfork(hold_all, release_all, release_all);
}

/* --- coming and going -------------------------------------------------------------------- */

static void close_manager(struct mm_manager *m)
{
	mm_vspace_deinit(&m->vspace);
	mm_meta_deinit(&m->meta);
	munmap(m, sizeof *m);
}

int mm_manager_create(struct mm_manager **ret)
{
	static const struct mm_vspace_options space = { .bytes = ADDRESSES, .page_bytes = 4096,
		.retain_bytes = UINT64_MAX };
	struct mm_manager *m = mmap(NULL, sizeof *m, PROT_READ | PROT_WRITE,
				    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (m == MAP_FAILED)
		return MM_ENOMEM;
	int err = mm_vspace_init(&m->vspace, &space, &m->meta);
	if (err) {
		close_manager(m);
		return err;
	}
	mm_slabs_init(&m->slabs, &m->meta);
	m->ground = (struct mm_ground){ &m->meta, &m->vspace, &m->slabs, 0 };
	pthread_once(&managers.once, watch_forks);
	mm_lock_take(&managers.lock);
	if ((m->next = managers.first) != NULL)
		m->next->prev = m;
	managers.first = m;
	mm_lock_give(&managers.lock);
	*ret = m;
	return MM_OK;
}

void mm_manager_destroy(struct mm_manager *m)
{
	if (!m || m == managers.standing)
		return;
	while (m->pools)
		mm_pool_destroy(m->pools);
	mm_voxel_pools_destroy(m);
	mm_lock_take(&managers.lock);
	if (m->prev)
		m->prev->next = m->next;
	else
		managers.first = m->next;
	if (m->next)
		m->next->prev = m->prev;
	mm_lock_give(&managers.lock);
	close_manager(m);
}

static void make_standing(void)
{
	struct mm_manager *m;

	if (mm_manager_create(&m) == MM_OK)
		managers.standing = m;
}

struct mm_manager *mm_manager_default(void)
{
	pthread_once(&managers.standing_once, make_standing);
	return managers.standing;
}
