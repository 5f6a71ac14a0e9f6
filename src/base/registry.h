/* registry.h: which recordings of this user are being made, and into which traces.
 *
 * Promise: a folder that is not ours alone is not believed and not written to; an entry counts
 * only while its recorder lives; entries of dead ones are removed by whoever looks. Numbers of
 * processes mean something in their own pid namespace only: entries of another one, by a folder
 * that containers share, are neither shown nor removed. Nothing here ever fails a recording.
 * Vocabulary: entry = one recording; recorder = the process that writes the trace; command =
 * the first process that it records.
 * Folder: $XDG_RUNTIME_DIR/mmprof, else /run/user/UID/mmprof where that is, else
 * /tmp/mmprof-UID; mode 0700. Any thread.
 */
#ifndef MM_BASE_REGISTRY_H
#define MM_BASE_REGISTRY_H

#include <limits.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct mm_registry_entry {
	pid_t recorder;
	pid_t command;            /* 0 = not started yet */
	uint64_t recorder_start;  /* as the kernel tells it: tells a number used again apart */
	uint64_t start_unix_ns;
	char trace[PATH_MAX];     /* absolute */
	char cmd[256];            /* cut to fit */
};

/* The absolute path of a file that need not be there yet, in a folder that is. MM_ENOENT. */
int mm_registry_path(const char *path, char ret[PATH_MAX]);

/* Notes a recording by this process; recorder and recorder_start need not be filled in. 0 or
 * an error; MM_EPERM when the folder is not ours. */
int mm_registry_add(const struct mm_registry_entry *e);
/* Takes back what this process noted. */
void mm_registry_remove(void);

/* Those that live, the newest first: an array, the caller's to free. No folder = none. */
int mm_registry_list(struct mm_registry_entry **ret, size_t *ret_count);

/* An entry that knows its recorder alone. */
void mm_registry_of(pid_t recorder, struct mm_registry_entry *ret);

/* Whether the recorder of an entry still lives. */
int mm_registry_lives(const struct mm_registry_entry *e);

#endif
