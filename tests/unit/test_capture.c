/* test_capture.c: the preload against a collector that checks what it is told.
 *
 * The test program starts itself under the preload as one of capturevictims.h and
 * reads the rings with ringreader.h. Counts are exact unless a case says otherwise.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "capturevictims.h"
#include "core/shm.h"
#include "ringreader.h"

static void record(const struct rr_setup *s, const char *victim, struct rr_result *r)
{
	char self[4096], how[] = "--victim";
	char *argv[] = { self, how, (char *)(uintptr_t)victim, NULL };
	ssize_t n = readlink("/proc/self/exe", self, sizeof self - 1);

	assert_true(n > 0);
	self[n] = '\0';
	rr_run(s, argv, r);
	assert_int_equal(r->malformed, 0);
	assert_int_equal(r->rewinds, 0);
}

static void record_well(const struct rr_setup *s, const char *victim, struct rr_result *r)
{
	record(s, victim, r);
	assert_int_equal(r->status, 0);
	assert_int_equal(r->dropped, 0);
}

static size_t made(const struct rr_result *r, uint64_t size, uint32_t call, uint32_t align)
{
	size_t n = 0;

	for (size_t i = 0; i < r->count; i++) {
		const struct rr_record *e = &r->rec[i];
		n += e->kind == MM_REC_ALLOC && e->size == size && e->call == call &&
		     e->align == align;
	}
	return n;
}

static void every_call_once(void **state)
{
	struct rr_setup s = { 0 };
	struct rr_result r;
	struct rr_order o;

	(void)state;
	record_well(&s, "family", &r);
	assert_int_equal(made(&r, CV_SIZE, MM_CALL_MALLOC, 0), CV_FAMILY);
	assert_int_equal(made(&r, CV_SIZE, MM_CALL_CALLOC, 0), CV_FAMILY);
	assert_int_equal(rr_count(&r, MM_REC_REALLOC, CV_SIZE + 1), CV_FAMILY);
	assert_int_equal(made(&r, CV_SIZE + 2, MM_CALL_REALLOC, 0), CV_FAMILY);
	assert_int_equal(made(&r, CV_SIZE + 3, MM_CALL_REALLOC, 0), CV_FAMILY);
	assert_int_equal(made(&r, CV_SIZE + 4, MM_CALL_ALIGNED, 6), CV_FAMILY);
	assert_int_equal(made(&r, CV_SIZE + 5, MM_CALL_ALIGNED, 8), CV_FAMILY);
	assert_int_equal(made(&r, CV_SIZE + 6, MM_CALL_ALIGNED, 12), CV_FAMILY);
	assert_int_equal(made(&r, CV_SIZE + 7, MM_CALL_ALIGNED, 12), CV_FAMILY);
	assert_int_equal(made(&r, CV_SIZE + 8, MM_CALL_ALIGNED, 12), CV_FAMILY);
	assert_int_equal(rr_count(&r, MM_REC_FAILED, SIZE_MAX / 2 - CV_SIZE), 2 * CV_FAMILY);
	assert_int_equal(rr_count(&r, MM_REC_FAILED, SIZE_MAX), 2 * CV_FAMILY);
	rr_order(&r, 0, 0, &o);
	assert_int_equal(o.live_twice, 0);
	assert_int_equal(o.unknown_frees, 0);
	assert_int_equal(r.events, r.count);
	rr_free(&r);
}

static void full_rings_wait(void **state)
{
	struct rr_setup s = { .pause_us = 5000 };
	struct rr_result r;
	struct rr_order o;

	(void)state;
	record_well(&s, "churn", &r);
	assert_int_equal(made(&r, CV_SIZE, MM_CALL_MALLOC, 0), CV_CHURN);
	assert_in_range(r.most_segs, 2, MM_RING_SEGS_THREAD);
	rr_order(&r, 0, 0, &o);
	assert_int_equal(o.live_twice + o.unknown_frees, 0);
	assert_int_equal(o.allocs - o.frees, o.live_end);
	rr_free(&r);
}

static void full_rings_drop_and_count(void **state)
{
	struct rr_setup s = { .options = MM_OPT_DROP, .pause_us = 20000 };
	struct rr_result r;

	(void)state;
	record(&s, "churn", &r);
	assert_int_equal(r.status, 0);
	assert_true(r.dropped > 0);
	assert_true(r.count + r.dropped >= 2 * (uint64_t)CV_CHURN);
	assert_true(r.count + r.dropped < 2 * (uint64_t)CV_CHURN + 5000);
	rr_free(&r);
}

static void hand_over(const struct rr_setup *s)
{
	struct rr_result r;
	struct rr_order o;

	record_well(s, "handover", &r);
	rr_order(&r, 0, 0, &o);
	assert_int_equal(o.live_twice, 0);
	assert_int_equal(o.unknown_frees, 0);
	assert_true(made(&r, 48, MM_CALL_MALLOC, 0) >= CV_HAND_THREADS * CV_HAND_EACH);
	assert_int_equal(o.allocs - o.frees, o.live_end);
	assert_int_equal(r.threads, CV_HAND_THREADS + 1);
	rr_free(&r);
}

static void handed_over_in_order(void **state)
{
	struct rr_setup s = { 0 };

	(void)state;
	hand_over(&s);
}

static void handed_over_while_segments_are_taken(void **state)
{
	struct rr_setup s = { .revoke = 1, .pause_us = 100 };

	(void)state;
	hand_over(&s);
}

static uint64_t monotonic_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

static void handed_over_by_the_other_clock(void **state)
{
	struct rr_setup s = { .clock_kind = MM_CLOCK_MONOTONIC };
	struct rr_result r;
	uint64_t begin = monotonic_ns();

	(void)state;
	record_well(&s, "handover", &r);
	for (size_t i = 0; i < r.count; i++)
		assert_in_range(r.rec[i].stamp, begin, monotonic_ns());
	rr_free(&r);
}

static void idle_threads_give_and_come_back(void **state)
{
	struct rr_setup s = { .revoke = 1, .pause_us = 500 };
	struct rr_result r;

	(void)state;
	record_well(&s, "idle", &r);
	assert_int_equal(made(&r, CV_SIZE, MM_CALL_MALLOC, 0), CV_IDLE_THREADS * CV_IDLE_ROUNDS);
	assert_true(r.revoked > CV_IDLE_THREADS);
	rr_free(&r);
}

static void handlers_are_recorded_exactly(void **state)
{
	struct rr_setup s = { 0 };
	struct rr_result r;
	struct rr_order o;
	uint64_t handled = 0;

	(void)state;
	record_well(&s, "storm", &r);
	for (size_t i = 0; i < r.count; i++)
		if (r.rec[i].kind == MM_REC_METRIC)
			handled = r.rec[i].old;
	assert_true(handled > 10);
	assert_int_equal(made(&r, CV_SIZE, MM_CALL_NOTE, 0), CV_STORM);
	assert_int_equal(made(&r, CV_SIZE + 1, MM_CALL_NOTE, 0), handled);
	assert_int_equal(rr_count(&r, MM_REC_REALLOC, 20) + made(&r, 20, MM_CALL_REALLOC, 0),
			 CV_STORM);
	rr_order(&r, 0, 0, &o);
	assert_int_equal(o.live_twice + o.unknown_frees, 0);
	assert_int_equal(o.allocs - o.frees, o.live_end);
	rr_free(&r);
}

static void longjmp_leaves_no_trace(void **state)
{
	struct rr_setup s = { 0 };
	struct rr_result r;
	uint64_t last = 0, noted = 0, jumps;
	size_t lost = 0;

	(void)state;
	record_well(&s, "jumping", &r);
	jumps = made(&r, CV_SIZE + 1, MM_CALL_NOTE, 0);
	assert_true(jumps > 10);
	for (size_t i = 0; i < r.count; i++) {
		const struct rr_record *e = &r.rec[i];
		if (e->kind == MM_REC_METRIC)
			noted = e->old;
		if (e->kind != MM_REC_ALLOC || e->size >> CV_SHIFT != CV_SIZE)
			continue;
		uint64_t n = e->size & ((1 << CV_SHIFT) - 1);
		assert_true(n > last);
		lost += n - last - 1;
		last = n;
	}
	assert_true(noted > 0 && last <= noted);
	assert_true(lost <= jumps); /* only what a jump cut short */
	rr_free(&r);
}

