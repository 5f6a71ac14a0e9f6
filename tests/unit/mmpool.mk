# Unit tests: libmm, as a program links it.
check_PROGRAMS += test_mmpool
test_mmpool_SOURCES = tests/unit/test_mmpool.c
test_mmpool_LDADD = libmm.la $(CMOCKA_LIBS)
TESTS += test_mmpool
