/* bridge.c: spans between readings of the clock (bridge.h).
 *
 * A handler may come between any two stores. A pier lags the clock by as long as its reading took, so
 * that another one's offset may be less: whoever finds that a handler has set one asks the clock. */
#include "capture/bridge.h"

#include <stdatomic.h>
#include <time.h>

#include "core/arch.h"

enum {
	SPAN = 1 << 15,     /* ticks */
	NARROW = 512,       /* ticks for a reading that nothing has interrupted */
	TRIAL_NS = 2000000, /* in which the rate is found; a longer one is begun anew ... */
	TRIAL_MOST_NS = 100000000,
	SHORTFALL = 10      /* log2 of the rate over what it is made lower by */
};

struct pier {
	uint64_t ticks;  /* 0 = none */
	uint64_t offset; /* of the clock from the scaled counter */
};

static __thread struct pier pier;
static __thread struct { uint64_t ticks, ns; } trial;
static __thread volatile uint32_t readings; /* begun, of handlers too */
static _Atomic uint64_t rate; /* << 32; 0 = not known yet */
static atomic_bool disproved;

static uint64_t read_clock(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

static inline uint64_t scaled(uint64_t ticks, uint64_t by)
{
	return (uint64_t)((unsigned __int128)ticks * by >> 32);
}

static void find_rate(uint64_t ticks, uint64_t ns)
{
	uint64_t took = ns - trial.ns;

	if (trial.ticks != 0 && took < TRIAL_NS)
		return;
	if (trial.ticks != 0 && took < TRIAL_MOST_NS && ticks > trial.ticks) {
		uint64_t found = (took << 32) / (ticks - trial.ticks);
		atomic_store(&rate, found - (found >> SHORTFALL));
		return;
	}
	trial.ticks = ticks;
	trial.ns = ns;
}

static void set_pier(uint64_t ticks, uint64_t ns, uint64_t by)
{
	*(volatile uint64_t *)&pier.ticks = 0;
	atomic_signal_fence(memory_order_seq_cst);
	pier.offset = ns - scaled(ticks, by);
	atomic_signal_fence(memory_order_seq_cst);
	*(volatile uint64_t *)&pier.ticks = ticks;
}

/* A span goes out from a reading of the counter made after that of the clock, so it lags. */
static uint64_t read_and_set(uint64_t by)
{
	uint32_t reading = ++readings;
	uint64_t before = mm_arch_stamp_alone(), ns = read_clock(), after = mm_arch_stamp();

	if (pier.ticks != 0 && scaled(before, by) + pier.offset > ns)
		atomic_store(&disproved, 1);
	if (after - before > NARROW || atomic_load(&disproved))
		pier.ticks = 0;
	else if (by == 0)
		find_rate(after, ns);
	else
		set_pier(after, ns, by);
	if (readings != reading)
		*(volatile uint64_t *)&pier.ticks = 0;
	return ns;
}

uint64_t mm_bridge_ns(void)
{
	uint64_t ticks = mm_arch_stamp_alone(), from = *(volatile uint64_t *)&pier.ticks;

	/* After the span: a handler in between may have found the rate that it goes by. */
	atomic_signal_fence(memory_order_seq_cst);
	uint64_t by = atomic_load_explicit(&rate, memory_order_relaxed);
	uint64_t given = scaled(ticks, by) + pier.offset;
	atomic_signal_fence(memory_order_seq_cst);
	if (__builtin_expect(ticks - from < SPAN && *(volatile uint64_t *)&pier.ticks == from, 1))
		return given;
	return read_and_set(by);
}

uint64_t mm_bridge_clock_ns(void)
{
	uint64_t ns = read_clock();

	/* Last: a handler may have set one. */
	*(volatile uint64_t *)&pier.ticks = 0;
	return ns;
}
