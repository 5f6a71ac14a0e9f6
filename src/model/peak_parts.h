/* peak_parts.h: who held the memory at the peak, without following every object.
 *
 * What lived at the start of the peak's chunk is known from the digests before it; births
 * and deaths from there to the peak are added. A death of an object born in an earlier
 * chunk is looked up where its slot was last born, going back chunk by chunk: mostly a
 * short way, for most objects die young.
 * Inner header of sums.c. Not shared between threads.
 */
#ifndef MM_MODEL_PEAK_PARTS_H
#define MM_MODEL_PEAK_PARTS_H

#include "model/sums.h"

/* Sums so far hold every chunk before the peak's from the start of the process on, and
 * nothing else: fills peak_bytes and peak_count of sites, threads, sizes, the category
 * `general`, and of the process. 1 when it cannot be told this way (nothing is changed
 * then), MM_ENOMEM. */
int mm_peak_parts(struct mm_sums *f);

#endif
