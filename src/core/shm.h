/* shm.h: the memory that a recorded process and the collector share.
 *
 * Promise: one memfd per program image, mapped once; everything either side
 * says to the other after the first hello is in here. Single writer a ring, no
 * lock, no descriptor and no system call on the steady path. What a thread has
 * published survives the death of its process.
 *
 * Vocabulary
 *   image      one execve'd program and the children it forks: one mapping
 *   process    one slot of the process table: one address space (fork
 *              or exec to exec or exit); a forked child claims the next slot
 *   segment    64 KiB of the mapping, numbered from 0; segments below
 *              first_seg hold the control structures, the rest is a pool
 *   ring       the chain of segments that one thread has written and the
 *              collector has not yet taken back
 *   record     what a hook writes: 8-byte words, never split over segments
 *   node       one entry of the process's call tree (parent, return address)
 *   stamp      mm_arch_stamp(), or CLOCK_MONOTONIC ns when clock_kind says so
 *
 * Never: a pointer (both sides map it elsewhere), a lock, anything read by the
 * collector without a bounds check: the other side may be a wild program.
 */
#ifndef MM_CORE_SHM_H
#define MM_CORE_SHM_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>

#define MM_SHM_MAGIC UINT64_C(0x316d68736d6d0a1a) /* "\x1a\nmmshm1" */
#define MM_SHM_VERSION 2u

#define MM_ENV_SOCKET "MMPROF_SOCKET" /* path of the collector's socket */

enum {
	MM_SEG_SIZE = 64 * 1024,
	MM_SEG_HEADER = 64,
	MM_SEG_DATA = MM_SEG_SIZE - MM_SEG_HEADER, /* bytes for records */

	MM_SHM_PROCESSES = 4096,  /* slots of the process table */
	MM_SHM_THREADS = 65536,   /* slots of the thread table */
	MM_SHM_MAP_MAX_GIB = 16,  /* address space asked for first ... */
	MM_SHM_MAP_MIN_MIB = 64,  /* ... and under RLIMIT_AS, at least this */

	MM_RING_SEGS_THREAD = 16, /* 1 MiB a thread */
	MM_RING_SEGS_ALL = 4096,  /* 256 MiB in all */

	MM_NODES_PER_SEG = MM_SEG_SIZE / 16,
	MM_MODULES_PER_SEG = MM_SEG_SIZE / 512,
	MM_NAMES_PER_SEG = MM_SEG_SIZE / 64,
	MM_NODE_DIR = 12288, /* node segments a process may have: 50 M nodes */
	MM_MODULE_DIR = 64,  /* 8192 modules */
	MM_NAME_DIR = 16,    /* 16384 category names */
	MM_DEPTH_MAX = 1024  /* deepest stack that can be recorded */
};

/* --- options, fixed before the target maps ------------------------------- */

enum mm_shm_option {
	MM_OPT_DROP = 1u << 0,       /* --on-full=drop; default is to wait */
	MM_OPT_MMAP = 1u << 1,       /* record the mmap family */
	MM_OPT_FREE_STACKS = 1u << 2,
	MM_OPT_NO_FOLLOW = 1u << 3   /* children are not recorded */
};

enum mm_clock_kind { MM_CLOCK_TSC = 0, MM_CLOCK_MONOTONIC = 1 };

/* --- control page (offset 0) ---------------------------------------------- */

struct mm_shm_control {
	uint64_t magic;
	uint32_t version;
	uint32_t options;     /* enum mm_shm_option */
	uint32_t clock_kind;  /* enum mm_clock_kind */
	uint32_t depth;       /* frames to keep, 1 .. MM_DEPTH_MAX */
	uint64_t map_bytes;   /* size of the memfd */
	uint64_t process_off; /* of struct mm_shm_process[MM_SHM_PROCESSES] */
	uint64_t thread_off;  /* of struct mm_shm_thread[MM_SHM_THREADS] */
	uint32_t first_seg;   /* first segment of the pool */
	uint32_t seg_count;   /* segments in map_bytes */
	uint8_t pad0[64];

	/* A process-shared robust mutex that the collector's main thread holds
	 * for as long as it records. The kernel sets FUTEX_OWNER_DIED in its
	 * first word when that thread dies, however it dies. Targets only read
	 * that word: mm_shm_collector_gone(). */
	_Alignas(64) pthread_mutex_t collector_lock;
	_Atomic uint32_t stopped; /* collector asks everyone to stop for good */

