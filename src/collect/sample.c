/* sample.c: readings (sample.h). */
#include "collect/sample.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "collect/procfs.h"
#include "core/error.h"

/* "some avg10=1.23 ..." in parts per million. */
static uint64_t pressure(const char *text, const char *line)
{
	const char *p = strstr(text, line);
	double percent;

	if (!p || sscanf(p + strlen(line), " avg10=%lf", &percent) != 1)
		return MM_UNKNOWN;
	return (uint64_t)(percent * 10000.0 + 0.5);
}

static uint64_t read_number(const char *path)
{
	char text[32], *end;

	if (mm_procfs_read(path, text, sizeof text) <= 0)
		return MM_UNKNOWN;
	unsigned long long v = strtoull(text, &end, 10); /* "max" is no number */
	return end == text ? MM_UNKNOWN : v;
}

/* The group's folder below /sys/fs/cgroup: of version 2, or of version 1's memory
 * controller. 2, 1, or 0 when there is none. */
static int find_group(pid_t pid, char *dir, size_t size)
{
	char path[64], text[4096], *save = NULL;
	int version = 0;

	snprintf(path, sizeof path, "/proc/%d/cgroup", (int)pid);
	if (mm_procfs_read(path, text, sizeof text) <= 0)
		return 0;
	for (char *line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		char *names = strchr(line, ':'), *where = names ? strchr(names + 1, ':') : NULL;
		if (!where)
			continue;
		*where++ = '\0';
		if (strstr(names + 1, "memory")) {
			snprintf(dir, size, "/sys/fs/cgroup/memory%s", where);
			return 1;
		}
		if (names[1] == '\0') {
			snprintf(dir, size, "/sys/fs/cgroup%s", where);
			version = 2;
		}
	}
	return version;
}

static void read_group(pid_t pid, struct mm_sample *s)
{
	char dir[PATH_MAX / 2], path[PATH_MAX];
	int version = find_group(pid, dir, sizeof dir);

	if (!version)
		return;
	snprintf(path, sizeof path, "%s/%s", dir,
		 version == 2 ? "memory.current" : "memory.usage_in_bytes");
	s->cgroup_bytes = read_number(path);
	snprintf(path, sizeof path, "%s/%s", dir,
		 version == 2 ? "memory.max" : "memory.limit_in_bytes");
	uint64_t limit = read_number(path);
	if (limit < s->limit_bytes)
		s->limit_bytes = limit;
}

int mm_sample_read(pid_t pid, struct mm_sample *ret)
{
	char path[64], text[8192];
	struct mm_sample s;

	memset(&s, 0xff, sizeof s);
	snprintf(path, sizeof path, "/proc/%d/status", (int)pid);
	if (mm_procfs_read(path, text, sizeof text) <= 0)
		return MM_ENOENT;
	s.rss_bytes = mm_procfs_field(text, "VmRSS:");
	s.anon_bytes = mm_procfs_field(text, "RssAnon:");
	s.rss_peak_bytes = mm_procfs_field(text, "VmHWM:");
	if (s.rss_bytes == MM_UNKNOWN)
		return MM_ENOENT; /* dead, or a kernel thread */
	if (mm_procfs_read("/proc/meminfo", text, sizeof text) > 0) {
		s.mem_available_bytes = mm_procfs_field(text, "MemAvailable:");
		s.limit_bytes = mm_procfs_field(text, "MemTotal:");
	}
	if (mm_procfs_read("/proc/pressure/memory", text, sizeof text) > 0) {
		s.psi_some_ppm = pressure(text, "some");
		s.psi_full_ppm = pressure(text, "full");
	}
	read_group(pid, &s);
	*ret = s;
	return MM_OK;
}

/* Memory that was live once may stay with the allocator when it is freed: it is
 * explained all the same. */
static void note_excess(struct mm_proc *p)
{
	const struct mm_totals *t = mm_objects_totals(mm_stream_objects(p->stream));
	uint64_t explained = t->peak_bytes + p->resolver.mapped_bytes;

	if (p->sample.anon_bytes == MM_UNKNOWN || p->sample.anon_bytes <= explained)
		return;
	if (p->sample.anon_bytes - explained > p->peak_anon_excess) {
		p->peak_anon_excess = p->sample.anon_bytes - explained;
		p->rss_at_excess = p->sample.rss_bytes;
	}
}

static int sample_one(struct mm_proc *p)
{
	struct mm_event ev = { .kind = MM_EV_SAMPLE, .thread = MM_NO_THREAD,
		.slot = MM_NO_SLOT, .other = MM_NO_SLOT, .sample = &p->sample };
	struct mm_sample s;
	uint64_t cursor = 0;

	if (p->gone || p->pid <= 0 || mm_sample_read(p->pid, &s))
		return MM_OK;
	p->sample = s;
	note_excess(p);
	/* Behind what is merged, not ahead of what will be. */
	ev.time = mm_stampclock_ns(p->resolver.clock, &cursor, p->bound);
	return mm_resolver_tell(&p->resolver, &ev);
}

int mm_sample_all(struct mm_family *f)
{
	int err = MM_OK;

	for (size_t i = 0; i < f->proc_count; i++) {
		int e = sample_one(f->procs[i]);
		err = err ? err : e;
	}
	return err;
}
