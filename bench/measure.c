/* measure.c: runs a command and says what it cost, with every process below it.
 *
 * Promise: CPU is that of the whole tree (orphans come to us and are waited for), to
 * the microsecond; memory is sampled every 10 ms, so a peak shorter than that may be
 * missed for the sum, while each process's own high-water mark is the kernel's.
 * Vocabulary: main = the command itself; all = main and its descendants; peak of all
 * = the largest sum at one moment of their anonymous memory, plus the largest shared
 * mapping once (rings that two processes map are one memory). File pages are left
 * out: clean copies of what is on disk.
 * It must never write to the command's own streams: the answer goes to a file.
 *
 * Usage: measure FILE COMMAND ARGS...   exit status: the command's, 125 on trouble. */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { PROCS_MAX = 4096, SAMPLE_NS = 10000000, ORPHAN_WAIT_S = 60 };

struct proc {
	int pid;
	char comm[32];
	unsigned long hwm_kib, anon_kib, shmem_kib;
};

static struct proc procs[PROCS_MAX];
static int proc_count;
static unsigned long all_peak_kib, samples;

static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

/* Reads a small file whole; length, or -1 when the process is gone. */
static int slurp(const char *path, char *buf, size_t size)
{
	FILE *f = fopen(path, "re");
	size_t n;

	if (!f)
		return -1;
	n = fread(buf, 1, size - 1, f);
	fclose(f);
	buf[n] = 0;
	return (int)n;
}

static unsigned long field_kib(const char *status, const char *name)
{
	const char *p = strstr(status, name);

	return p ? strtoul(p + strlen(name), NULL, 10) : 0;
}

static struct proc *proc_of(int pid)
{
	for (int i = proc_count; i-- > 0;)
		if (procs[i].pid == pid)
			return &procs[i];
	if (proc_count == PROCS_MAX)
		return NULL;
	procs[proc_count].pid = pid;
	return &procs[proc_count++];
}

static void sample_proc(int pid, unsigned long *anon, unsigned long *shmem)
{
	char path[64], status[4096], *name, *end;
	struct proc *p;

	snprintf(path, sizeof path, "/proc/%d/status", pid);
	if (slurp(path, status, sizeof status) <= 0 || !strstr(status, "VmHWM:"))
		return;
	p = proc_of(pid);
	if (!p)
		return;
	name = strstr(status, "Name:\t");
	end = name ? strchr(name, '\n') : NULL;
	if (end)
		snprintf(p->comm, sizeof p->comm, "%.*s", (int)(end - name - 6), name + 6);
	p->hwm_kib = field_kib(status, "VmHWM:");
	p->anon_kib = field_kib(status, "RssAnon:");
	p->shmem_kib = field_kib(status, "RssShmem:");
	*anon += p->anon_kib;
	if (p->shmem_kib > *shmem)
		*shmem = p->shmem_kib;
}

/* Appends the children of every thread of pid to list. */
static int children_of(int pid, int *list, int n, int max)
{
	char path[300], text[4096], *p = text;
	struct dirent *e;
	DIR *d;

	snprintf(path, sizeof path, "/proc/%d/task", pid);
	d = opendir(path);
	while (d && (e = readdir(d))) {
		if (e->d_name[0] == '.')
			continue;
		snprintf(path, sizeof path, "/proc/%d/task/%s/children", pid, e->d_name);
		if (slurp(path, text, sizeof text) <= 0)
			continue;
		for (p = text; n < max; n++) {
			char *end;
			long child = strtol(p, &end, 10);
			if (end == p)
				break;
			list[n] = (int)child;
			p = end;
		}
	}
	if (d)
		closedir(d);
	return n;
}

static void sample(void)
{
	int list[PROCS_MAX], n = 0;
	unsigned long anon = 0, shmem = 0;

	n = children_of(getpid(), list, n, PROCS_MAX);
	for (int i = 0; i < n; i++) {
		sample_proc(list[i], &anon, &shmem);
		n = children_of(list[i], list, n, PROCS_MAX);
	}
	samples++;
	if (anon + shmem > all_peak_kib)
		all_peak_kib = anon + shmem;
}

