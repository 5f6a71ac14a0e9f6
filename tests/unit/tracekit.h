/* tracekit.h: one trace file for a test: a fresh name, writing it and reading it back. */
#ifndef MM_TEST_TRACEKIT_H
#define MM_TEST_TRACEKIT_H

#include <stdint.h>

#include "trace/reader.h"
#include "trace/writer.h"

/* The file's name, from tk_make_path to tk_drop_path (fixtures of cmocka). */
extern char *tk_path;
int tk_make_path(void **state);
int tk_drop_path(void **state);

#define TK_TEST(name) cmocka_unit_test_setup_teardown(name, tk_make_path, tk_drop_path)

/* The test fails where these do. */
struct mm_reader *tk_open(const char *name);
struct mm_writer *tk_begin(const struct mm_writer_options *opt);
uint64_t tk_size(const char *name);

#endif
