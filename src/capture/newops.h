/* newops.h: the definitions behind the C++ operators (hooks_new.c).
 *
 * Never: a hold on any library.
 */
#ifndef MM_CAPTURE_NEWOPS_H
#define MM_CAPTURE_NEWOPS_H

/* Finds those of the global scope. Once, before the program starts threads: the
 * lookup takes the loader's lock. errno is kept. */
void mm_newops_resolve(void);

/* A library may have gone: what was found for callers outside the global scope
 * is looked up again. Any thread. */
void mm_newops_forget(void);

/* Definition of `name` that code at `caller` would have reached outside the global
 * scope: its own library's, else the first loaded library's other than ours; NULL
 * if none. Takes the loader's lock, never a hold on a library. */
void *mm_newops_find(const char *name, const void *caller);

#endif