static void each_child_apart(const char *victim, int forked)
{
	struct rr_setup s = { 0 };
	struct rr_result r;
	size_t of_child[CV_FORKS + 1] = { 0 }, named = 0;

	record_well(&s, victim, &r);
	assert_int_equal(r.images, 1);
	assert_int_equal(r.processes, CV_FORKS + 1);
	for (size_t i = 0; i < r.count; i++) {
		const struct rr_record *e = &r.rec[i];
		assert_in_range(e->process, 0, CV_FORKS);
		if (e->kind == MM_REC_ALLOC && e->size == CV_SIZE) {
			of_child[e->process]++;
			named += strcmp(e->text, "sdf_fields") == 0;
		}
	}
	assert_int_equal(of_child[0], 0);
	for (int i = 1; i <= CV_FORKS; i++)
		assert_int_equal(of_child[i], CV_FORK_OBJECTS);
	assert_int_equal(named, CV_FORKS * CV_FORK_OBJECTS);
	assert_int_equal(rr_count(&r, MM_REC_FORK, SIZE_MAX), forked ? CV_FORKS : 0);
	assert_int_equal(made(&r, CV_SIZE + 1, MM_CALL_MALLOC, 0), 10 * CV_FORKS);
	rr_free(&r);
}

static void forked_children_are_processes(void **state)
{
	(void)state;
	each_child_apart("forks", 1);
}

