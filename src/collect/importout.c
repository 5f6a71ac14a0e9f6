/* importout.c: from a passing name to the final one (importout.h). */
#include "collect/importout.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "trace/reader.h"

static char *with_suffix(const char *path, const char *suffix)
{
	size_t size = strlen(path) + strlen(suffix) + 1;
	char *r = malloc(size);

	if (r)
		snprintf(r, size, "%s%s", path, suffix);
	return r;
}

static int may_make_way(const char *name, struct mm_diag *diag)
{
	struct mm_reader *r;

	if (access(name, F_OK) != 0)
		return MM_OK;
	if (mm_reader_open(&r, name, NULL) != MM_OK)
		return mm_fail(diag, MM_EEXIST, "%s: exists and is not a trace: left alone", name);
	mm_reader_close(r);
	return MM_OK;
}

int mm_import_out_init(struct mm_import_out *o, const char *name, struct mm_diag *diag)
{
	struct mm_import_out fresh = { .name = name };
	char suffix[32];
	int err = MM_OK;

	if (strcmp(name, "-") != 0) {
		err = may_make_way(name, diag);
		if (err != MM_OK)
			return err;
		snprintf(suffix, sizeof suffix, ".part%ld", (long)getpid());
		fresh.part = with_suffix(name, suffix);
		if (!fresh.part)
			return MM_ENOMEM;
	}
	*o = fresh;
	return MM_OK;
}

void mm_import_out_deinit(struct mm_import_out *o)
{
	free(o->part);
	o->part = NULL;
}

const char *mm_import_out_path(const struct mm_import_out *o)
{
	return o->part ? o->part : o->name;
}

int mm_import_out_commit(struct mm_import_out *o, struct mm_diag *diag)
{
	char *old;
	int err = MM_OK;

	if (!o->part)
		return MM_OK;
	old = with_suffix(o->name, ".old");
	if (!old)
		return MM_ENOMEM;
	if (access(o->name, F_OK) == 0 && rename(o->name, old) != 0)
		err = mm_fail_errno(diag, "%s: cannot become %s", o->name, old);
	if (err == MM_OK && rename(o->part, o->name) != 0)
		err = mm_fail_errno(diag, "%s: cannot be written", o->name);
	free(old);
	return err;
}

void mm_import_out_abandon(struct mm_import_out *o)
{
	if (o->part)
		unlink(o->part);
}
