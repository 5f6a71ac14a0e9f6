# Tests: the stack side of the preload. Its parts by cmocka; whole stacks against
# libunwind and a shadow stack, in programs that the script builds itself with several
# compilers and options; the table parser by fuzzing.
TESTS += tests/stacks/stacks.sh
EXTRA_DIST += tests/stacks/stacks.sh tests/stacks/plugin.c tests/stacks/situations.c \
	tests/stacks/situations_cxx.cc tests/stacks/stackharness.c tests/stacks/stackharness.h

# As in the preload: never sanitized, since it reads other functions' frames.
check_LTLIBRARIES += libmm_stacktest.la
libmm_stacktest_la_SOURCES = $(capture_stack_sources) src/core/shm.c
libmm_stacktest_la_CFLAGS = $(MM_CFLAGS) -O2 -fPIC

mm_stack_tests = test_calltree test_cfi test_memo test_rows test_stack
check_PROGRAMS += $(mm_stack_tests)
TESTS += $(mm_stack_tests)
test_calltree_SOURCES = tests/unit/test_calltree.c
test_calltree_CFLAGS = $(MM_CFLAGS)
test_calltree_LDFLAGS =
test_calltree_LDADD = libmm_stacktest.la $(CMOCKA_LIBS) -lpthread
test_cfi_SOURCES = tests/unit/test_cfi.c
test_cfi_CFLAGS = $(MM_CFLAGS)
test_cfi_LDFLAGS =
test_cfi_LDADD = libmm_stacktest.la $(DW_LIBS) $(ELF_LIBS) $(CMOCKA_LIBS)
test_memo_SOURCES = tests/unit/test_memo.c
test_memo_CFLAGS = $(MM_CFLAGS)
test_memo_LDFLAGS =
test_memo_LDADD = libmm_stacktest.la $(CMOCKA_LIBS)
test_rows_SOURCES = tests/unit/test_rows.c
test_rows_CFLAGS = $(MM_CFLAGS)
test_rows_LDFLAGS =
test_rows_LDADD = libmm_stacktest.la $(CMOCKA_LIBS) -lpthread -ldl
test_stack_SOURCES = tests/unit/test_stack.c
test_stack_CFLAGS = $(MM_CFLAGS)
test_stack_LDFLAGS =
test_stack_LDADD = libmm_stacktest.la $(CMOCKA_LIBS)

# What a stack costs: make stack_bench && ./stack_bench
EXTRA_PROGRAMS = stack_bench
stack_bench_SOURCES = bench/stack_bench.c
stack_bench_CFLAGS = $(MM_CFLAGS) -O2
stack_bench_LDFLAGS =
stack_bench_LDADD = libmm_stacktest.la

if FUZZ
# The parser itself is compiled in, so that the fuzzer sees its branches.
check_PROGRAMS += fuzz_cfi
fuzz_cfi_SOURCES = tests/fuzz/fuzz_cfi.c $(capture_stack_sources) src/core/shm.c
fuzz_cfi_CFLAGS = $(AM_CFLAGS) -fsanitize=fuzzer
fuzz_cfi_LDFLAGS = $(AM_LDFLAGS) -fsanitize=fuzzer
MM_FUZZERS += fuzz_cfi
else
EXTRA_DIST += tests/fuzz/fuzz_cfi.c
endif
