/* contest.c: a process for each run, told what to do by its environment (contest.h). */
#include "replay/contest.h"

#include <dlfcn.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/error.h"
#include "replay/execute.h"

#define CHILD_ENV "MMPROF_REPLAY_CHILD"

enum { ROUNDS = 3, ROUNDS_MOST = 99, TEXT = 512 };

/* What a process says: either of the two. */
struct answer {
	int err;
	char text[TEXT];
	struct mm_execute_result result;
};

struct order { /* as in the environment */
	int fd;
	unsigned kind, strategy, process, keep, all;
};

/* --- names ------------------------------------------------------------------------------------ */

static int is_library(const char *name)
{
	return strstr(name, ".so") != NULL;
}

int mm_contest_knows(const char *name)
{
	enum mm_strategy s;

	return strcmp(name, "none") == 0 || strcmp(name, "glibc") == 0 || is_library(name) ||
	       !mm_strategy_of(name, &s);
}

static void order_for(const char *name, struct order *ret)
{
	enum mm_strategy s = MM_STRATEGY_SIZE_CLASS;

	if (strcmp(name, "none") == 0)
		ret->kind = MM_TARGET_NONE;
	else if (mm_strategy_of(name, &s) == MM_OK)
		ret->kind = MM_TARGET_ENGINE;
	else
		ret->kind = MM_TARGET_SYSTEM;
	ret->strategy = s;
}

/* --- in the child --------------------------------------------------------------------------------- */

static int is_right_malloc(const char *library)
{
	Dl_info info;
	void *is = dlsym(RTLD_DEFAULT, "malloc");
	const char *base = library ? strrchr(library, '/') : NULL;

	if (!library)
		return 1;
	base = base ? base + 1 : library;
	if (!is || !dladdr(is, &info) || !info.dli_fname)
		return 0;
	/* libfoo.so.2 may be a link to libfoo.so.2.1 */
	return strncmp(strrchr(info.dli_fname, '/') ? strrchr(info.dli_fname, '/') + 1
						    : info.dli_fname, base,
		       (size_t)(strstr(base, ".so") + 3 - base)) == 0;
}

static const char *why_not(const char *library)
{
	void *loaded = dlopen(library, RTLD_LAZY | RTLD_NOLOAD);

	if (!loaded)
		return "the dynamic loader finds no such library";
	dlclose(loaded);
	return "cannot be preloaded as an allocator: malloc is not its own";
}

static int do_order(const struct order *o, struct answer *a)
{
	const char *library = o->kind == MM_TARGET_SYSTEM ? getenv("LD_PRELOAD") : NULL;
	struct mm_execute_options how = { .kind = (enum mm_target_kind)o->kind,
		.strategy = (enum mm_strategy)o->strategy, .process = o->process,
		.keep_threads = (int)o->keep, .touch_all = (int)o->all };
	struct mm_diag diag = { "" };
	struct mm_reader *r = NULL;
	const char *trace = getenv(CHILD_ENV "_TRACE");
	int err;

	if (library && !is_right_malloc(library))
		err = mm_fail(&diag, MM_EUNSUP, "%s; give the path of an allocator's shared library",
			      why_not(library));
	else
		err = mm_reader_open(&r, trace ? trace : "", &diag);
	if (!err)
		err = mm_execute(r, &how, &a->result, &diag);
	if (r)
		mm_reader_close(r);
	snprintf(a->text, sizeof a->text, "%s", err ? mm_diag_text(&diag, err) : "");
	return err;
}

int mm_contest_child(void)
{
	const char *text = getenv(CHILD_ENV);
	struct answer a = { 0 };
	struct order o;

	if (!text || sscanf(text, "%d %u %u %u %u %u", &o.fd, &o.kind, &o.strategy, &o.process,
			    &o.keep, &o.all) != 6 || o.kind > MM_TARGET_ENGINE)
		return -1;
	a.err = do_order(&o, &a);
	return write(o.fd, &a, sizeof a) == (ssize_t)sizeof a ? 0 : 1;
}

/* --- one run ------------------------------------------------------------------------------------------ */

static void become_child(const struct mm_contest_options *o, const char *name, int fd)
{
	char text[128], self[] = "mmprof", verb[] = "replay";
	char *argv[] = { self, verb, NULL };
	struct order order = { .fd = fd };

	order_for(name, &order);
	snprintf(text, sizeof text, "%d %u %u %u %d %d", fd, order.kind, order.strategy,
		 o->process, o->keep_threads, o->touch_all);
	setenv(CHILD_ENV, text, 1);
	setenv(CHILD_ENV "_TRACE", o->trace, 1);
	if (is_library(name))
		setenv("LD_PRELOAD", name, 1);
	else
		unsetenv("LD_PRELOAD");
	execv("/proc/self/exe", argv);
	_exit(127);
}

