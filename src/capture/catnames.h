/* catnames.h: names that the program gives to what it allocates.
 *
 * A name is a number in the process's shared name table; a thread's pushed
 * categories are such numbers. Levels beyond MM_HOOK_CATEGORIES are counted, so
 * that pushes and pops match, but the one below them stays in force.
 * Never: malloc, a lock, a change of errno. Signal-safe.
 */
#ifndef MM_CAPTURE_CATNAMES_H
#define MM_CAPTURE_CATNAMES_H

#include <stdint.h>

struct mm_hook;

/* Number of name (cut to 63 bytes), entered if new; 0 = none or table full. */
uint32_t mm_catnames_number(const char *name);

void mm_catnames_push(struct mm_hook *t, const char *name);
void mm_catnames_pop(struct mm_hook *t);

/* In a forked child: what a number of the table of process slot `parent` is in its own. */
uint32_t mm_catnames_renumber(uint32_t parent, uint32_t number);

/* In a forked child: gives the categories that *t has pushed their numbers in
 * the child's own, empty table, from that of process slot `parent`. */
void mm_catnames_inherit(struct mm_hook *t, uint32_t parent);

#endif
