# Unit tests: collect.
check_PROGRAMS += test_merging test_lane test_program
test_merging_SOURCES = tests/unit/test_merging.c
test_merging_LDADD = $(MM_TEST_LIBS)
test_lane_SOURCES = tests/unit/test_lane.c
test_lane_LDADD = $(MM_TEST_LIBS)
test_program_SOURCES = tests/unit/test_program.c
test_program_LDADD = $(MM_TEST_LIBS)
TESTS += test_merging test_lane test_program

# The recorder as a whole.
collect_e2e = tests/e2e/record_status.sh tests/e2e/record_children.sh \
	tests/e2e/record_full.sh tests/e2e/record_sites.sh
TESTS += $(collect_e2e)
EXTRA_DIST += $(collect_e2e) tests/e2e/record_pty.py
$(collect_e2e:.sh=.log): mmprof libmmprof.la
