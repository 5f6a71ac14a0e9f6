/* make_events.c: writes a trace of as many events as asked for: a program that keeps LIVE
 * objects of random sizes and replaces one after the other, in any order.
 * Usage: make_events [-a] [-s SITES] [-c CATEGORIES] [-k EVENTS] [-r EVENTS_A_SECOND]
 *                    FILE EVENTS LIVE
 *   -a  with addresses: each of the LIVE places has one of its own
 *   -s  born at one of so many sites, some of them much more often than others
 *   -c  those of the first half of the sites below one of so many categories
 *   -k  in chunks of at most so many events
 *   -r  at that pace, and written at least every 100 ms as a recording does */
#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/diag.h"
#include "trace/writer.h"

struct plan {
	int addresses;
	uint32_t sites, categories, live;
	uint64_t pace, events, chunk;
	uint32_t *site; /* their numbers in the trace */
};

static uint64_t state = 88172645463325252u;

static uint64_t any(void)
{
	state ^= state << 13;
	state ^= state >> 7;
	return state ^= state << 17;
}

static uint64_t any_size(void)
{
	uint64_t r = any();

	return r % 1024 == 0 ? r / 1024 % 200000 : r % 16 == 0 ? r / 16 % 4000 : r % 256;
}

static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

/* The smaller of two: low numbers are met more often. */
static uint32_t any_site(const struct plan *p)
{
	uint64_t a = any() % p->sites, b = any() % p->sites;

	return p->site[a * b / p->sites];
}

static int make_category(struct mm_stream *s, uint32_t number, uint32_t *ret)
{
	char name[32];
	uint32_t string;
	int len = snprintf(name, sizeof name, "made_%" PRIu32, number);
	int err = mm_stream_string(s, name, (size_t)len, &string);

	return err ? err : mm_stream_site(s, &(struct mm_site){ .value = string,
					  .kind = MM_SITE_CATEGORY }, ret);
}

static int make_sites(struct mm_stream *s, struct plan *p)
{
	struct mm_module m = { .start = 0x400000, .end = 0x80000000, .path = "./made" };
	uint32_t module, above = 0;
	int err = mm_stream_module(s, &m, &module);

	p->site = calloc(p->sites, sizeof *p->site);
	if (!p->site)
		return MM_ENOMEM;
	for (uint32_t i = 0; !err && i < p->sites; i++) {
		uint32_t parent = 0;
		if (p->categories && i < p->sites / 2)
			err = make_category(s, i % p->categories, &parent);
		else if (i % 8)
			parent = above;
		struct mm_site site = { .parent = parent, .module = module,
			.value = 0x400000 + (uint64_t)i * 64, .kind = MM_SITE_FRAME };
		if (!err)
			err = mm_stream_site(s, &site, &p->site[i]);
		above = p->site[i];
	}
	return err;
}

/* Waits until event `i` is due; every 100 ms what there is is written. */
static int keep_pace(struct mm_writer *w, const struct plan *p, uint64_t i, uint64_t began,
		     uint64_t *synced)
{
	uint64_t due = began + (uint64_t)((double)i * 1e9 / (double)p->pace), now = now_ns();

	if (now < due) {
		struct timespec rest = { 0, (long)((due - now) % 1000000000u) };
		nanosleep(&rest, NULL);
	}
	if (now - *synced < 100000000u)
		return 0;
	*synced = now;
	return mm_writer_sync(w, now - began, 0);
}

static int write_events(struct mm_writer *w, struct mm_stream *s, const struct plan *p)
{
	uint32_t *slot = calloc(p->live, sizeof *slot);
	uint8_t *there = calloc(p->live, 1);
	struct mm_event ev = { 0 };
	int err = slot && there ? 0 : MM_ENOMEM;
	uint64_t began = now_ns(), synced = began;

	for (uint64_t i = 0; !err && i < p->events; i++) {
		uint32_t k = (uint32_t)(any() % p->live);
		ev.time = p->pace ? (uint64_t)((double)i * 1e9 / (double)p->pace) : ev.time + 1000;
		ev.kind = there[k] ? MM_EV_FREE : MM_EV_MALLOC;
		ev.slot = slot[k];
		ev.size = any_size();
		ev.site = p->sites && !there[k] ? any_site(p) : 0;
		ev.addr = p->addresses ? UINT64_C(0x7f0000000000) + (uint64_t)k * 4096 : 0;
		err = there[k] ? mm_stream_death(s, &ev) : mm_stream_birth(s, &ev, &slot[k]);
		there[k] ^= 1;
		if (!err && p->pace && i % 10000 == 0)
			err = keep_pace(w, p, i, began, &synced);
		if (!err && !p->pace && i % p->chunk == 0)
			err = mm_writer_sync(w, ev.time, p->chunk < 1000000);
	}
	free(slot);
	free(there);
	return err;
}

static int write_trace(const char *path, struct plan *plan, struct mm_diag *diag)
{
	struct mm_writer_options o = { .time_resolution_ns = 1000,
		.no_addresses = !plan->addresses, .command = "./made", .tool = "make_events",
		.page_bytes = 4096, .cores = 1, .source = "record" };
	struct mm_process p = { .pid = (uint32_t)getpid(), .start = MM_START_COMMAND,
		.exe = "", .cmd = "./made", .end_time = MM_UNKNOWN };
	struct mm_thread t = { .tid = 1, .name = "main" };
	struct mm_writer *w;
	struct mm_stream *s;
	uint32_t thread;
	int err = mm_writer_open(&w, path, &o, diag);

	if (!err)
		err = mm_writer_process(w, &p, &s);
	if (!err)
		err = mm_stream_thread(s, &t, &thread);
	if (!err && plan->sites)
		err = make_sites(s, plan);
	if (!err)
		err = write_events(w, s, plan);
	if (!err)
		err = mm_stream_close(s);
	return err ? err : mm_writer_close(w, diag);
}

int main(int argc, char **argv)
{
	struct plan plan = { .chunk = 1000000 };
	struct mm_diag diag = { "" };
	int o;

	while ((o = getopt(argc, argv, "as:c:k:r:")) >= 0)
		switch (o) {
		case 'a': plan.addresses = 1; break;
		case 's': plan.sites = (uint32_t)strtoul(optarg, NULL, 10); break;
		case 'c': plan.categories = (uint32_t)strtoul(optarg, NULL, 10); break;
		case 'k': plan.chunk = strtoull(optarg, NULL, 10); break;
		case 'r': plan.pace = strtoull(optarg, NULL, 10); break;
		default: return 2;
		}
	if (argc - optind != 3 || !plan.chunk)
		return 2;
	plan.events = strtoull(argv[optind + 1], NULL, 10);
	plan.live = (uint32_t)strtoul(argv[optind + 2], NULL, 10);
	int err = write_trace(argv[optind], &plan, &diag);
	free(plan.site);
	if (err)
		fprintf(stderr, "make_events: %s\n", mm_diag_text(&diag, err));
	return err ? 2 : 0;
}
