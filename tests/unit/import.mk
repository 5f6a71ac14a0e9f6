# Unit tests and the fuzz target: import.
check_PROGRAMS += test_import
test_import_SOURCES = tests/unit/test_import.c
test_import_LDADD = $(MM_TEST_LIBS)
TESTS += test_import
EXTRA_DIST += $(mm_bench)
mm_bench = bench/README.md bench/record bench/report bench/instructions bench/benchlib.py bench/workloads.py \
	bench/follow bench/follow.c bench/measure.c bench/peaklive.c bench/workloads/loop.c bench/workloads/random.c

# The importer itself is compiled in, so that the fuzzer sees its branches.
if FUZZ
check_PROGRAMS += fuzz_import
fuzz_import_SOURCES = tests/fuzz/fuzz_import.c $(collect_import_sources)
fuzz_import_CFLAGS = $(AM_CFLAGS) -fsanitize=fuzzer
fuzz_import_LDFLAGS = $(AM_LDFLAGS) -fsanitize=fuzzer
fuzz_import_LDADD = $(MM_TEST_LIBS)
MM_FUZZERS += fuzz_import
endif

mm_oracle = tests/e2e/oracle_heaptrack.sh
TESTS += $(mm_oracle)
EXTRA_DIST += $(mm_oracle) tests/e2e/exact_churn.c tests/e2e/exact_family.c
$(mm_oracle:.sh=.log): mmprof libmmprof.la
