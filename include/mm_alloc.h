/* mm_alloc.h: libmm's general heap: blocks of any size with a category, a priority and a name;
 * budgets; and what is known of every block. mm.h includes it.
 *
 *	struct vertex *v = mm_alloc(NULL, n * sizeof *v);          // the category of this thread
 *	char *t = MM_ALLOC(NULL, bytes, MM_CATEGORY_MESH_DATA, "strip");  // with file and line
 *	mm_budget_set(NULL, MM_CATEGORY_MESH_DATA, 64 << 20, MM_BUDGET_DENY);
 *	mm_free(NULL, t);
 *
 * Promise: budgets and limits hold to the byte, whichever threads allocate; what is known of a
 * block lies beside it, never in it: 10 bytes a block; a pointer into a block is as good as
 * one to its start.
 * Vocabulary
 *   category   what memory is for; a number of a manager's, with a name; six are built in
 *   budget     bytes that a category may have; limit: the same for a manager
 *   used       of a category: requested bytes of live blocks and of registered memory, bytes
 *              of slabs of pools, payloads of voxel pools
 *   site       the address that the allocating call returns to
 * NULL for a manager is the default one. Any thread may call anything. Functions return 0 or
 * a negative code of mm_error.h; out-parameters are untouched on failure.
 */
#ifndef MM_ALLOC_H
#define MM_ALLOC_H

#include <stddef.h>
#include <stdint.h>

#include "mm_error.h"

