/* event.h: the event, the one noun of the model, and what events refer to.
 *
 * Vocabulary as in ARCHITECTURE.md: process, object, slot, site, category. Numbers are dense
 * and belong to one process: slots, sites, threads, modules; 0 is "none/unknown"
 * for site (the root), module and string; slots and threads start at 0 and use
 * MM_NO_SLOT / MM_NO_THREAD.
 * Times are nanoseconds from the start of the trace. Sizes are requested bytes.
 * Pure data; nothing here allocates.
 */
#ifndef MM_TRACE_EVENT_H
#define MM_TRACE_EVENT_H

#include <stdint.h>

#include "base/ratios.h"

#define MM_NO_SLOT UINT32_MAX
#define MM_NO_THREAD UINT32_MAX

/* Kinds below MM_EV_OTHER are columns of a chunk; the rest travel as (kind, length,
 * bytes) and are skipped by readers that do not know them. The numbers are the
 * file's and never change meaning. */
enum mm_event_kind {
	/* births: slot, size, align_log2, addr, site, thread, time */
	MM_EV_MALLOC = 0,
	MM_EV_CALLOC = 1,
	MM_EV_ALIGNED = 2,
	MM_EV_NEW = 3,
	MM_EV_NEW_ALIGNED = 4,
	MM_EV_NOTE_ALLOC = 5,
	MM_EV_REALLOC_IN = 6,   /* alloc half; `other` = slot of its free half, or
	                           MM_NO_SLOT when that was an inherited free */
	/* deaths: slot, thread, time, site (free stacks only, else 0) */
	MM_EV_FREE = 16,
	MM_EV_NOTE_FREE = 17,
	MM_EV_REALLOC_OUT = 18, /* free half */
	MM_EV_IMPLIED = 19,     /* closed because its address was born again */
	MM_EV_INHERITED = 20,   /* free of an address never allocated here: no slot */

	MM_EV_OTHER = 64,
	MM_EV_FAILED = 64,      /* size, site */
	MM_EV_MAP = 65,         /* addr, size, site */
	MM_EV_UNMAP = 66,       /* addr, size, site */
	MM_EV_MARK = 67,        /* text */
	MM_EV_METRIC = 68,      /* text = name, value (signed) */
	MM_EV_BUDGET = 69,      /* text = category, value = limit in bytes */
	MM_EV_FORK = 70,        /* value = process number of the child when known, else 0 */
	MM_EV_SAMPLE = 71,      /* struct mm_sample */
	MM_EV_LOST = 72,        /* value = events lost since the last one of this thread */
	MM_EV_DISCARD = 73,     /* exec: every live object ended, none leaked */
	MM_EV_THREAD_END = 74,
	/* of pools of the engine (core/sink.h) */
	MM_EV_POOL = 75,        /* pool, size = bytes of a block, blocks = live now,
	                           value = enum mm_pool_flag, text = name, site: its category */
	MM_EV_POOL_END = 76,    /* pool */
	MM_EV_SLAB = 77,        /* pool, addr, size, blocks */
	MM_EV_SLAB_END = 78,    /* the same */
	MM_EV_BLOCK_MOVE = 79,  /* pool, addr, value = address it has now; slot, if known */
	MM_EV_BLOCK_KEY = 80,   /* pool, addr, value = where in space it belongs */
	MM_EV_SLAB_SIZE = 81,   /* pool, addr, size, value = bytes before */
	/* what a memory manager or a GPU layer says (struct mm_notice) */
	MM_EV_TIER = 82,        /* a tier; again when its capacity changes */
	MM_EV_TIER_USE = 83,    /* what lies in a tier now */
	MM_EV_TIER_MOVE = 84,
	MM_EV_EVICT = 85,
	MM_EV_DENY = 86,
	MM_EV_PRESSURE = 87,
	MM_EV_GPU_DEVICE = 88,
	MM_EV_GPU_HEAP = 89,    /* the rest: as it is now */
	MM_EV_GPU_KIND = 90,
	MM_EV_GPU_BLOCK = 91
};

static inline int mm_event_is_birth(unsigned kind) { return kind <= MM_EV_REALLOC_IN; }
static inline int mm_event_is_death(unsigned kind)
{
	return kind >= MM_EV_FREE && kind <= MM_EV_INHERITED;
}

/* In bytes, of an align_log2: 0 = the allocator's default. What no address can be at is the most. */
static inline uint64_t mm_event_align(uint8_t align_log2)
{
	return align_log2 ? UINT64_C(1) << (align_log2 < 62 ? align_log2 : 62) : 0;
}

