# Unit tests: collect.
check_PROGRAMS += test_merging test_lane
test_merging_SOURCES = tests/unit/test_merging.c
test_merging_LDADD = $(MM_TEST_LIBS)
test_lane_SOURCES = tests/unit/test_lane.c
test_lane_LDADD = $(MM_TEST_LIBS)
TESTS += test_merging test_lane