#ifdef __cplusplus
extern "C" {
#endif

struct mm_manager;

/* --- categories ------------------------------------------------------------------------ */

/* Those built in, with their budgets: 256, 512, 128, 256, 128 and 64 MiB, to warn. */
enum {
	MM_CATEGORY_SVO_NODES, MM_CATEGORY_SDF_FIELDS, MM_CATEGORY_NARROW_BAND,
	MM_CATEGORY_MATERIAL_CHANNELS, MM_CATEGORY_MESH_DATA, MM_CATEGORY_GENERAL,
	MM_CATEGORIES_BUILT_IN,
	MM_CATEGORIES = 64,               /* of a manager, at most */
	MM_CATEGORY_CURRENT = 0xff,       /* this thread's */
	MM_CATEGORY_NAME_BYTES = 64,
	MM_CATEGORY_DEPTH = 32,
	MM_OBJECTS_MOST = 1 << 18         /* mm_what.object */
};

/* The number of a category, a new one if there is none of that name, without a budget.
 * MM_EINVAL: the name is empty or too long. MM_ELIMIT. */
MM_API int mm_category(struct mm_manager *manager, const char *name, uint32_t *ret);

/* NULL when there is none. It lives as long as the manager. */
MM_API const char *mm_category_name(struct mm_manager *manager, uint32_t category);

/* What this thread allocates until the matching end is of that category, unless it says
 * otherwise. Deeper than MM_CATEGORY_DEPTH the deepest that counted stays. */
MM_API void mm_category_begin(uint32_t category);
MM_API void mm_category_end(void);

/* --- blocks --------------------------------------------------------------------------------- */

enum mm_priority {
	MM_PRIORITY_NORMAL,
	MM_PRIORITY_CRITICAL,  /* may use the manager's reserve */
	MM_PRIORITY_HIGH,
	MM_PRIORITY_LOW,
	MM_PRIORITY_CACHEABLE, /* may be taken away: mm_what.gone */
	MM_PRIORITIES
};

/* What is said of a block. Zero-filled is valid: category 0 is MM_CATEGORY_SVO_NODES, so set
 * it; MM_WHAT is a start. Strings are copied. */
struct mm_what {
	uint32_t category;        /* or MM_CATEGORY_CURRENT */
	enum mm_priority priority;
	size_t align;             /* a power of two; 0 = 16 */
	const char *name;         /* up to 63 bytes count; may be NULL */
	const char *file;         /* where; may be NULL */
	uint32_t line;
	/* CACHEABLE: told that the library frees the block, just before. It must not call the
	 * library; what it had from the block it makes again when it needs it. */
	void (*gone)(void *ctx, void *block);
	void *ctx;
	uint32_t tag;             /* a number of the caller's: a subsystem, a frame; 0 = none */
	/* On whose behalf; never followed; NULL = none. What is said is kept once for all blocks
	 * of which it is the same, for good: of MM_OBJECTS_MOST things said of objects in a
	 * process the object is kept, later ones lose it alone; where no more can be said at
	 * all (about a million), blocks keep category, priority and tag, at last no tag. */
	const void *object;
};

#define MM_WHAT { MM_CATEGORY_CURRENT, MM_PRIORITY_NORMAL, 0, 0, 0, 0, 0, 0, 0, 0 }

/* A block of the thread's category, content undefined; of zeros. NULL: no memory, a budget or
 * a limit. The caller's until it frees it, in any thread. */
MM_API void *mm_alloc(struct mm_manager *manager, size_t size);
MM_API void *mm_calloc(struct mm_manager *manager, size_t count, size_t size);

/* The same, and why not: MM_EINVAL, MM_ELIMIT (a budget or a limit), MM_ENOMEM. */
MM_API int mm_alloc_as(struct mm_manager *manager, size_t size, const struct mm_what *what,
		       void **ret);

/* NULL block: mm_alloc. The category and all else stay; NULL: the block is as it was. */
MM_API void *mm_realloc(struct mm_manager *manager, void *block, size_t size);

/* NULL is nothing. MM_EINVAL: no live block of this manager's begins there; MM_ECORRUPT: it
 * was written beyond its end (check levels), and is not used again. */
MM_API int mm_free(struct mm_manager *manager, void *block);

/* As mm_alloc_as, for MM_ALLOC. */
MM_API void *mm_alloc_at(struct mm_manager *manager, size_t size, uint32_t category,
			 const char *name, const char *file, uint32_t line);

#define MM_ALLOC(manager, size, category, name) \
	mm_alloc_at(manager, size, category, name, __FILE__, __LINE__)

/* --- memory of others ------------------------------------------------------------------------ */

/* Memory that somebody else allocated counts as a block: at most 40 bytes are kept for it.
 * MM_EEXIST: registered already; MM_EINVAL, MM_ELIMIT, MM_ENOMEM. */
MM_API int mm_register(struct mm_manager *manager, const void *start, size_t size,
		       uint32_t category, const char *name);
MM_API int mm_unregister(struct mm_manager *manager, const void *start); /* MM_ENOENT */

/* --- budgets and limits ------------------------------------------------------------------------ */

enum mm_budget_mode {
	MM_BUDGET_WARN,  /* alarms are told; nothing is refused */
	MM_BUDGET_DENY,  /* what would exceed it is refused */
	MM_BUDGET_EVICT  /* its cacheable blocks are freed, oldest first; then as DENY */
};

#define MM_NO_BUDGET UINT64_MAX

/* MM_EINVAL: no such category, or more than 2^63 bytes that are not MM_NO_BUDGET. MM_EPERM:
 * sealed (mm_audit.h). */
MM_API int mm_budget_set(struct mm_manager *manager, uint32_t category, uint64_t bytes,
			 enum mm_budget_mode mode);

struct mm_usage {
	uint64_t budget_bytes;  /* MM_NO_BUDGET = none */
	enum mm_budget_mode mode;
	uint64_t used_bytes, peak_bytes;
	uint64_t live_count;    /* blocks of the general heap, and registered */
	uint64_t alloc_count;   /* of them, ever */
	uint64_t denied_count, over_count, evicted_count; /* over: times the budget was crossed */
};

MM_API int mm_usage(struct mm_manager *manager, uint32_t category, struct mm_usage *ret);

/* All categories together. current <= peak. */
struct mm_totals {
	uint64_t allocated_bytes, freed_bytes, current_bytes, peak_bytes;
	uint64_t live_count, alloc_count;
	uint64_t committed_bytes; /* obtained from the system, by heaps and pools of every kind */
	uint64_t metadata_bytes;  /* of those: the library's own */
};

MM_API void mm_totals(struct mm_manager *manager, struct mm_totals *ret);

/* 0 = no limit. `reserve_bytes` of `bytes` are for critical blocks alone: others are refused
 * before they use them. Where a limit is in the way cacheable blocks are freed, of any category.
 * MM_EINVAL: reserve above bytes, or above 2^63. MM_EPERM: sealed (mm_audit.h). */
struct mm_limits {
	uint64_t bytes, reserve_bytes;
	uint64_t live_count;    /* blocks */
	uint32_t pools;         /* of every kind */
	uint32_t threads;       /* that have allocated from the general heap and not ended */
};

MM_API int mm_limits_set(struct mm_manager *manager, const struct mm_limits *limits);

/* Whether a budget or the limit is used by nine tenths or more. */
MM_API int mm_is_pressure(struct mm_manager *manager);

enum mm_alarm_kind { MM_ALARM_OVER_BUDGET, MM_ALARM_DENIED, MM_ALARM_EVICTED };

struct mm_alarm {
	enum mm_alarm_kind kind;
	uint32_t category;
	uint64_t bytes;         /* asked for, or freed */
	uint64_t used_bytes, budget_bytes;
};

/* `told` is called in the thread that allocates, and must not call the library; once more, maybe,
 * by a thread that is about to, when it has just been removed. MM_ELIMIT: 8
 * are there. Removing: the same two again. MM_ENOENT. */
MM_API int mm_subscribe(struct mm_manager *manager,
			void (*told)(void *ctx, const struct mm_alarm *alarm), void *ctx);
MM_API int mm_unsubscribe(struct mm_manager *manager,
			  void (*told)(void *ctx, const struct mm_alarm *alarm), void *ctx);

/* --- what is known ------------------------------------------------------------------------------ */

enum mm_tier { MM_TIER_HOT, MM_TIER_WARM, MM_TIER_COLD, MM_TIER_ARCHIVE, MM_TIERS };

struct mm_info {
	const void *start;
	uint64_t size;           /* requested */
	uint32_t category;
	const char *category_name;
	const char *name;        /* NULL = none; of a pool's block: the pool's */
	enum mm_priority priority;
	enum mm_tier tier;
	const void *site;        /* NULL = unknown: registered, or a pool's */
	const char *file;        /* NULL = unknown */
	uint32_t line;
	uint64_t age_ms;
	int is_registered, is_pooled;
	uint32_t tag;            /* as was said; 0 = none */
	const void *object;      /* as was said; NULL = none, or not kept */
};

/* Of the block that an address lies in. Strings live as long as the process. MM_ENOENT. */
MM_API int mm_info(struct mm_manager *manager, const void *address, struct mm_info *ret);

/* Every live block of the general heap and every registered one, until fn returns other than 0,
 * which is returned. fn must not call the library. */
MM_API int mm_each(struct mm_manager *manager, int (*fn)(void *ctx, const struct mm_info *info),
		   void *ctx);

/* The same, of those at least that old: how many they were. fn may be NULL. */
MM_API uint64_t mm_leaks(struct mm_manager *manager, uint64_t older_than_ms,
			 int (*fn)(void *ctx, const struct mm_info *info), void *ctx);

/* Blocks of that tag, and in ret_bytes (may be NULL) what was requested of them: goes through
 * all that mm_each does. */
MM_API uint64_t mm_tagged(struct mm_manager *manager, uint32_t tag, uint64_t *ret_bytes);

/* fn is called for every block that is live when the manager is destroyed; the default one: when
 * the process exits. Blocks of pools are not among them. NULL: not any more. MM_ENOMEM. */
MM_API int mm_leaks_at_end(struct mm_manager *manager,
			   int (*fn)(void *ctx, const struct mm_info *info), void *ctx);

#ifdef __cplusplus
}
#endif

#endif
