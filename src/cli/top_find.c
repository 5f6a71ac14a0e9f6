/* top_find.c: the registry of recordings, asked (top_find.h). */
#include "cli/top_find.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/units.h"
#include "base/utf8.h"
#include "core/error.h"
#include "trace/reader.h"

static int list(struct mm_registry_entry **ret, size_t *count, struct mm_diag *diag)
{
	int err = mm_registry_list(ret, count);

	if (err == MM_EPERM)
		return mm_fail(diag, err, "the folder in which recordings are noted is not yours alone, so it is "
			       "not believed: name the trace");
	return err;
}

/* The number by which people know a recording. */
static int number_of(const struct mm_registry_entry *e)
{
	return (int)(e->command ? e->command : e->recorder);
}

/* Numbers of what is being recorded, for messages. */
static void name_all(const struct mm_registry_entry *all, size_t count, char *buf, size_t size)
{
	size_t used = 0;

	buf[0] = 0;
	for (size_t i = 0; i < count && i < 8 && used < size; i++)
		used += (size_t)snprintf(buf + used, size - used, "%s%d", i ? ", " : "",
					 number_of(&all[i]));
}

static int is_of(const struct mm_registry_entry *e, const char *path)
{
	uint64_t start;

	return mm_reader_peek(path, &start) == MM_OK && start == e->start_unix_ns;
}

/* Where the trace of a recording is now: a later one may have taken its name. NULL = nowhere. */
static const char *place_of(const struct mm_registry_entry *e, char moved[PATH_MAX + 8])
{
	if (is_of(e, e->trace))
		return e->trace;
	snprintf(moved, PATH_MAX + 8, "%s.old", e->trace);
	return is_of(e, moved) ? moved : NULL;
}

static int take(struct mm_top_find *ret, const struct mm_registry_entry *e, struct mm_diag *diag)
{
	char moved[PATH_MAX + 8];
	const char *trace = place_of(e, moved);

	if (!trace)
		return mm_fail(diag, MM_ENOENT, "%s is no more the trace of process %d: it was deleted, or its name "
			       "taken by another", e->trace, number_of(e));
	ret->trace = strdup(trace);
	ret->live = 1;
	ret->entry = *e;
	return ret->trace ? MM_OK : MM_ENOMEM;
}

/* Whether the trace holds a process of this number; one that has replaced itself counts by its
 * last program. */
static int holds(const struct mm_registry_entry *e, uint32_t pid)
{
	char moved[PATH_MAX + 8];
	const char *trace = place_of(e, moved);
	struct mm_reader *r;
	int found = 0;

	if (!trace || mm_reader_open(&r, trace, NULL))
		return 0;
	for (uint32_t i = 0; i < mm_reader_processes(r); i++)
		found |= mm_reader_process(r, i)->pid == pid;
	mm_reader_close(r);
	return found;
}

static int find_pid(struct mm_top_find *ret, const char *text, struct mm_diag *diag)
{
	struct mm_registry_entry *all = NULL;
	size_t count = 0;
	char *end, names[128];
	unsigned long pid = strtoul(text, &end, 10);

	if (text[0] < '0' || text[0] > '9' || *end || !pid || pid > 0x7fffffff)
		return mm_fail(diag, MM_EINVAL, "--pid: '%s' is not the number of a process", text);
	int err = list(&all, &count, diag);
	if (err)
		return err;
	for (size_t i = 0; i < count && !ret->trace && !err; i++)
		if ((pid_t)pid == all[i].command || (pid_t)pid == all[i].recorder)
			err = take(ret, &all[i], diag);
	for (size_t i = 0; i < count && !ret->trace && !err; i++)
		if (holds(&all[i], (uint32_t)pid)) {
			err = take(ret, &all[i], diag);
			snprintf(ret->process, sizeof ret->process, "%lu", pid);
		}
	name_all(all, count, names, sizeof names);
	free(all);
	if (err || ret->trace)
		return err;
	return count ? mm_fail(diag, MM_ENOENT, "process %lu is not being recorded; %s %s", pid, names,
			       count == 1 ? "is" : "are")
		     : mm_fail(diag, MM_ENOENT, "process %lu is not being recorded: start it with mmprof record",
			       pid);
}

/* A trace that is named may be one that is being made. */
/* A trace that is named may be one that is being made. */
static int find_name(struct mm_top_find *ret, const char *trace)
{
	struct mm_registry_entry *all = NULL;
	size_t count = 0;
	char *real = realpath(trace, NULL);

	ret->trace = strdup(trace);
	if (real && mm_registry_list(&all, &count) == MM_OK)
		for (size_t i = 0; i < count && !ret->live; i++)
			if (is_of(&all[i], real)) {
				ret->live = 1;
				ret->entry = all[i];
			}
	free(all);
	free(real);
	return ret->trace ? MM_OK : MM_ENOMEM;
}

static int find_any(struct mm_top_find *ret, struct mm_diag *diag)
{
	struct mm_registry_entry *all = NULL;
	size_t count = 0;
	char names[128];
	int err = mm_registry_list(&all, &count);

	if (err)
		count = 0; /* the folder is of no use: as if there were none */
	err = MM_OK;
	if (count == 1)
		err = take(ret, &all[0], diag);
	name_all(all, count, names, sizeof names);
	free(all);
	if (err || ret->trace)
		return err;
	if (count > 1)
		return mm_fail(diag, MM_EINVAL, "%zu recordings are being made: say which with -p: %s", count,
			       names);
	if (access("trace.bin", F_OK) && errno == ENOENT)
		return mm_fail(diag, MM_ENOENT, "nothing is being recorded, and there is no trace.bin here: make one "
			       "with mmprof record COMMAND, or name a trace");
	return find_name(ret, "trace.bin");
}

int mm_top_find(struct mm_top_find *ret, const char *pid, const char *trace, struct mm_diag *diag)
{
	struct mm_top_find f = { 0 };
	int err = pid ? find_pid(&f, pid, diag) : trace ? find_name(&f, trace) : find_any(&f, diag);

	if (err)
		mm_top_find_deinit(&f);
	else
		*ret = f;
	return err;
}

void mm_top_find_deinit(struct mm_top_find *f)
{
	free(f->trace);
	f->trace = NULL;
}

int mm_top_find_list(struct mm_diag *diag)
{
	struct mm_registry_entry *all = NULL;
	size_t count = 0;
	int err = list(&all, &count, diag);
	struct timespec now;

	if (err)
		return err;
	clock_gettime(CLOCK_REALTIME, &now);
	uint64_t ns = (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
	if (!count)
		fputs("nothing is being recorded\n", stderr);
	else
		printf("%8s %10s  %-24s %s\n", "PID", "SINCE", "TRACE", "COMMAND");
	for (size_t i = 0; i < count; i++) {
		char since[MM_UNITS_TEXT], moved[PATH_MAX + 8], trace[256], cmd[600];
		const char *place = place_of(&all[i], moved);
		printf("%8d %10s  %-24s %s\n", number_of(&all[i]),
		       mm_format_time(since, ns > all[i].start_unix_ns ? ns - all[i].start_unix_ns : 0),
		       mm_utf8_escape(trace, sizeof trace, place ? place : "-", 0),
		       mm_utf8_escape(cmd, sizeof cmd, all[i].cmd, 0));
	}
	free(all);
	return MM_OK;
}
