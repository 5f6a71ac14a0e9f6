/* test_bridge.c: between readings of the clock the time is what the clock says, and never
 * ahead of it; a counter that gets ahead is dropped. */
#define _GNU_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <signal.h>
#include <sys/time.h>
#include <time.h>

#include "capture/bridge.h"

enum { ROUNDS = 1000000, LAG_NS = 1000, BACK_NS = 50000 };

int __real_clock_gettime(clockid_t clock, struct timespec *ret);
int __wrap_clock_gettime(clockid_t clock, struct timespec *ret);

static unsigned long readings;
static uint64_t behind_ns; /* what the bridge's clock is behind the real one */

static uint64_t ns_of(const struct timespec *t)
{
	return (uint64_t)t->tv_sec * 1000000000 + (uint64_t)t->tv_nsec;
}

static uint64_t real_ns(void)
{
	struct timespec now;

	__real_clock_gettime(CLOCK_MONOTONIC, &now);
	return ns_of(&now);
}

/* What the bridge reads. */
int __wrap_clock_gettime(clockid_t clock, struct timespec *ret)
{
	int err = __real_clock_gettime(clock, ret);
	uint64_t ns = ns_of(ret) - behind_ns;

	readings++;
	ret->tv_sec = (time_t)(ns / 1000000000);
	ret->tv_nsec = (long)(ns % 1000000000);
	return err;
}

static void follow(unsigned rounds)
{
	uint64_t last = 0;

	for (unsigned i = 0; i < rounds; i++) {
		uint64_t before = real_ns(), ns = mm_bridge_ns(), after = real_ns();
		assert_true(ns + LAG_NS >= before);
		assert_true(ns <= after);
		assert_true(ns >= last);
		last = ns;
	}
}

static void is_the_clock_with_few_readings(void **state)
{
	(void)state;
	follow(ROUNDS); /* finds the rate */
	readings = 0;
	follow(ROUNDS);
	assert_true(readings > 0);
	assert_true(readings < ROUNDS / 10);
}

static void a_reading_between_is_not_undercut(void **state)
{
	(void)state;
	for (int i = 0; i < ROUNDS / 10; i++) {
		mm_bridge_ns();
		uint64_t clock = mm_bridge_clock_ns();
		assert_true(mm_bridge_ns() >= clock);
	}
}

static volatile sig_atomic_t handled;

static void handler(int sig)
{
	(void)sig;
	mm_bridge_ns();
	handled++;
}

static void handlers_do_no_harm(void **state)
{
	struct itimerval often = { { 0, 50 }, { 0, 50 } }, never = { { 0, 0 }, { 0, 0 } };

	(void)state;
	signal(SIGALRM, handler);
	setitimer(ITIMER_REAL, &often, NULL);
	follow(ROUNDS);
	setitimer(ITIMER_REAL, &never, NULL);
	assert_true(handled > 100);
}

/* As where the counter jumps ahead. */
static void is_dropped_when_it_is_ahead(void **state)
{
	(void)state;
	follow(ROUNDS / 10);
	behind_ns = BACK_NS;
	for (uint64_t end = real_ns() + 1000000; real_ns() < end;)
		mm_bridge_ns();
	readings = 0;
	for (int i = 0; i < 1000; i++) {
		uint64_t ns = mm_bridge_ns();
		assert_true(ns <= real_ns() - BACK_NS);
	}
	assert_int_equal(readings, 1000);
	behind_ns = 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(is_the_clock_with_few_readings),
		cmocka_unit_test(a_reading_between_is_not_undercut),
		cmocka_unit_test(handlers_do_no_harm),
		cmocka_unit_test(is_dropped_when_it_is_ahead), /* the last: it is for good */
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