	/* Raised by whoever sees a module go: rows and memos of another
	 * generation are not believed. Starts at 1. */
	_Alignas(64) _Atomic uint32_t load_generation;

	/* Segment pool. free_head = tag << 32 | segment (0 = empty); targets
	 * pop, the collector pushes, the tag counts pops and pushes. When it is
	 * empty a target takes `bump` (next never used segment). `seg_limit` is
	 * what the target could map, in segments. */
	_Alignas(64) _Atomic uint64_t free_head;
	_Atomic uint32_t bump;
	_Atomic uint32_t seg_limit;
	_Atomic uint32_t ring_segs;  /* segments now in rings */

	/* A writer without space waits here, at most 100 ms a time, for the
	 * collector to change space_seq; the collector wakes only if waiters. */
	_Alignas(64) _Atomic uint32_t space_seq;
	_Atomic uint32_t space_waiters;

	/* The collector sleeps on wake_seq when it has nothing to do and says so
	 * in sleeping; a writer that fills a segment raises wake_seq and wakes. */
	_Alignas(64) _Atomic uint32_t wake_seq;
	_Atomic uint32_t sleeping;

	_Alignas(64) _Atomic uint32_t process_next; /* slots ever claimed */
	_Atomic uint32_t thread_next;               /* slots ever claimed */
};

/* --- processes -------------------------------------------------------------- */

enum mm_shm_process_state {
	MM_PROC_FREE = 0,
	MM_PROC_CLAIMED = 1, /* being filled in by the target */
	MM_PROC_LIVE = 2,
	MM_PROC_DONE = 3     /* collector has drained it; slot may be reused */
};

/* Directory entries hold segment numbers, 0 = not there yet; a segment is
 * stored (release) before the count that needs it is raised. */
struct mm_shm_process {
	_Atomic uint32_t state;
	uint32_t pid;          /* as the process sees itself (its pid namespace) */
	uint32_t ppid;
	uint32_t parent;       /* slot of the forking process + 1; 0 = exec'd */
	uint64_t start_stamp;  /* first hook or atfork handler of this process */
	uint64_t fork_stamp;   /* the parent's MM_REC_FORK stamp; 0 = unknown */
	_Atomic uint32_t node_count;   /* nodes handed out, node 0 = root */
	_Atomic uint32_t module_count; /* module 0 = "unknown" */
	_Atomic uint32_t name_count;   /* name 0 = "" */
	_Atomic uint32_t dir_seg;      /* segment holding struct mm_shm_dir */
	_Atomic uint32_t flags;        /* enum mm_shm_process_flag */
	uint32_t pad[3];
	_Atomic uint64_t dropped;      /* events given up for want of a ring at all */
};

enum mm_shm_process_flag {
	MM_PROCF_MAPFULL = 1u << 0, /* the mapping is full: recording stopped */
	MM_PROCF_GAVE_UP = 1u << 1  /* the process found the collector gone */
};

struct mm_shm_dir {
	_Atomic uint32_t nodes[MM_NODE_DIR];
	_Atomic uint32_t modules[MM_MODULE_DIR];
	_Atomic uint32_t names[MM_NAME_DIR];
};

/* A node is written whole before its number is used in any record. The site of
 * an allocation made under mm_category_push is a child of kind
 * MM_NODE_CATEGORY below the node of its stack, so a site carries its category. */
enum mm_node_kind {
	MM_NODE_FRAME = 0,    /* value = return address */
	MM_NODE_CATEGORY = 1, /* value = name number */
	MM_NODE_CUT = 2       /* value = 0: the stack could not be read further out;
	                         stands between root and the outermost frame */
};

struct mm_shm_node {
	uint64_t value_kind; /* kind << 56 | value */
	uint32_t parent;
	uint32_t module;     /* of the return address; 0 = unknown. CATEGORY: number of the
	                        pool that the block is of, 0 = of none; value may then be 0 */
};

#define MM_NODE_VALUE(vk) ((vk) & ((UINT64_C(1) << 56) - 1))
#define MM_NODE_KIND(vk) ((uint32_t)((vk) >> 56))

/* What the unwinder met: written by the target when the first row of a module
 * is compiled, so that a library that lives for a millisecond is known. */
struct mm_shm_module {
	uint64_t start, end;   /* mapped range */
	uint64_t bias;         /* load address minus link address (l_addr) */
	uint64_t stamp;        /* first seen */
	uint32_t generation;   /* load generation at that time */
	uint32_t build_id_len; /* 0 .. 32 */
	uint8_t build_id[32];
	uint32_t path_len;     /* full length; the text below may be cut */
	char path[436];        /* "" = the main program; see /proc/PID/exe */
};

