/* mm_check.h: misuse of libmm's general heap and movable blocks: what is watched for, and who is
 * told. mm.h includes it.
 *
 *	struct mm_manager_options o = { .checking = MM_CHECKING_ON, .damaged = report };
 *	err = mm_manager_create_with(&o, &manager);
 *
 * Promise: what is told of did happen; a damaged block is never given out again; nothing ends
 * the program.
 * Vocabulary
 *   checking   off: frees that are none are found, by what is known of blocks.
 *              on: and writes behind a block, up to 8 bytes of what its size class leaves over,
 *              when it is freed or resized and by mm_validate.
 *              sampled: one block in some thousands is watched: it has a guard page, and is
 *              kept for a while when it is freed, so that later writes show; others as off.
 *              full: every block is watched, up to a number of them; beyond it as on.
 *   damage     one misuse that was found
 */
#ifndef MM_CHECK_H
#define MM_CHECK_H

#include <stddef.h>
#include <stdint.h>

#include "mm_alloc.h"
#include "mm_error.h"

#ifdef __cplusplus
extern "C" {
#endif

struct mm_manager;

enum mm_checking { MM_CHECKING_OFF, MM_CHECKING_ON, MM_CHECKING_SAMPLED, MM_CHECKING_FULL };

enum mm_damage_kind {
	MM_DAMAGE_DOUBLE_FREE,    /* of a block that is not live; off */
	MM_DAMAGE_INTERIOR_FREE,  /* of an address inside a live block; off */
	MM_DAMAGE_INVALID_FREE,   /* of any other address; off */
	MM_DAMAGE_OVERRUN,        /* bytes behind a block were written; on */
	MM_DAMAGE_UNDERRUN,       /* bytes before a block were written; sampled */
	MM_DAMAGE_USE_AFTER_FREE, /* a freed block was written; sampled */
	MM_DAMAGES
};

struct mm_damage {
	enum mm_damage_kind kind;
	const void *address;      /* what was freed; else the first wrong byte */
	const void *block;        /* the block that was meant; NULL = not known */
	uint64_t size;            /* requested of it */
	int64_t offset;           /* of address from the block's start */
	struct mm_info info;      /* of a block that was live; start is NULL when not known */
};

/* Zero-filled is valid, and what mm_manager_create does. */
struct mm_manager_options {
	enum mm_checking checking;
	/* Called in the thread whose call met the damage; it must not call the library. */
	void (*damaged)(void *ctx, const struct mm_damage *damage);
	void *ctx;
	/* Of the general heap: "size-class" (NULL), "first-fit", "best-fit", "numa-aware": as
	 * mmprof replay's of the same names. First-fit and best-fit are untracked alone. */
	const char *strategy;
	/* Bytes of free pages that it keeps at most; 0 = 1 MiB, or an eighth of what is in use. */
	uint64_t retain_bytes;
	/* Nothing is known of its blocks: mm_info and lists of leaks leave them out, a second
	 * free may go unseen, and there are no cacheable ones (MM_EUNSUP). What was granted, not
	 * what was asked for, is charged, and all to this category, whatever a call names. */
	int untracked;
	uint32_t untracked_category;
};

/* As mm_manager_create; the options are copied. Also MM_EINVAL: a level, strategy or category
 * that there is not; MM_EUNSUP: first-fit or best-fit that is to be tracked; checking of any
 * other than tracked size classes. */
MM_API int mm_manager_create_with(const struct mm_manager_options *options,
				  struct mm_manager **ret);

/* "double free", ...; NULL when there is no such kind. */
MM_API const char *mm_damage_name(enum mm_damage_kind kind);

/* Looks at all that is kept to show damage, of every block, and tells of each. MM_OK, or
 * MM_ECORRUPT. Nobody else may be in the manager. */
MM_API int mm_validate(struct mm_manager *manager);

/* What a fault (SIGSEGV) at that address means: MM_ENOENT when it has nothing to do with the
 * manager's watched blocks. The one function that a signal handler may call; info is empty. */
MM_API int mm_fault(const struct mm_manager *manager, const void *address,
		    struct mm_damage *ret);

#ifdef __cplusplus
}
#endif

#endif