/* CPU of a zombie itself and of what it waited for, from its stat line (ticks). */
static void zombie_cpu(int pid, uint64_t *self_ns, uint64_t *children_ns)
{
	char path[64], text[2048], *p;
	unsigned long long u = 0, s = 0, cu = 0, cs = 0;
	uint64_t tick = 1000000000u / (uint64_t)sysconf(_SC_CLK_TCK);

	snprintf(path, sizeof path, "/proc/%d/stat", pid);
	if (slurp(path, text, sizeof text) <= 0 || !(p = strrchr(text, ')')))
		return;
	if (sscanf(p + 2, "%*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %llu %llu %llu %llu", &u,
		   &s, &cu, &cs) != 4)
		return;
	*self_ns = (u + s) * tick;
	*children_ns = (cu + cs) * tick;
}

static uint64_t timeval_ns(struct timeval t)
{
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_usec * 1000u;
}

static int write_answer(const char *path, int status, uint64_t wall, uint64_t self, uint64_t below)
{
	struct rusage r;
	FILE *f = fopen(path, "we");

	if (!f)
		return -1;
	getrusage(RUSAGE_CHILDREN, &r);
	fprintf(f, "{\"status\": %d, \"wall_ns\": %llu, \"user_ns\": %llu, \"sys_ns\": %llu, "
		"\"main_cpu_ns\": %llu, \"below_main_cpu_ns\": %llu, \"largest_kib\": %ld, "
		"\"all_peak_kib\": %lu, \"samples\": %lu, \"processes\": [", status,
		(unsigned long long)wall, (unsigned long long)timeval_ns(r.ru_utime),
		(unsigned long long)timeval_ns(r.ru_stime), (unsigned long long)self,
		(unsigned long long)below, r.ru_maxrss, all_peak_kib, samples);
	for (int i = 0; i < proc_count; i++) {
		for (char *c = procs[i].comm; *c; c++)
			if (*c == '"' || *c == '\\' || (unsigned char)*c < ' ')
				*c = '_';
		fprintf(f, "%s{\"name\": \"%s\", \"hwm_kib\": %lu}", i ? ", " : "", procs[i].comm,
			procs[i].hwm_kib);
	}
	fprintf(f, "]}\n");
	return fclose(f);
}

int main(int argc, char **argv)
{
	struct timespec tick = { .tv_nsec = SAMPLE_NS };
	uint64_t start, wall = 0, self = 0, below = 0, next_sample = 0;
	int main_status = 125, main_pid;
	sigset_t chld;

	if (argc < 3) {
		fprintf(stderr, "usage: measure FILE COMMAND ARGS...\n");
		return 125;
	}
	prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
	sigemptyset(&chld);
	sigaddset(&chld, SIGCHLD);
	sigprocmask(SIG_BLOCK, &chld, NULL);
	start = now_ns();
	main_pid = fork();
	if (main_pid == 0) {
		sigprocmask(SIG_UNBLOCK, &chld, NULL);
		execvp(argv[2], argv + 2);
		fprintf(stderr, "measure: %s: %s\n", argv[2], strerror(errno));
		_exit(127);
	}
	for (;;) {
		siginfo_t info = {0};
		int status;

		if (now_ns() >= next_sample) {
			sample();
			next_sample = now_ns() + SAMPLE_NS;
		}
		if (waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) != 0)
			break; /* nobody is left */
		if (info.si_pid == 0) {
			if (wall && now_ns() - start - wall > ORPHAN_WAIT_S * 1000000000ull)
				break;
			sigtimedwait(&chld, NULL, &tick);
			continue;
		}
		if (info.si_pid == main_pid) {
			wall = now_ns() - start;
			zombie_cpu(main_pid, &self, &below);
		}
		waitpid(info.si_pid, &status, 0);
		if (info.si_pid == main_pid)
			main_status = WIFEXITED(status) ? WEXITSTATUS(status)
							: 128 + WTERMSIG(status);
	}
	if (write_answer(argv[1], main_status, wall, self, below) != 0) {
		fprintf(stderr, "measure: %s: %s\n", argv[1], strerror(errno));
		return 125;
	}
	return main_status;
}
