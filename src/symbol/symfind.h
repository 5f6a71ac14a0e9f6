/* symfind.h: where the debug information of an ELF file is kept.
 *
 * Promise: a file found by build-id has that build-id; one found by debuglink has the
 * build-id or, where there is none, the CRC that the link names. The network is asked
 * only through mm_symfind_ask_server.
 * Not shared between threads.
 */
#ifndef MM_SYMBOL_SYMFIND_H
#define MM_SYMBOL_SYMFIND_H

#include <elfutils/libdw.h>
#include <stddef.h>
#include <stdint.h>

#include "symbol/symelf.h"

/* What is known about the file whose debug information is wanted. */
struct mm_symfind {
	const char *sysroot;  /* NULL = none */
	const char *path;     /* of the program or library, without sysroot */
	const uint8_t *build_id;
	size_t build_id_len;
	const char *debuglink; /* file name in .gnu_debuglink, NULL = none */
	uint32_t crc;          /* of that file */
	int copied;            /* files are opened by mm_symelf_open_copy */
};

/* Fills debuglink and crc from an opened file; the text lives as long as e. */
void mm_symfind_read_link(struct mm_symfind *f, const struct mm_symelf *e);

/* Opens the separate debug file. MM_ENOENT when there is none. */
int mm_symfind_open(struct mm_symelf **ret, const struct mm_symfind *f);

/* True when some file is where mm_symfind_open would look (it is not opened). */
int mm_symfind_exists(const struct mm_symfind *f);

/* The shared part that dwz moved out of main's debug information, or MM_ENOENT. */
int mm_symfind_open_alt(struct mm_symelf **ret, Dwarf *main, const struct mm_symelf *main_elf,
			const struct mm_symfind *f);

/* Asks the servers in DEBUGINFOD_URLS, if that is set and the client library is
 * there; gives up at deadline_ns (CLOCK_MONOTONIC, 0 = the client's own limits), and
 * for good once they cannot be reached. MM_ENOENT: they have none; MM_EAGAIN: nobody
 * could be asked. */
int mm_symfind_ask_server(struct mm_symelf **ret, const struct mm_symfind *f,
			  uint64_t deadline_ns);

#endif
