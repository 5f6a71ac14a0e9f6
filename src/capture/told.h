/* told.h: what an engine in this process tells of its pools (core/sink.h) becomes records.
 *
 * Vocabulary: told = reported by an engine, not seen by a hook.
 * Never: malloc, a lock, a change of errno.
 */
#ifndef MM_CAPTURE_TOLD_H
#define MM_CAPTURE_TOLD_H

#include <stdint.h>

/* In a forked child: the pools' categories get their numbers in its own table of names, from
 * that of process slot `parent`. */
void mm_told_inherit(uint32_t parent);

#endif
