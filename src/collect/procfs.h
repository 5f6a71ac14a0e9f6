/* procfs.h: what /proc says of a process.
 *
 * Texts are malloc'ed, the caller's, NULL when the process is gone or may not be
 * looked at. Any thread.
 */
#ifndef MM_COLLECT_PROCFS_H
#define MM_COLLECT_PROCFS_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* Path of the program. */
char *mm_procfs_exe(pid_t pid);

/* Command line, arguments joined by spaces, quoted for a shell where needed; of a
 * process that shows none, its name in brackets. */
char *mm_procfs_cmd(pid_t pid);

/* One argument quoted where a shell would need it, appended to text: malloc'ed. */
char *mm_procfs_quote(char *const *argv);

/* Name of a thread into `ret` (16 bytes): 0 or MM_ENOENT. */
int mm_procfs_comm(pid_t pid, pid_t tid, char ret[16]);

/* Reads the whole of a /proc file into buf, NUL-terminated: its length, or -1. */
long mm_procfs_read(const char *path, char *buf, size_t size);

/* Value of "NAME:   123 kB" in the text of a status-like file in bytes, or
 * UINT64_MAX. `name` includes the colon. */
uint64_t mm_procfs_field(const char *text, const char *name);

/* Number of a thread in its own, innermost pid namespace; 0 when it is gone or the kernel
 * does not say. */
pid_t mm_procfs_inner(pid_t pid, pid_t tid);

/* The child of pid that calls itself `inner`; 0 = there is none. */
pid_t mm_procfs_find_child(pid_t pid, pid_t inner);

/* Calls fn for each thread of pid until it gives nonzero: 0, MM_ENOENT, or that. */
int mm_procfs_tasks(pid_t pid, int (*fn)(void *ctx, pid_t tid), void *ctx);

/* The children of one thread, as fn calls. 0, or MM_ENOENT when the kernel does not say. */
int mm_procfs_children(pid_t pid, pid_t tid, int (*fn)(void *ctx, pid_t child), void *ctx);

/* Wait status of a process that has ended, waited for or not (pidfd -1 = none):
 * 0, or MM_ENOENT when this kernel does not say. */
int mm_procfs_status(pid_t pid, int pidfd, int *ret);

struct mm_procfs_state {
	pid_t ppid;
	char letter;        /* as proc(5) has it: S sleeping, Z zombie ... */
	uint64_t cpu_ticks; /* of all its threads, in user and system */
};

/* 0, or MM_ENOENT when the process is gone. */
int mm_procfs_state(pid_t pid, struct mm_procfs_state *ret);

#endif
