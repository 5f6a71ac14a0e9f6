# Tests. A room's unit tests are in tests/unit/<room>.mk; everything that runs
# the built tool is a script in tests/e2e.
MM_TEST_LIBS = libmm_view.la libmm_model.la libmm_collect.la libmm_symbol.la \
	libmm_trace.la libmm_base.la libmm_core.la \
	$(DW_LIBS) $(ELF_LIBS) $(DEFLATE_LIBS) $(ZSTD_LIBS) $(LZ4_LIBS) $(CJSON_LIBS) \
	$(IBERTY_LIBS) -lm $(CMOCKA_LIBS)

# Every test, program or script, prints TAP on stdout (one plan a program), so that each
# assertion-bearing case is counted by itself. Programs join check_PROGRAMS and
# TESTS; scripts join TESTS and EXTRA_DIST.
TEST_EXTENSIONS = .sh
LOG_DRIVER = env AM_TAP_AWK='$(AWK)' $(SHELL) $(top_srcdir)/build-aux/tap-driver.sh
SH_LOG_DRIVER = $(LOG_DRIVER)
LOG_COMPILER = timeout -k 10 $(MM_TEST_SECONDS) bash $(top_srcdir)/tests/skips.sh
EXTRA_DIST += tests/skips.sh
SH_LOG_COMPILER = timeout -k 10 $(MM_TEST_SECONDS) bash
MM_TEST_SECONDS = 900

# For scripts/test, which looks for the result of each.
mm_unit = $(filter test_%,$(TESTS))
.PHONY: print-tests print-unit build-tests check-unit
print-tests:
	@echo $(TESTS)
print-unit:
	@echo $(mm_unit)
check-unit: build-tests
	$(MAKE) $(AM_MAKEFLAGS) check-TESTS TESTS="$(mm_unit)"
build-tests: $(check_PROGRAMS) $(check_LTLIBRARIES)

# libFuzzer programs (built with --enable-fuzz); scripts/soak runs each.
MM_FUZZERS =
.PHONY: print-fuzz
print-fuzz:
	@echo $(MM_FUZZERS)

AM_TESTS_ENVIRONMENT = \
	CMOCKA_MESSAGE_OUTPUT=TAP; export CMOCKA_MESSAGE_OUTPUT; \
	top_srcdir='$(top_srcdir)'; export top_srcdir; \
	top_builddir='$(top_builddir)'; export top_builddir; \
	CC='$(CC)'; export CC;

include tests/unit/base.mk
include tests/unit/trace.mk
include tests/unit/alloc.mk
include tests/unit/mmpool.mk
include tests/unit/collect.mk
include tests/unit/capture.mk
include tests/unit/symbol.mk
include tests/unit/model.mk
include tests/unit/import.mk
include tests/unit/replay.mk
include tests/unit/tui.mk
include tests/stacks/local.mk
include tests/victims/local.mk
include tests/stress/local.mk
include tests/fuzz/local.mk
include tests/e2e/local.mk