static void cloned_children_are_processes(void **state)
{
	(void)state;
	each_child_apart("clones", 0);
}

static void children_can_be_left_out(void **state)
{
	struct rr_setup s = { .options = MM_OPT_NO_FOLLOW };
	struct rr_result r;

	(void)state;
	setenv("MM_USER_PRELOAD", "libm.so.6", 1);
	record_well(&s, "environment", &r);
	unsetenv("MM_USER_PRELOAD");
	assert_int_equal(r.processes, 1);
	assert_int_equal(made(&r, CV_SIZE, MM_CALL_MALLOC, 0), 1);
	rr_free(&r);
}

static void stopping_is_no_matter(void **state)
{
	struct rr_setup s = { .stop_after = 3, .pause_us = 20000 };
	struct rr_result r;

	(void)state;
	record(&s, "churn", &r);
	assert_int_equal(r.status, 0);
	assert_true(r.count < 2 * (uint64_t)CV_CHURN);
	rr_free(&r);
}

static void a_dead_collector_is_no_matter(void **state)
{
	struct rr_setup s = { .stall_after = 3, .pause_us = 20000 };
	struct rr_result r;

	(void)state;
	record(&s, "churn", &r);
	assert_int_equal(r.status, 0);
	assert_true(r.count < 2 * (uint64_t)CV_CHURN);
	rr_free(&r);
}

static void little_memory_is_enough(void **state)
{
	struct rr_setup s = { .map_mib = MM_SHM_MAP_MIN_MIB, .pause_us = 5000 };
	struct rr_result r;

	(void)state;
	record_well(&s, "churn", &r);
	assert_int_equal(made(&r, CV_SIZE, MM_CALL_MALLOC, 0), CV_CHURN);
	rr_free(&r);
}

static void notes_arrive(void **state)
{
	static const char *want[] = { "", "svo_nodes", "mesh_data", "svo_nodes" };
	struct rr_setup s = { 0 };
	struct rr_result r;
	int seen = 0;

	(void)state;
	record_well(&s, "notes", &r);
	for (size_t i = 0; i < r.count; i++) {
		const struct rr_record *e = &r.rec[i];
		if (e->kind == MM_REC_ALLOC && e->size >= CV_SIZE && e->size < CV_SIZE + 4) {
			assert_string_equal(e->text, want[e->size - CV_SIZE]);
			seen++;
		}
		if (e->kind == MM_REC_MARK) {
			assert_string_equal(e->text, "here we are");
			seen += 10;
		}
		if (e->kind == MM_REC_METRIC) {
			assert_string_equal(e->text, "nodes");
			assert_int_equal((int64_t)e->old, -77);
			seen += 100;
		}
	}
	assert_int_equal(seen, 114);
	rr_free(&r);
}

static void mappings_when_asked(void **state)
{
	struct rr_setup s = { .options = MM_OPT_MMAP };
	struct rr_result r;

	(void)state;
	record_well(&s, "maps", &r);
	assert_int_equal(rr_count(&r, MM_REC_MAP, 3 << 16), 10);
	assert_int_equal(rr_count(&r, MM_REC_REMAP, 5 << 16), 10);
	assert_int_equal(rr_count(&r, MM_REC_UNMAP, 5 << 16), 10);
	rr_free(&r);
	s.options = 0;
	record_well(&s, "maps", &r);
	assert_int_equal(rr_count(&r, MM_REC_MAP, SIZE_MAX), 0);
	rr_free(&r);
}

