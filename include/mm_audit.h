/* mm_audit.h: seals, against mistakes, and the audit log of what was changed, denied, taken away
 * and found damaged. mm.h includes it.
 *
 *	mm_manager_seal(NULL, 4711);                      // budgets are settled
 *	err = mm_budget_set(NULL, MM_CATEGORY_GENERAL, 1, MM_BUDGET_DENY); // MM_EPERM, and logged
 *	mm_key_show(4711);                                // this thread may again
 *
 * Promise: what a seal covers does not happen without its key; what happened is in the log,
 * complete or with a gap that shows.
 * Vocabulary
 *   key     a number that is not 0, of whoever seals; each thread shows one, at first none
 *   sealed  manager: budgets, limits, the policies of NUMA and defragmentation, and destroying
 *           it; not what is allocated or who makes pools. Pool: category, clearing, destroying;
 *           the key of its manager, if that is sealed, does too.
 *   serial  of a record, from 1
 * A seal keeps no secret: whoever reads the process's memory has the key. Voxel pools have
 * none of their own. NULL for a manager is the default one. Any thread may call anything.
 */
#ifndef MM_AUDIT_H
#define MM_AUDIT_H

#include <stddef.h>
#include <stdint.h>

#include "mm_error.h"

#ifdef __cplusplus
extern "C" {
#endif

struct mm_manager;
struct mm_pool;

/* MM_EINVAL: 0 is no key; MM_EPERM: it is sealed. */
MM_API int mm_manager_seal(struct mm_manager *manager, uint64_t key);
MM_API int mm_pool_seal(struct mm_pool *pool, uint64_t key);

/* MM_EINVAL: it is not sealed; MM_EPERM: not with that key. */
MM_API int mm_manager_unseal(struct mm_manager *manager, uint64_t key);
MM_API int mm_pool_unseal(struct mm_pool *pool, uint64_t key);

/* What this thread shows from now on; 0 = none. Returns what it showed before. Calls that are
 * refused return MM_EPERM; those that return nothing do nothing. */
MM_API uint64_t mm_key_show(uint64_t key);

enum mm_audit_kind {
	MM_AUDIT_BUDGET,   /* set: category, bytes; by mm_budget_set */
	MM_AUDIT_LIMITS,   /* set: bytes */
	MM_AUDIT_POLICY,   /* set, by the call that is named */
	MM_AUDIT_OVER,     /* a budget was exceeded, by bytes more */
	MM_AUDIT_DENIED,   /* so many bytes of a category */
	MM_AUDIT_EVICTED,
	MM_AUDIT_DAMAGE,   /* address; bytes: kind of mm_check.h */
	MM_AUDIT_REFUSED,  /* by a seal; the call, the pool */
	MM_AUDIT_SEALED,
	MM_AUDIT_UNSEALED,
	MM_AUDIT_KINDS
};

enum { MM_AUDIT_RECORDS = 256 }; /* of each manager; new ones take the place of the oldest */

struct mm_audit_record {
	uint64_t serial;
	uint64_t at_ms;      /* since the manager was made */
	enum mm_audit_kind kind;
	uint32_t category;   /* of those that have one */
	uint64_t bytes;
	const void *address; /* NULL = none */
	const char *call;    /* which function; NULL = none */
	char pool[64];       /* empty = none */
};

/* Records from serial *at on (begin with 0), oldest first, at most `room`: how many. *at is then
 * where to go on. A first serial above *at: those between were overwritten. */
MM_API size_t mm_audit_read(struct mm_manager *manager, uint64_t *at,
			    struct mm_audit_record *ret, size_t room);

/* How many of a kind there have been, ever. 0 of what is no kind. */
MM_API uint64_t mm_audit_count(struct mm_manager *manager, enum mm_audit_kind kind);

#ifdef __cplusplus
}
#endif

#endif
