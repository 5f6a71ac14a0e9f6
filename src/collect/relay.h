/* relay.h: signals between the terminal, the recorder and the program.
 *
 * Promise: what is typed at the terminal reaches the program as it would without us;
 * what is sent to the recorder alone is passed on to the program; no signal that can be
 * caught ends the recorder while the program runs. The program starts with the signal mask
 * and the dispositions that the recorder was started with.
 * One at a time in a process: signal handlers are global. Main thread only.
 */
#ifndef MM_COLLECT_RELAY_H
#define MM_COLLECT_RELAY_H

#include <sys/types.h>

#include "collect/bell.h"

/* Takes over the signals, all blocked until mm_relay_open; children ring the bell. */
void mm_relay_begin(struct mm_bell *bell);

/* In the child, before exec: everything as it was before begin. Async-signal-safe. */
void mm_relay_restore(void);

/* The program runs: passes signals on to it. */
void mm_relay_open(pid_t child);

/* The program is reaped: nothing is passed on any more. */
void mm_relay_childless(void);

/* True when a signal has asked us to end since then. Any thread. */
int mm_relay_is_asked(void);

/* Everything as it was before begin. */
void mm_relay_end(void);

#endif
