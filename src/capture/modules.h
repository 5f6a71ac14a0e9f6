/* modules.h: the modules that frames were found in.
 *
 * Promise: a module has one number for as long as it stays loaded, the same in
 * every thread and in forked children; another module loaded at the same address
 * later has another number. Its record stands in the shared mapping before its
 * number is used anywhere.
 *
 * Vocabulary: module, load generation as in core/shm.h; identity,
 * a hash of what the loaded image says of itself (program headers, build-id,
 * path), looked at again whenever the load generation has changed.
 *
 * Never: a file, the loader's lock, an allocation other than mmap, a change of
 * errno. Lock-free and signal-safe, but for mm_modules_bind().
 */
#ifndef MM_CAPTURE_MODULES_H
#define MM_CAPTURE_MODULES_H

#include <stdint.h>

#include "capture/cfi.h"

struct mm_module {
	uint32_t number; /* 1 .. ; 0 = the table is full, the module is nameless */
	uint64_t start, end;
	uint64_t eh_hdr; /* address of .eh_frame_hdr, 0 = none */
	struct mm_cfi_image image;
};

/* Records go to process slot `process` of the mapping at base from now on; those
 * made before are written there first. The slot's directory segment must exist.
 * Single-threaded. MM_ENOSPC when the mapping is full. */
int mm_modules_bind(void *base, uint32_t process);

/* The module loaded at pc, or NULL when none is. Remains valid for ever. */
const struct mm_module *mm_module_at(uint64_t pc, uint32_t generation);

#endif
