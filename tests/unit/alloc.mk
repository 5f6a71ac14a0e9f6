# Unit tests: the engine.
check_PROGRAMS += test_heap
test_heap_SOURCES = tests/unit/test_heap.c
test_heap_LDADD = libmm_alloc.la $(MM_TEST_LIBS)
TESTS += test_heap
check_PROGRAMS += test_svo test_band
test_svo_SOURCES = tests/unit/test_svo.c
test_svo_LDADD = libmm_alloc.la $(MM_TEST_LIBS)
test_band_SOURCES = tests/unit/test_band.c
test_band_LDADD = libmm_alloc.la $(MM_TEST_LIBS)
TESTS += test_svo test_band
