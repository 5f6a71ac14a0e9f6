/* top_view.h: mmtop on a terminal, as lines, as a batch, or by a script. */
#ifndef MM_CLI_TOP_VIEW_H
#define MM_CLI_TOP_VIEW_H

#include <stdint.h>

#include "base/diag.h"
#include "tui/question.h"
#include "tui/top.h"

struct mm_top_view {
	struct mm_top_options top;
	uint64_t delay_ns;   /* between two looks */
	uint64_t count;      /* of screens in a batch; 0 = no end */
	int batch, json, mouse, colour;
	const char *script;  /* NULL none */
	int stay;            /* beside a recording: a signal that asks us to end only ends the view
	                        (mm_tty_signal), and the streams may be the command's */
	const char *hello;   /* shown until the first key; NULL none */
	int rows, cols;      /* of a batch and of scripts */
};

/* Until the person quits, the batch is done or the script at its end. The exit status; a signal
 * that asked us to end is raised again. */
int mm_top_view(const struct mm_top_view *v, const struct mm_source *source, struct mm_diag *diag,
		int *ret_err);

#endif
