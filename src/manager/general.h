/* general.h: what the files of the general heap share (mm_alloc.h): for src/manager alone. */
#ifndef MM_MANAGER_GENERAL_H
#define MM_MANAGER_GENERAL_H

#include "manager/manager.h"
#include "manager/rider.h"

#define MM_NOTE_CACHEABLE (UINT32_C(1) << 31)

/* m, or the default manager; NULL without memory. */
struct mm_manager *mm_general_of(struct mm_manager *m);

/* What options say of the strategy, if they are such as can be: MM_EINVAL, MM_EUNSUP. */
int mm_general_strategy(const struct mm_manager_options *o, enum mm_strategy *ret);

/* Milliseconds since the manager was made. */
uint64_t mm_general_now(const struct mm_manager *m);

/* A note of now, the ms since a note was made, and what a note of a live block says. */
uint64_t mm_general_note(const struct mm_manager *m, uint32_t number);
uint64_t mm_general_age(const struct mm_manager *m, uint64_t note);
const struct mm_said *mm_general_said(struct mm_manager *m, uint64_t note);

/* What a note says of that block. */
void mm_known_info(struct mm_manager *m, uint64_t start, uint64_t size, uint64_t note,
		   struct mm_info *ret);

/* Before whatever may charge: from now on this thread can take cacheable blocks away, where there
 * are any, also with locks held with which nothing of a thread can be made. */
void mm_general_ready(struct mm_manager *m);

/* budget.h, evict: the oldest go first. arg = manager. Takes none before mm_general_ready. */
uint64_t mm_general_evict(void *arg, uint32_t category, uint64_t bytes);

#endif