static int read_answer(int fd, struct answer *ret)
{
	size_t have = 0;

	while (have < sizeof *ret) {
		ssize_t n = read(fd, (char *)ret + have, sizeof *ret - have);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return MM_EIO;
		have += (size_t)n;
	}
	return MM_OK;
}

static int run_one(const struct mm_contest_options *o, const char *name,
		   struct mm_execute_result *ret, struct mm_diag *diag)
{
	struct answer a;
	int fds[2], status, err;
	pid_t pid;

	if (pipe(fds))
		return mm_fail_errno(diag, "cannot make a pipe");
	if ((pid = fork()) == 0)
		become_child(o, name, fds[1]);
	close(fds[1]);
	if (pid < 0) {
		close(fds[0]);
		return mm_fail_errno(diag, "cannot start a process");
	}
	err = read_answer(fds[0], &a);
	close(fds[0]);
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	if (err && WIFSIGNALED(status))
		return mm_fail(diag, MM_EIO, "%s: the process was killed by signal %d", name,
			       WTERMSIG(status));
	if (err)
		return mm_fail(diag, MM_EIO, "%s: the process ended without an answer", name);
	if (a.err)
		return mm_fail(diag, a.err, "%s: %s", name, a.text);
	*ret = a.result;
	return MM_OK;
}

/* --- rounds -------------------------------------------------------------------------------------------- */

static int by_value(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

static uint64_t sorted_middle(uint64_t *values, size_t count)
{
	qsort(values, count, sizeof *values, by_value);
	return values[count / 2];
}

static uint64_t ps_an_op(const struct mm_execute_result *r)
{
	return r->ops ? (uint64_t)((unsigned __int128)r->ns * 1000 / r->ops) : 0;
}

/* Of all rounds, in the first one's place. */
static void sum_up_times(struct mm_execute_result *runs, size_t count, struct mm_contestant *c)
{
	struct mm_times *all = &runs[0].times;

	for (size_t i = 1; i < count; i++)
		mm_times_merge(all, &runs[i].times);
	c->sample_count = mm_times_count(all);
	c->p50_ns = mm_times_share(all, 500000);
	c->p99_ns = mm_times_share(all, 990000);
	c->p999_ns = mm_times_share(all, 999000);
}

static void sum_up(const struct mm_execute_result *runs, size_t count, struct mm_contestant *c)
{
	uint64_t ps[ROUNDS_MOST], rss[ROUNDS_MOST], end[ROUNDS_MOST], pause[ROUNDS_MOST];

	for (size_t i = 0; i < count; i++) {
		ps[i] = ps_an_op(&runs[i]);
		rss[i] = runs[i].rss_bytes;
		end[i] = runs[i].end_bytes;
		pause[i] = runs[i].pause_ns;
	}
	c->median_ps = sorted_middle(ps, count);
	c->low_ps = ps[0];
	c->high_ps = ps[count - 1];
	c->rss_bytes = sorted_middle(rss, count);
	c->end_bytes = sorted_middle(end, count);
	c->pause_ns = sorted_middle(pause, count);
	c->op_count = runs[0].ops;
	c->failed_count = runs[0].failed;
	c->round_count = count;
}

int mm_contest_run(const struct mm_contest_options *o, struct mm_contest *ret,
		   struct mm_diag *diag)
{
	size_t rounds = o->rounds ? o->rounds : ROUNDS, done = 0;
	struct mm_execute_result *runs;
	int err = MM_OK;

	rounds = rounds < ROUNDS_MOST ? rounds : ROUNDS_MOST;
	if (!(runs = calloc(ret->count * rounds, sizeof *runs)))
		return MM_ENOMEM;
	for (size_t round = 0; !err && round < rounds; round++)
		for (size_t i = 0; !err && i < ret->count; i++) {
			err = run_one(o, ret->contestant[i].name, &runs[i * rounds + round], diag);
			if (o->progress)
				o->progress(o->progress_arg, ++done, ret->count * rounds);
		}
	ret->none_ps = ret->clock_step_ns = MM_UNKNOWN;
	ret->touch_all = o->touch_all;
	for (size_t i = 0; !err && i < ret->count; i++) {
		sum_up(&runs[i * rounds], rounds, &ret->contestant[i]);
		sum_up_times(&runs[i * rounds], rounds, &ret->contestant[i]);
		if (runs[i * rounds].clock_step_ns < ret->clock_step_ns)
			ret->clock_step_ns = runs[i * rounds].clock_step_ns;
		ret->threads = runs[i * rounds].threads;
		if (strcmp(ret->contestant[i].name, "none") == 0)
			ret->none_ps = ret->contestant[i].median_ps;
	}
	free(runs);
	return err;
}
