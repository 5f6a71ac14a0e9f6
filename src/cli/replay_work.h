/* replay_work.h: what `mmprof replay` was asked for, and the doing of it: for cmd_replay.c. */
#ifndef MM_CLI_REPLAY_WORK_H
#define MM_CLI_REPLAY_WORK_H

#include <stddef.h>
#include <stdint.h>

#include "base/diag.h"
#include "replay/replay.h"

enum { MM_REPLAY_NAMES = 16 };

struct mm_replay_wish {
	const char *trace, *from, *to, *process, *config;
	const char *name[MM_REPLAY_NAMES]; /* strategies, or contestants of a real replay */
	size_t names;
	struct mm_replay_options replay;
	int json, bytes, quiet, width, no_pinned, no_symbols, rows_given;
	int real, real_only /* an option for it is there */, keep_threads, touch_all, strategy_given, compared, check_given, seed_given;
	uint32_t rows, rounds;
};

/* Does it and prints what came of it. */
int mm_replay_work(struct mm_replay_wish *q, struct mm_diag *diag);

#endif
