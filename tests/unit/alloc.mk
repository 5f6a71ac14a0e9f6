# Unit tests: the engine.
check_PROGRAMS += test_heap test_ordered
test_heap_SOURCES = tests/unit/test_heap.c
test_heap_LDADD = libmm_alloc.la $(MM_TEST_LIBS)
test_ordered_SOURCES = tests/unit/test_ordered.c
test_ordered_LDADD = libmm_alloc.la $(MM_TEST_LIBS)
TESTS += test_heap test_ordered