/* One reading of the process's surroundings. MM_UNKNOWN where not to be had. */
struct mm_sample {
	uint64_t rss_bytes;          /* resident, from /proc/PID/smaps_rollup or statm */
	uint64_t anon_bytes;         /* private anonymous resident */
	uint64_t rss_peak_bytes;     /* VmHWM */
	uint64_t mem_available_bytes;/* MemAvailable */
	uint64_t limit_bytes;        /* cgroup limit or MemTotal */
	uint64_t cgroup_bytes;       /* memory.current */
	uint64_t psi_some_ppm, psi_full_ppm; /* memory pressure, avg10 */
};

struct mm_notice;

struct mm_event {
	uint8_t kind;        /* enum mm_event_kind */
	uint8_t temporary;   /* death: freed by its own thread, no alloc of it between */
	uint8_t align_log2;  /* asked for; 0 = the allocator's default. Not beside kind: copied
	                        together, two bytes just written are read as one word, and
	                        that waits for both to reach the cache */
	uint8_t flags;       /* enum mm_event_flag */
	uint32_t slot;
	uint32_t thread;
	uint32_t site;       /* birth: where allocated. death: where freed, or 0 */
	uint32_t other;      /* REALLOC_IN only */
	uint64_t time;
	uint64_t size;       /* birth: requested. death: that of the object, or MM_UNKNOWN */
	uint64_t addr;       /* 0 = not recorded */
	/* of the object that dies, as far as known; else 0 / MM_UNKNOWN */
	uint32_t born_site, born_thread;
	uint64_t born_time;
	/* kinds from MM_EV_OTHER: */
	int64_t value;
	const char *text;    /* not NUL-terminated; valid until the next event */
	uint32_t text_len;
	union {
		const struct mm_sample *sample; /* MM_EV_SAMPLE */
		const struct mm_notice *notice; /* MM_EV_TIER to MM_EV_GPU_BLOCK: notice.h */
	};
	uint32_t pool;       /* number of a pool; 0 = unknown */
	uint64_t blocks;
};

enum mm_event_flag {
	MM_EVF_BORN_UNKNOWN = 1 /* death of an object born in a gap of the trace */
};

enum mm_pool_flag {
	MM_POOLF_AGAIN = 1,  /* a forked process's, which has it from its parent */
	MM_POOLF_MALLOC = 2  /* under malloc: its blocks are the objects of malloc */
};

/* Name of a kind as `mmprof cat` prints it ("malloc", "realloc-out"); "kind-NN" is
 * written to a static table of known ones only: NULL for an unknown kind. */
const char *mm_event_name(unsigned kind);

/* --- what events refer to ------------------------------------------------- */

enum mm_process_start { MM_START_COMMAND = 0, MM_START_FORK = 1, MM_START_EXEC = 2,
	MM_START_UNRECORDED = 3 /* a child seen but not recorded: listed only */ };
enum mm_process_end { MM_END_RUNNING = 0, MM_END_EXIT = 1, MM_END_SIGNAL = 2,
	MM_END_EXEC = 3, MM_END_UNKNOWN = 4 };

/* Strings are UTF-8 as the system gave them (escape before printing), owned by
 * whoever made the struct; a reader's live as long as the reader. */
struct mm_process {
	uint32_t number;         /* 0 = the command's own first process */
	uint32_t pid, ppid;      /* as the collector sees them */
	uint32_t parent;         /* process number + 1; 0 = none recorded */
	uint8_t start;           /* enum mm_process_start */
	uint8_t end;             /* enum mm_process_end */
	int32_t status;          /* exit status or signal number, by `end` */
	uint64_t start_time, end_time; /* end_time MM_UNKNOWN until it ended */
	uint64_t inherited_bytes;      /* parent's live bytes at the fork, MM_UNKNOWN */
	const char *exe;         /* path of the program, "" unknown */
	const char *cmd;         /* command line, arguments joined by spaces, quoted */
};

enum mm_site_kind { MM_SITE_ROOT = 0, MM_SITE_FRAME = 1, MM_SITE_CATEGORY = 2, MM_SITE_CUT = 3 };

struct mm_site {
	uint32_t parent; /* site number; parents come before children */
	uint32_t module; /* FRAME; CATEGORY: number of the block's pool, 0 = of none */
	uint64_t value;  /* FRAME: return address in the process; CATEGORY: string number, 0 = of a
	                    pool and no category */
	uint8_t kind;    /* enum mm_site_kind */
};

struct mm_module {
	uint64_t start, end; /* mapped range in the process */
	uint64_t bias;       /* address minus bias = address in the ELF file */
	uint64_t time;       /* first seen */
	const char *path;
	uint8_t build_id[32];
	uint8_t build_id_len;
};

struct mm_thread {
	uint32_t tid;
	uint64_t start_time;
	const char *name; /* last known */
};

/* One symbolised frame of an address: several when functions are inlined,
 * innermost first. */
struct mm_frame {
	const char *function; /* demangled; "" unknown */
	const char *file;     /* "" unknown */
	uint32_t line;        /* 0 unknown */
	uint8_t inlined;      /* true for all but the outermost of an address */
};

#endif
