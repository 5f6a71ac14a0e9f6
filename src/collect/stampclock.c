/* stampclock.c: anchors and the lines between them (stampclock.h). */
#include "collect/stampclock.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/buf.h"
#include "core/arch.h"
#include "core/error.h"
#include "core/shm.h"

enum { TRIES = 4, NARROW = 4096 /* stamps between the two readings of a good anchor */ };

uint64_t mm_monotonic_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

uint32_t mm_stampclock_kind(void)
{
	char text[16] = "";
	int fd = open("/sys/devices/system/clocksource/clocksource0/current_clocksource",
		      O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return MM_CLOCK_MONOTONIC;
	ssize_t n = read(fd, text, sizeof text - 1);
	close(fd);
	return n >= 3 && strncmp(text, "tsc", 3) == 0 ? MM_CLOCK_TSC : MM_CLOCK_MONOTONIC;
}

static uint64_t stamp_now(const struct mm_stampclock *c)
{
	return c->kind == MM_CLOCK_TSC ? mm_arch_stamp() : mm_monotonic_ns();
}

/* The nearest pair of a few readings: being preempted between two clocks would
 * bend the line. */
static void read_both(const struct mm_stampclock *c, uint64_t *stamp, uint64_t *ns)
{
	uint64_t best = UINT64_MAX;

	for (int i = 0; i < TRIES && best > NARROW; i++) {
		uint64_t before = stamp_now(c);
		uint64_t t = mm_monotonic_ns();
		uint64_t width = stamp_now(c) - before;
		if (width < best) {
			best = width;
			*stamp = before + width / 2;
			*ns = t;
		}
	}
}

int mm_stampclock_init(struct mm_stampclock *c, uint32_t kind)
{
	uint64_t stamp = 0;

	memset(c, 0, sizeof *c);
	c->kind = kind;
	read_both(c, &stamp, &c->start_ns);
	return mm_stampclock_add(c, stamp, 0);
}

void mm_stampclock_deinit(struct mm_stampclock *c)
{
	free(c->anchors);
	memset(c, 0, sizeof *c);
}

static void draw_line(struct mm_anchor *a, const struct mm_anchor *b)
{
	a->mult = (uint64_t)(((unsigned __int128)(b->ns - a->ns) << 32) /
			     (b->stamp - a->stamp));
}

int mm_stampclock_add(struct mm_stampclock *c, uint64_t stamp, uint64_t ns)
{
	struct mm_anchor *last = c->count ? &c->anchors[c->count - 1] : NULL;

	if (last && (stamp <= last->stamp || ns < last->ns))
		return MM_OK;
	if (MM_GROW(c->anchors, c->cap, c->count + 1))
		return MM_ENOMEM;
	c->anchors[c->count] = (struct mm_anchor){ .stamp = stamp, .ns = ns };
	if (c->count)
		draw_line(&c->anchors[c->count - 1], &c->anchors[c->count]);
	c->count++;
	return MM_OK;
}

uint64_t mm_stampclock_tick(struct mm_stampclock *c)
{
	uint64_t stamp = 0, ns = 0;

	read_both(c, &stamp, &ns);
	ns -= c->start_ns;
	if (mm_stampclock_add(c, stamp, ns) && c->count > 1) {
		struct mm_anchor *last = &c->anchors[c->count - 1];
		last->stamp = stamp;
		last->ns = ns;
		draw_line(last - 1, last);
	}
	return stamp;
}

uint64_t mm_stampclock_find(const struct mm_stampclock *c, uint64_t *cursor, uint64_t stamp)
{
	uint64_t i = *cursor > c->first ? *cursor - c->first : 0;

	if (i >= c->count)
		i = c->count - 1;
	while (i + 1 < c->count && c->anchors[i + 1].stamp <= stamp)
		i++;
	while (i > 0 && c->anchors[i].stamp > stamp)
		i--;
	*cursor = c->first + i;
	const struct mm_anchor *a = &c->anchors[i];
	if (stamp <= a->stamp || i + 1 == c->count)
		return a->ns;
	return a->ns + (uint64_t)(((unsigned __int128)(stamp - a->stamp) * a->mult) >> 32);
}

void mm_stampclock_forget(struct mm_stampclock *c, uint64_t stamp)
{
	size_t n = 0;

	while (n + 2 < c->count && c->anchors[n + 1].stamp <= stamp)
		n++;
	if (n < 256)
		return;
	memmove(c->anchors, c->anchors + n, (c->count - n) * sizeof *c->anchors);
	c->count -= n;
	c->first += n;
}