struct mm_shm_name { char text[64]; }; /* NUL-terminated UTF-8, cut to fit */

/* --- threads ----------------------------------------------------------------- */

enum mm_shm_thread_state {
	MM_THREAD_FREE = 0,
	MM_THREAD_CLAIMED = 1,
	MM_THREAD_LIVE = 2
	/* only the collector goes back to FREE, once the thread is dead
	 * (/proc/PID/task) and its ring is empty */
};

struct mm_shm_thread {
	/* Written by the thread. busy is set before a stamp is taken and cleared
	 * after its record is published. */
	_Atomic uint32_t busy;
	/* Segment being filled; 0 = none. The collector may take an idle
	 * thread's segments back when the pool runs low: it stores seg = 0, runs
	 * membarrier, then looks at busy. While it finds busy != 0 with seg == 0
	 * it waits. busy == 0: the chain it knows is final, it drains it to the
	 * last head and gives it all back. seg != 0: the thread has started afresh
	 * at first_seg, and the old chain is final likewise. The thread looks at
	 * seg only after setting busy, in its outermost hook; finding 0 it takes
	 * a new segment and stores first_seg, then seg (release). A thread that
	 * moves on to its next segment changes seg only if it is not 0. */
	_Atomic uint32_t seg;
	_Atomic uint64_t dropped;   /* records given up (ring full, --on-full=drop) */
	_Atomic uint64_t events;    /* records published; kept by kills tests */
	uint8_t pad0[40];

	_Atomic uint32_t state;
	uint32_t process;           /* slot */
	uint32_t tid;               /* as the process sees it; in a CLONE_VM child
	                               with TLS of its own, of another process: dead
	                               only when /proc/TID is gone too */
	_Atomic uint32_t first_seg; /* first segment since the thread last started
	                               afresh; 0 = none yet */
	_Atomic uint32_t ring_segs; /* segments in this ring: the writer adds, the
	                               collector takes away */
	uint32_t pad1;
	uint64_t start_stamp;
	char name[16];
	uint8_t pad2[16];
};

/* --- segments of a ring -------------------------------------------------------- */

/* The writer fills data and stores head (release) with the bytes published.
 * When it moves on it stores next (release) after the final head. The collector
 * reads next, then head; when next != 0 and it has consumed head, the segment
 * goes back to the pool. Stamps in a ring never go back, signal handlers
 * included; a REALLOC counts by its t1, and nothing stands between its t0 and t1. */
struct mm_seg {
	_Atomic uint32_t head;      /* bytes of data published */
	_Atomic uint32_t next;      /* segment that follows; 0 = this is the last */
	_Atomic uint32_t next_free; /* link while in the pool */
	uint32_t thread;            /* owner's slot in the thread table */
	uint32_t pending_next;      /* writer's own: follows, not yet published */
	uint32_t tail;              /* writer's own: bytes used when it moved on */
	uint8_t pad[MM_SEG_HEADER - 24];
	uint64_t data[MM_SEG_DATA / 8];
};

/* --- records ----------------------------------------------------------------------- */

/* First word: kind in bits 0-7, address in bits 8-63 (0 where there is none).
 * Second word: stamp. The rest by kind; "node" words are
 * node | align_log2 << 32 | call << 40, call = enum mm_rec_call. */
enum mm_rec_kind {
	MM_REC_VOID = 0,    /* 1 + n words to skip; n in bits 8-63 */
	MM_REC_ALLOC = 1,   /* addr, stamp, size, node */
	MM_REC_FREE = 2,    /* addr, stamp */
	MM_REC_FREE_AT = 3, /* addr, stamp, node: --free-stacks */
	MM_REC_REALLOC = 4, /* new addr, t1, size, node, old addr, t0 */
	MM_REC_FAILED = 5,  /* 0, stamp, size, node: errno left to the program */
	MM_REC_MAP = 6,     /* addr, stamp, size, node, prot | flags << 32 */
	MM_REC_UNMAP = 7,   /* addr, stamp, size, node */
	MM_REC_REMAP = 8,   /* new addr, stamp, new size, node, old addr, old size */
	MM_REC_FORK = 9,    /* 0, stamp: taken by the parent just before fork */
	MM_REC_MARK = 10,   /* 0, stamp, bytes, node, text padded to words */
	MM_REC_METRIC = 11, /* 0, stamp, bytes, node, value (int64), name padded */
	MM_REC_BUDGET = 12, /* 0, stamp, bytes, node, limit, category padded */
	MM_REC_POOL = 13,   /* 0, stamp, bytes, node of its category, number | flags << 32,
	                       bytes of a block, live blocks, name padded (core/sink.h) */
	MM_REC_POOL_END = 14, /* 0, stamp, number, 0 */
	MM_REC_SLAB = 15,   /* addr, stamp, bytes, 0, number, blocks */
	MM_REC_SLAB_END = 16, /* the same */
	MM_REC_MOVE = 17,   /* from, stamp, 0, 0, number, to */
	MM_REC_KEY = 18,    /* addr, stamp, 0, 0, number, key */
	MM_REC_SLAB_SIZE = 19, /* addr, stamp, bytes now, 0, number, bytes before */
	MM_REC_KINDS = 20
};

