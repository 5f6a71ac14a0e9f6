/* modelkit.h: small traces for the tests of the model, with an oracle beside them.
 *
 * The kit writes events through the trace's writer and remembers them in a plain list;
 * the oracle answers from that list by brute force, sharing no code with the model.
 */
#ifndef MM_TESTS_MODELKIT_H
#define MM_TESTS_MODELKIT_H

#include <stddef.h>
#include <stdint.h>

#include "model/model.h"
#include "model/report.h"
#include "trace/reader.h"
#include "trace/writer.h"

enum { KIT_PROCESSES = 8 };

struct kit_object {
	uint32_t process, site, thread, slot;
	uint64_t size, born, died; /* died MM_UNKNOWN: lives on */
	uint32_t born_order, died_order; /* number of the event in the whole kit */
	int temporary;
};

struct kit_symbol {
	uint32_t process, module;
	uint64_t address;
	struct mm_frame frames[3];
	size_t count;
};

struct kit {
	char path[64];
	struct mm_writer *writer;
	struct mm_stream *streams[KIT_PROCESSES];
	uint32_t process_count;
	uint32_t module[KIT_PROCESSES];
	uint64_t next_address; /* of code */
	uint64_t next_object;  /* address of the next object; 0 = one after the other */
	struct kit_object *objects;
	size_t count, cap;
	struct kit_symbol *symbols;
	size_t symbol_count, symbol_cap;
	uint32_t events;
	int64_t newest[KIT_PROCESSES][64]; /* by thread: its last object, -1 none */
	struct mm_reader *reader;
};

void kit_begin(struct kit *k);

/* A process; its module is /opt/kit/program. */
uint32_t kit_process(struct kit *k, uint32_t pid, enum mm_process_start start, uint64_t time);
void kit_process_end(struct kit *k, uint32_t process, enum mm_process_end end, int32_t status,
		     uint64_t time);
uint32_t kit_thread(struct kit *k, uint32_t process, uint32_t tid, const char *name);

/* A site below `parent` with one frame; names "" are left unknown. */
uint32_t kit_site(struct kit *k, uint32_t process, uint32_t parent, const char *function,
		  const char *file, uint32_t line);
/* The same, `function` inlined into `outer`. */
uint32_t kit_inlined(struct kit *k, uint32_t process, uint32_t parent, const char *function,
		     const char *outer);
uint32_t kit_category(struct kit *k, uint32_t process, uint32_t parent, const char *name);

size_t kit_alloc(struct kit *k, uint32_t process, uint32_t thread, uint32_t site, uint64_t size,
		 uint64_t time);
void kit_free(struct kit *k, size_t object, uint32_t thread, uint64_t time);
/* realloc: one free and one birth. */
size_t kit_realloc(struct kit *k, size_t object, uint32_t thread, uint32_t site, uint64_t size,
		   uint64_t time);
void kit_other(struct kit *k, uint32_t process, const struct mm_event *ev);
void kit_text(struct kit *k, uint32_t process, unsigned kind, const char *text, int64_t value,
	      uint64_t time);

/* Closes the trace and opens it for reading. */
struct mm_reader *kit_reader(struct kit *k);
void kit_end(struct kit *k);

/* The report of the kit's trace; fails the test when there is none. */
struct mm_report *kit_report(struct kit *k, const struct mm_model_options *options);
/* The code with which the model refuses. */
int kit_refusal(struct kit *k, const struct mm_model_options *options, struct mm_diag *diag);

/* --- the oracle ------------------------------------------------------------------------ */

#define KIT_ANY UINT32_MAX

/* What objects of this process, site and thread (KIT_ANY: all) did in [from, to); peak_*
 * are left 0. */
struct mm_measure kit_measure(const struct kit *k, uint32_t process, uint32_t site,
			      uint32_t thread, uint64_t from, uint64_t to);

/* The peak over processes in `mask` within [from, to); in ret_at the number of the event
 * that reached it. */
uint64_t kit_peak(const struct kit *k, unsigned mask, uint64_t from, uint64_t to,
		  uint32_t *ret_at, uint64_t *ret_time);

/* Bytes of process and site live after event number `at`. */
uint64_t kit_live_after(const struct kit *k, uint32_t process, uint32_t site, uint32_t thread,
			uint32_t at);

#endif
