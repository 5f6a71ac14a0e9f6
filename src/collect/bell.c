/* bell.c: futexes (bell.h). Several at once need futex_waitv (Linux 5.16); on an older
 * kernel targets cannot ring and the sleep is short instead. */
#include "collect/bell.h"

#include <errno.h>
#include <limits.h>
#include <linux/futex.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "collect/stampclock.h"

#ifndef SYS_futex_waitv
#define SYS_futex_waitv 449
#endif

enum { WORDS_MAX = 128, SHORT_NS = 1000000 };

struct waitv { /* struct futex_waitv of <linux/futex.h>, which may be older */
	uint64_t value, address;
	uint32_t flags, reserved;
};

enum { WAITV_32 = 2, WAITV_PRIVATE = 128 };

void mm_bell_ring(struct mm_bell *b)
{
	int saved = errno;

	atomic_fetch_add(&b->word, 1);
	syscall(SYS_futex, &b->word, FUTEX_WAKE | FUTEX_PRIVATE_FLAG, INT_MAX, NULL, NULL, 0);
	errno = saved;
}

static void wait_alone(struct mm_bell *b, uint32_t seen, uint64_t ns)
{
	struct timespec ts = { (time_t)(ns / 1000000000u), (long)(ns % 1000000000u) };

	syscall(SYS_futex, &b->word, FUTEX_WAIT | FUTEX_PRIVATE_FLAG, seen, &ts, NULL, 0);
}

static void set(struct waitv *w, _Atomic uint32_t *word, uint32_t value, uint32_t flags)
{
	w->value = value;
	w->address = (uint64_t)(uintptr_t)word;
	w->flags = WAITV_32 | flags;
	w->reserved = 0;
}

/* 0 when this kernel has no such call. */
static int wait_all(struct waitv *w, unsigned n, uint64_t ns)
{
	uint64_t end = mm_monotonic_ns() + ns;
	struct timespec ts = { (time_t)(end / 1000000000u), (long)(end % 1000000000u) };

	return syscall(SYS_futex_waitv, w, n, 0, &ts, CLOCK_MONOTONIC) >= 0 || errno != ENOSYS;
}

void mm_bell_wait(struct mm_bell *b, uint32_t seen, struct mm_image *const *images,
		  size_t count, uint64_t ns)
{
	struct waitv w[WORDS_MAX];

	if (count == 0 || count >= WORDS_MAX) {
		wait_alone(b, seen, count && ns > SHORT_NS ? SHORT_NS : ns);
		return;
	}
	set(&w[0], &b->word, seen, WAITV_PRIVATE);
	for (size_t i = 0; i < count; i++) {
		struct mm_shm_control *c = images[i]->control;
		set(&w[i + 1], &c->wake_seq, atomic_load(&c->wake_seq), 0);
		atomic_store(&c->sleeping, 1);
	}
	if (!wait_all(w, (unsigned)count + 1, ns))
		wait_alone(b, seen, ns > SHORT_NS ? SHORT_NS : ns);
	for (size_t i = 0; i < count; i++)
		atomic_store(&images[i]->control->sleeping, 0);
}
