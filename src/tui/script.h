/* script.h: keys and commands of mmtop read from a file instead of typed.
 *
 * A line is ":COMMAND" as typed after the colon, or names of keys with blanks between ("2 Down
 * Enter / l e a f Enter", keys.h); what follows '#' at its start is not read. ":tick" lets a
 * second pass.
 */
#ifndef MM_TUI_SCRIPT_H
#define MM_TUI_SCRIPT_H

#include <stdio.h>

#include "base/diag.h"
#include "tui/top.h"

/* Stops at the first line that fails, and names it; `name` is the file's. */
int mm_script_run(struct mm_top *t, FILE *in, const char *name, struct mm_diag *diag);

#endif