static void frees_with_stacks_when_asked(void **state)
{
	struct rr_setup s = { .options = MM_OPT_FREE_STACKS };
	struct rr_result r;
	size_t sited = 0;

	(void)state;
	record_well(&s, "family", &r);
	/* A realloc to nothing is a free half, which has its site in no record. */
	assert_in_range(rr_count(&r, MM_REC_FREE, SIZE_MAX), CV_FAMILY, CV_FAMILY);
	for (size_t i = 0; i < r.count; i++)
		sited += r.rec[i].kind == MM_REC_FREE_AT && r.rec[i].node != 0;
	assert_true(sited >= 8 * CV_FAMILY);
	rr_free(&r);
}

/* --- nobody there ------------------------------------------------------------------------ */

static int run_against(const char *path)
{
	char preload[4096], whole[4096];
	const char *top = getenv("top_builddir"), *given = getenv("MM_PRELOAD");
	pid_t pid = fork();
	int status;

	if (pid == 0) {
		snprintf(preload, sizeof preload, "%s/.libs/libmmprof.so", top ? top : ".");
		setenv("LD_PRELOAD", given ? given : realpath(preload, whole), 1);
		setenv(MM_ENV_SOCKET, path, 1);
		execl("/proc/self/exe", "test_capture", "--victim", "notes", (char *)NULL);
		_exit(127);
	}
	waitpid(pid, &status, 0);
	return status;
}

static void nobody_there_is_no_matter(void **state)
{
	(void)state;
	assert_int_equal(run_against("/no/such/socket"), 0);
	assert_int_equal(run_against(""), 0);
	assert_int_equal(run_against("/a/path/longer/than/any/socket/may/be/aaaaaaaaaaaaaaaaaaaaaaaa"
				     "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"), 0);
}

struct rude { int listener; const void *say; size_t n; };

static void *be_rude(void *arg)
{
	struct rude *r = arg;
	int s = accept(r->listener, NULL, NULL);

	if (r->n)
		send(s, r->say, r->n, MSG_NOSIGNAL);
	close(s);
	return NULL;
}

static void rudeness_is_no_matter(void **state)
{
	const struct mm_shm_welcome refused = { MM_SHM_MAGIC, MM_SHM_VERSION, 1 };
	const struct mm_shm_welcome nothing = { MM_SHM_MAGIC, MM_SHM_VERSION, 0 };
	const struct mm_shm_welcome newer = { MM_SHM_MAGIC, MM_SHM_VERSION + 1, 0 };
	struct rude all[] = { { 0, NULL, 0 }, { 0, "x", 1 }, { 0, &refused, sizeof refused },
			      { 0, &nothing, sizeof nothing }, { 0, &newer, sizeof newer } };
	struct sockaddr_un a = { .sun_family = AF_UNIX };

	(void)state;
	snprintf(a.sun_path, sizeof a.sun_path, "/tmp/mmrude.%d", (int)getpid());
	for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
		pthread_t t;
		unlink(a.sun_path);
		all[i].listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
		assert_int_equal(bind(all[i].listener, (struct sockaddr *)&a, sizeof a), 0);
		assert_int_equal(listen(all[i].listener, 1), 0);
		pthread_create(&t, NULL, be_rude, &all[i]);
		assert_int_equal(run_against(a.sun_path), 0);
		pthread_join(t, NULL);
		close(all[i].listener);
	}
	unlink(a.sun_path);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_call_once),
		cmocka_unit_test(full_rings_wait),
		cmocka_unit_test(full_rings_drop_and_count),
		cmocka_unit_test(handed_over_in_order),
		cmocka_unit_test(handed_over_while_segments_are_taken),
		cmocka_unit_test(handed_over_by_the_other_clock),
		cmocka_unit_test(idle_threads_give_and_come_back),
		cmocka_unit_test(handlers_are_recorded_exactly),
		cmocka_unit_test(longjmp_leaves_no_trace),
		cmocka_unit_test(forked_children_are_processes),
		cmocka_unit_test(cloned_children_are_processes),
		cmocka_unit_test(children_can_be_left_out),
		cmocka_unit_test(stopping_is_no_matter),
		cmocka_unit_test(a_dead_collector_is_no_matter),
		cmocka_unit_test(little_memory_is_enough),
		cmocka_unit_test(notes_arrive),
		cmocka_unit_test(mappings_when_asked),
		cmocka_unit_test(frees_with_stacks_when_asked),
		cmocka_unit_test(nobody_there_is_no_matter),
		cmocka_unit_test(rudeness_is_no_matter),
	};
	int victim = capture_victim(argc, argv);

	if (victim >= 0)
		return victim;
	return cmocka_run_group_tests_name("capture", tests, NULL, NULL);
}
