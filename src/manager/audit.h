/* audit.h: seals and the log of a manager (mm_audit.h): for src/manager alone.
 *
 * Never: anything called with the lock of the log held: it comes after all others.
 */
#ifndef MM_MANAGER_AUDIT_H
#define MM_MANAGER_AUDIT_H

#include <stdatomic.h>

#include "alloc/lock.h"
#include "mm_audit.h"

struct mm_seal { _Atomic uint64_t key; /* 0 = not sealed */ };

struct mm_audit {
	struct mm_lock lock;
	uint64_t count, of_kind[MM_AUDIT_KINDS];
	struct mm_audit_record record[MM_AUDIT_RECORDS]; /* that of serial s is at (s - 1) % so many */
};

/* Serial and time are the log's. */
void mm_audit_add(struct mm_manager *m, const struct mm_audit_record *r);

/* Whether the seal of the manager or of a pool forbids that call to this thread: MM_EPERM, and
 * the log has it; else MM_OK. */
int mm_seal_check(struct mm_manager *m, const char *call);
int mm_seal_check_pool(struct mm_pool *p, const char *call);

#endif
