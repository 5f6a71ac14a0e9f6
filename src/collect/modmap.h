/* modmap.h: notices modules that have left a process without dlclose.
 *
 * glibc unloads some (gconv) by itself; unwind rows and memos of such a module must
 * not be believed when another comes to its addresses.
 */
#ifndef MM_COLLECT_MODMAP_H
#define MM_COLLECT_MODMAP_H

#include <sys/types.h>

#include "collect/family.h"

/* Raises the load generation of images one of whose known modules is no longer mapped,
 * and finds processes that run another program now (mm_family_lose). */
int mm_modmap_look(struct mm_family *f);

/* 1 when the process has the memory of some recording mapped, 0 when not (or when it
 * cannot be looked at). */
int mm_modmap_is_ours(pid_t pid);

#endif
