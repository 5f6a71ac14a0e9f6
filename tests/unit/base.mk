# Unit tests: base.
check_PROGRAMS += test_base
test_base_SOURCES = tests/unit/test_base.c
test_base_LDADD = $(MM_TEST_LIBS)
TESTS += test_base
