/* bridge.h: CLOCK_MONOTONIC from the processor's counter, where that is good for nothing else.
 *
 * Promise: what is given never runs ahead of the clock, and lags by less than 100 ns while
 * the counter runs evenly; should it jump, by what it jumped, for SPAN ticks (some 10 us) at
 * most. A counter that was found ahead of the clock is not asked again.
 *
 * Vocabulary
 *   span   ticks from a reading of the clock for which the counter is believed
 *   pier   the latest reading: where a span begins
 *   rate   ns a tick, a little less than it is: so a span ends short of the clock
 *
 * For a thread alone. Never: errno. Signal-safe.
 */
#ifndef MM_CAPTURE_BRIDGE_H
#define MM_CAPTURE_BRIDGE_H

#include <stdint.h>

/* CLOCK_MONOTONIC in ns, nearly; in a fraction of the time that the clock takes. */
uint64_t mm_bridge_ns(void);

/* CLOCK_MONOTONIC in ns; the pier is given up, so that nothing given later is less. */
uint64_t mm_bridge_clock_ns(void);

#endif
