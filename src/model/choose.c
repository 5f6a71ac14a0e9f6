/* choose.c: the command's own process, or the one that was asked for (choose.h). */
#include "model/choose.h"

#include <errno.h>
#include <stdlib.h>

#include "core/error.h"

int mm_choose_is_recorded(struct mm_reader *r, uint32_t process)
{
	return mm_reader_process(r, process)->start != MM_START_UNRECORDED;
}

/* The image that came after `process` by exec in the same pid; itself when none did. */
static uint32_t after_exec(struct mm_reader *r, uint32_t process)
{
	const struct mm_process *p = mm_reader_process(r, process);

	for (uint32_t i = process + 1; i < mm_reader_processes(r); i++) {
		const struct mm_process *q = mm_reader_process(r, i);
		if (q->pid == p->pid && q->start == MM_START_EXEC)
			return i;
	}
	return process;
}

static uint32_t own_process(struct mm_reader *r)
{
	uint32_t p = 0, next;

	while (mm_reader_process(r, p)->end == MM_END_EXEC &&
	       (next = after_exec(r, p)) != p)
		p = next;
	return p;
}

static int find_process(struct mm_reader *r, const char *text, uint32_t *ret)
{
	char *end;
	int by_number = text[0] == '#';

	errno = 0;
	unsigned long id = strtoul(text + by_number, &end, 10);
	if (errno || *end || end == text + by_number)
		return MM_EINVAL;
	for (uint32_t i = mm_reader_processes(r); i-- > 0;) {
		const struct mm_process *p = mm_reader_process(r, i);
		if (mm_choose_is_recorded(r, i) && (by_number ? p->number : p->pid) == id) {
			*ret = i;
			return MM_OK;
		}
	}
	return MM_ENOENT;
}

int mm_choose_process(struct mm_reader *r, const char *text, uint32_t *ret, struct mm_diag *diag)
{
	int err = MM_OK;

	if (!mm_reader_processes(r))
		return mm_fail(diag, MM_ENOENT, "the trace holds no process: record again");
	if (text)
		err = find_process(r, text, ret);
	else
		*ret = own_process(r);
	if (err == MM_EINVAL)
		return mm_fail(diag, err, "'%s' is not a process: give a PID or #NUMBER", text);
	if (err)
		return mm_fail(diag, err, "no recorded process %s in the trace; "
			       "'mmprof report --json' lists them under processes", text);
	return MM_OK;
}
