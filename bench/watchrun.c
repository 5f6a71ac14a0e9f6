/* watchrun.c: asks a trace as a full-screen view does, and says what it took, as JSON lines.
 * Usage: watchrun past FILE MOMENTS OBJECTS    open, first report, reports at random moments
 *        watchrun live FILE SECONDS            a trace that grows: refresh and report once a second */
#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/diag.h"
#include "model/inquiry.h"
#include "symbol/categories.h"
#include "trace/reader.h"

static struct mm_reader *reader;
static struct mm_inquiry *inquiry;
static uint64_t state = 88172645463325252u;

static uint64_t any(void)
{
	state ^= state << 13;
	state ^= state >> 7;
	return state ^= state << 17;
}

static double clock_of(clockid_t which)
{
	struct timespec t;

	clock_gettime(which, &t);
	return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static void die(const char *what, struct mm_diag *diag, int err)
{
	fprintf(stderr, "watchrun: %s: %s\n", what, mm_diag_text(diag, err));
	exit(2);
}

static void open_all(const char *path)
{
	struct mm_inquiry_options o = { 0 };
	struct mm_diag diag = { "" };
	int err = mm_categories_load(&o.categories, NULL, &diag);

	if (!err)
		err = mm_reader_open(&reader, path, &diag);
	if (!err)
		err = mm_inquiry_open(&inquiry, reader, &o);
	if (err)
		die(path, &diag, err);
}

static struct mm_report *ask(const char *from, const char *to, int objects)
{
	struct mm_model_options o = { .from = from, .to = to, .top = 50, .quick = 2,
		.objects = objects, .map = { .want = objects, .cells = 2000 },
		.tree = objects ? MM_TREE_NONE : MM_TREE_CALLEES, .tree_ppm = 5000 };
	struct mm_diag diag = { "" };
	struct mm_report *r;
	int err = mm_inquiry_report(&r, inquiry, &o, &diag);

	if (err)
		die("report", &diag, err);
	return r;
}

static int by_size(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

/* ranges: 1 = any, 0 = from the start to any moment, -1 = all */
static void ask_often(const char *what, int n, int objects, int ranges)
{
	double *wall = calloc((size_t)n + 1, sizeof *wall), *cpu = calloc((size_t)n + 1, sizeof *cpu);
	uint64_t duration = mm_reader_info(reader)->duration_ns;

	for (int i = 0; i < n; i++) {
		char from[40], to[40];
		uint64_t a = any() % duration, b = a + 1 + any() % (duration - a);
		snprintf(from, sizeof from, "%.9fs", (double)a / 1e9);
		snprintf(to, sizeof to, "%.9fs", (double)(ranges ? b : any() % duration + 1) / 1e9);
		wall[i] = -clock_of(CLOCK_MONOTONIC);
		cpu[i] = -clock_of(CLOCK_PROCESS_CPUTIME_ID);
		mm_report_free(ask(ranges > 0 ? from : NULL, ranges < 0 ? NULL : to, objects));
		wall[i] += clock_of(CLOCK_MONOTONIC);
		cpu[i] += clock_of(CLOCK_PROCESS_CPUTIME_ID);
	}
	qsort(wall, (size_t)n, sizeof *wall, by_size);
	qsort(cpu, (size_t)n, sizeof *cpu, by_size);
	printf("{\"what\": \"%s\", \"count\": %d, \"p50_ms\": %.1f, \"max_ms\": %.1f, "
	       "\"cpu_p50_ms\": %.1f, \"cpu_max_ms\": %.1f}\n", what, n, wall[n / 2], wall[n ? n - 1 : 0],
	       cpu[n / 2], cpu[n ? n - 1 : 0]);
	free(wall);
	free(cpu);
}

static void past(const char *path, int moments, int objects)
{
	double before = clock_of(CLOCK_MONOTONIC), opened;

	open_all(path);
	opened = clock_of(CLOCK_MONOTONIC);
	mm_report_free(ask(NULL, NULL, 0));
	printf("{\"what\": \"open\", \"open_ms\": %.1f, \"first_report_ms\": %.1f}\n",
	       opened - before, clock_of(CLOCK_MONOTONIC) - opened);
	ask_often("whole", moments, 0, -1);
	ask_often("moment", moments, 0, 0);
	ask_often("range", moments, 0, 1);
	ask_often("objects", objects, 1, 0);
	ask_often("objects of a range", objects, 1, 1);
}

static void live(const char *path, int seconds)
{
	double most = 0, most_wall = 0, all, cpu = clock_of(CLOCK_PROCESS_CPUTIME_ID);
	struct mm_diag diag = { "" };

	open_all(path);
	mm_report_free(ask(NULL, NULL, 0));
	double began = clock_of(CLOCK_MONOTONIC), first = clock_of(CLOCK_PROCESS_CPUTIME_ID) - cpu;
	cpu += first;
	uint64_t events = 0, latest = 0;
	for (int i = 1; i <= seconds; i++) {
		double due = began + i * 1000.0 - clock_of(CLOCK_MONOTONIC);
		if (due > 0)
			usleep((useconds_t)(due * 1000));
		double before = clock_of(CLOCK_PROCESS_CPUTIME_ID), wall = clock_of(CLOCK_MONOTONIC);
		int err = mm_inquiry_refresh(inquiry, &diag);
		if (err < 0)
			die("refresh", &diag, err);
		double refreshed = clock_of(CLOCK_PROCESS_CPUTIME_ID);
		struct mm_report *r = ask(NULL, NULL, 0);
		double now = clock_of(CLOCK_PROCESS_CPUTIME_ID);
		if (getenv("WATCHRUN_EACH"))
			fprintf(stderr, "%d chunks %d events %" PRIu64 " refresh %.1f report %.1f ms\n", i,
				err, r->run.event_count, refreshed - before, now - refreshed);
		latest = r->run.event_count;
		events = events ? events : latest;
		mm_report_free(r);
		most = now - before > most ? now - before : most;
		wall = clock_of(CLOCK_MONOTONIC) - wall;
		most_wall = wall > most_wall ? wall : most_wall;
	}
	all = clock_of(CLOCK_PROCESS_CPUTIME_ID) - cpu;
	printf("{\"what\": \"live\", \"seconds\": %d, \"events_per_s\": %.0f, \"first_ms\": %.1f, "
	       "\"cpu_percent\": %.2f, \"most_ms\": %.1f, \"most_wall_ms\": %.1f}\n", seconds,
	       seconds > 1 ? (double)(latest - events) / (seconds - 1) : 0.0, first,
	       all / (seconds * 10.0), most, most_wall);
}

int main(int argc, char **argv)
{
	if (argc == 5 && !strcmp(argv[1], "past"))
		past(argv[2], atoi(argv[3]), atoi(argv[4]));
	else if (argc == 4 && !strcmp(argv[1], "live"))
		live(argv[2], atoi(argv[3]));
	else
		return 2;
	return 0;
}
