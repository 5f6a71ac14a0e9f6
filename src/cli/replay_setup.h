/* replay_setup.h: names, a configuration and routes for a simulated replay: for replay_work.c. */
#ifndef MM_CLI_REPLAY_SETUP_H
#define MM_CLI_REPLAY_SETUP_H

#include "base/diag.h"
#include "model/naming.h"
#include "model/outcome.h"
#include "model/report_store.h"
#include "replay/replay_conf.h"
#include "replay/router.h"
#include "symbol/symbol.h"

struct mm_replay_setup { /* caller's memory, zero-initialised; members may be NULL */
	struct mm_symbols *symbols;
	struct mm_report_store *store;
	struct mm_naming *naming;          /* of all but site rules */
	struct mm_naming *site_naming;
	struct mm_categories *categories;  /* built in ones, for replays without a configuration */
	const struct mm_replay_conf *conf; /* the caller's */
	struct mm_router plain, routed;    /* without and with it; conf NULL = not made */
	int has_plain;                     /* the program named categories */
};

/* names: 0 = none but the trace's own. MM_ESYNTAX with file:line. */
int mm_replay_setup_begin(struct mm_replay_setup *s, struct mm_reader *r, uint32_t process,
			  const struct mm_replay_conf *conf, int names, struct mm_diag *diag);
void mm_replay_setup_end(struct mm_replay_setup *s);

/* Calls fn with a line for each rule of the outcome that had no object to decide about, and each
 * pool that nothing leads to. */
void mm_replay_setup_idle(const struct mm_replay_setup *s, const struct mm_outcome *o,
			  void (*fn)(const char *text));

#endif
