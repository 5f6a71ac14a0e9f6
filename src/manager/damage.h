/* damage.h: misuse of a manager's blocks, from where it is found to whom it is told
 * (mm_check.h): for src/manager alone. */
#ifndef MM_MANAGER_DAMAGE_H
#define MM_MANAGER_DAMAGE_H

#include <stdint.h>

#include "alloc/heap.h"

struct mm_manager;

/* The engine's sink; arg = the manager. */
void mm_damage_found(void *arg, const struct mm_misuse *u);

/* A free of what is no live block of that heap (NULL: of none): told. MM_EINVAL. */
int mm_damage_refuse(struct mm_manager *m, struct mm_heap *h, uint64_t addr);

#endif
