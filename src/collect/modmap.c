/* modmap.c: reads /proc/PID/maps (modmap.h). */
#include "collect/modmap.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "collect/procfs.h"
#include "core/error.h"

struct range { uint64_t start, end, inode; };

struct ranges {
	struct range *v;
	size_t count, cap;
	int ours;
};

static FILE *open_maps(pid_t pid)
{
	char path[64];

	snprintf(path, sizeof path, "/proc/%d/maps", (int)pid);
	return fopen(path, "re");
}

/* "from-to perms offset dev inode path" of a file or the vdso; 0 = something else. */
static int parse_line(const char *line, struct range *ret)
{
	unsigned long long from, to, inode;

	if (!strchr(line, '/') && !strstr(line, "[vdso]"))
		return 0;
	if (sscanf(line, "%llx-%llx %*s %*s %*s %llu", &from, &to, &inode) != 3)
		return 0;
	*ret = (struct range){ from, to, inode };
	return 1;
}

/* Mappings of files, those of one file that touch joined. */
static int read_maps(pid_t pid, struct ranges *r)
{
	FILE *file = open_maps(pid);
	struct range one;
	char *line = NULL;
	size_t cap = 0;
	int err = file ? MM_OK : MM_ENOENT;

	while (!err && getline(&line, &cap, file) > 0) {
		if (strstr(line, "/memfd:mmprof"))
			r->ours = 1;
		if (!parse_line(line, &one))
			continue;
		struct range *last = r->count ? &r->v[r->count - 1] : NULL;
		if (last && last->end == one.start && last->inode == one.inode) {
			last->end = one.end;
			continue;
		}
		err = MM_GROW(r->v, r->cap, r->count + 1);
		if (!err)
			r->v[r->count++] = one;
	}
	free(line);
	if (file)
		fclose(file);
	return err;
}

static const struct range *find_range(const struct ranges *r, uint64_t at)
{
	size_t low = 0, high = r->count;

	while (low < high) {
		size_t mid = (low + high) / 2;
		if (at < r->v[mid].start)
			high = mid;
		else if (at >= r->v[mid].end)
			low = mid + 1;
		else
			return &r->v[mid];
	}
	return NULL;
}

/* True when one that was there at the last look is not, or is another file's. */
static int has_lost_one(struct mm_proc *p, const struct ranges *r)
{
	uint32_t n = atomic_load(&p->image->processes[p->slot].module_count);
	struct mm_shm_module m;
	int lost = 0;

	if (n > MM_MODULE_DIR * MM_MODULES_PER_SEG ||
	    MM_GROW(p->module_files, p->module_files_cap, n))
		return 0;
	for (uint32_t i = 1; i < n; i++) {
		if (mm_image_module(p->image, p->slot, i, &m) || m.end <= m.start)
			continue;
		const struct range *at = find_range(r, m.start);
		uint64_t file = at ? at->inode + 1 : 0, before = p->module_files[i];
		lost |= before != 0 && file != before;
		p->module_files[i] = file;
	}
	return lost;
}

/* A program that has just been executed maps us only when its loader comes to it. */
static int is_another_program(struct mm_proc *p, const struct ranges *r)
{
	enum { LOOKS = 3 };

	if (r->ours)
		p->strange = 0;
	else if (p->strange < LOOKS)
		p->strange++;
	return p->strange == LOOKS;
}

int mm_modmap_look(struct mm_family *f)
{
	struct ranges r = { 0 };
	int err = MM_OK;

	for (size_t i = 0; !err && i < f->proc_count; i++) {
		struct mm_proc *p = f->procs[i];
		if (p->gone || p->pid <= 0)
			continue;
		r.count = 0;
		r.ours = 0;
		if (read_maps(p->pid, &r) || !r.count)
			continue;
		if (has_lost_one(p, &r))
			atomic_fetch_add(&p->image->control->load_generation, 1);
		if (is_another_program(p, &r))
			err = mm_family_lose(f, p);
	}
	free(r.v);
	return err;
}

int mm_modmap_is_ours(pid_t pid)
{
	struct ranges r = { 0 };
	int err = read_maps(pid, &r);

	free(r.v);
	return !err && r.ours;
}