/* Which call made the object (events keep it: replay needs it). */
enum mm_rec_call {
	MM_CALL_MALLOC = 0, MM_CALL_CALLOC = 1, MM_CALL_REALLOC = 2,
	MM_CALL_ALIGNED = 3, /* posix_memalign, aligned_alloc, memalign, valloc, pvalloc */
	MM_CALL_NEW = 4, MM_CALL_NEW_ALIGNED = 5,
	MM_CALL_NOTE = 6     /* mm_note_alloc: an allocator of the program's own */
};

#define MM_REC_HEAD(kind, addr) ((uint64_t)(kind) | (uint64_t)(addr) << 8)
#define MM_REC_KIND(w) ((uint32_t)((w) & 0xff))
#define MM_REC_ADDR(w) ((uint64_t)(w) >> 8)
#define MM_REC_NODE(node, align_log2, call) \
	((uint64_t)(node) | (uint64_t)(align_log2) << 32 | (uint64_t)(call) << 40)
#define MM_REC_NODE_ID(w) ((uint32_t)(w))
#define MM_REC_ALIGN(w) ((uint32_t)((w) >> 32) & 0xff)
#define MM_REC_CALL(w) ((uint32_t)((w) >> 40) & 0xff)

/* Words of the record at w, of which avail >= 1 words are readable; 0 = the
 * record is malformed or does not fit. Pure. */
uint32_t mm_rec_words(const uint64_t *w, uint32_t avail);

/* --- hello ----------------------------------------------------------------------- */

/* A new image connects to the socket (SOCK_STREAM), sends mm_shm_hello and gets
 * mm_shm_welcome with the memfd as SCM_RIGHTS. Process slot 0 is the image
 * itself, already CLAIMED by the collector; the image fills it and sets LIVE. */
struct mm_shm_hello {
	uint64_t magic;
	uint32_t version;
	uint32_t pid, ppid;
	uint32_t flags;
	uint64_t stamp;
};

struct mm_shm_welcome {
	uint64_t magic;
	uint32_t version;
	uint32_t refused; /* 0 = recorded; else no memfd follows */
};

/* --- small helpers ------------------------------------------------------------------ */

static inline struct mm_seg *mm_shm_seg(void *base, uint32_t seg)
{
	return (struct mm_seg *)((char *)base + (uint64_t)seg * MM_SEG_SIZE);
}

static inline struct mm_shm_process *mm_shm_process(void *base, uint32_t slot)
{
	struct mm_shm_control *c = base;
	return (struct mm_shm_process *)((char *)base + c->process_off) + slot;
}

static inline struct mm_shm_thread *mm_shm_thread(void *base, uint32_t slot)
{
	struct mm_shm_control *c = base;
	return (struct mm_shm_thread *)((char *)base + c->thread_off) + slot;
}

/* Takes a segment from the pool: its number, or 0 when the mapping is full.
 * Any thread, signal-safe, lock-free. Does not count it as ring space. */
uint32_t mm_shm_seg_take(void *base);

/* Gives a segment back. Collector only. */
void mm_shm_seg_give(void *base, uint32_t seg);

/* True when mm_shm_seg_take would give none now. Any thread, signal-safe. */
int mm_shm_is_full(void *base);

/* True once the collector has died or asked everyone to stop. Signal-safe. */
int mm_shm_collector_gone(void *base);

/* Lays out a fresh, zero-filled mapping of map_bytes: offsets, pool, generation.
 * Collector only, before the descriptor is handed out; does not touch the
 * collector_lock. Returns 0 or MM_EINVAL when map_bytes is too small. */
int mm_shm_format(void *base, uint64_t map_bytes, uint32_t options, uint32_t depth,
		  uint32_t clock_kind);

#endif
