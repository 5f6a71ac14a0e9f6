# Unit tests, fuzz targets and scripts: symbols, categories, units.
check_PROGRAMS += test_units test_categories test_symbol test_symbolise test_ahead symprobe
test_units_SOURCES = tests/unit/test_units.c
test_units_LDADD = $(MM_TEST_LIBS)
test_categories_SOURCES = tests/unit/test_categories.c
test_categories_LDADD = $(MM_TEST_LIBS)
# It looks up its own functions.
test_symbol_SOURCES = tests/unit/test_symbol.c
test_symbol_CFLAGS = $(AM_CFLAGS) -g
test_symbol_LDADD = $(MM_TEST_LIBS)
test_symbolise_SOURCES = tests/unit/test_symbolise.c
test_symbolise_CFLAGS = $(AM_CFLAGS) -g
test_symbolise_LDADD = $(MM_TEST_LIBS)
test_ahead_SOURCES = tests/unit/test_ahead.c
test_ahead_CFLAGS = $(AM_CFLAGS) -g
test_ahead_LDADD = $(MM_TEST_LIBS)
symprobe_SOURCES = tests/unit/symprobe.c
symprobe_LDADD = $(MM_TEST_LIBS)
TESTS += test_units test_categories test_symbol test_symbolise test_ahead

if FUZZ
check_PROGRAMS += fuzz_categories fuzz_symcache
fuzz_categories_SOURCES = tests/fuzz/fuzz_categories.c src/base/conf.c \
	src/symbol/category_rules.c src/symbol/glob.c
fuzz_categories_CFLAGS = $(AM_CFLAGS) -fsanitize=fuzzer
fuzz_categories_LDFLAGS = $(AM_LDFLAGS) -fsanitize=fuzzer
fuzz_categories_LDADD = $(MM_TEST_LIBS)
fuzz_symcache_SOURCES = tests/fuzz/fuzz_symcache.c src/symbol/symcache.c
fuzz_symcache_CFLAGS = $(AM_CFLAGS) -fsanitize=fuzzer
fuzz_symcache_LDFLAGS = $(AM_LDFLAGS) -fsanitize=fuzzer
fuzz_symcache_LDADD = $(MM_TEST_LIBS)
MM_FUZZERS += fuzz_categories fuzz_symcache
endif

mm_symbol_e2e = \
	tests/e2e/symbol_ahead.sh \
	tests/e2e/symbol_debugfiles.sh \
	tests/e2e/symbol_oracle.sh \
	tests/e2e/symbol_trace.sh
TESTS += $(mm_symbol_e2e)
EXTRA_DIST += $(mm_symbol_e2e) tests/e2e/symbol_compare.py
$(mm_symbol_e2e:.sh=.log): mmprof libmmprof.la symprobe
