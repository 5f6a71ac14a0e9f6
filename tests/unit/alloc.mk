# Unit tests: the engine.
check_PROGRAMS += test_heap test_ordered
test_heap_SOURCES = tests/unit/test_heap.c
test_heap_LDADD = libmm_alloc.la $(MM_TEST_LIBS)
test_ordered_SOURCES = tests/unit/test_ordered.c
test_ordered_LDADD = libmm_alloc.la $(MM_TEST_LIBS)
TESTS += test_heap test_ordered

check_PROGRAMS += test_handle test_defrag test_guard test_guard_on test_checked
test_handle_SOURCES = tests/unit/test_handle.c tests/unit/movekit.h
test_handle_LDADD = libmm_alloc.la $(MM_TEST_LIBS) -lpthread
test_defrag_SOURCES = tests/unit/test_defrag.c tests/unit/movekit.h
test_defrag_LDADD = libmm_alloc.la $(MM_TEST_LIBS)
test_guard_SOURCES = tests/unit/test_guard.c tests/unit/guardkit.h
test_guard_LDADD = libmm_alloc.la $(MM_TEST_LIBS) -lpthread
test_guard_on_SOURCES = tests/unit/test_guard_on.c tests/unit/guardkit.h
test_guard_on_LDADD = libmm_alloc.la $(MM_TEST_LIBS) -lpthread
test_checked_SOURCES = tests/unit/test_checked.c tests/unit/guardkit.h
test_checked_LDADD = libmm_alloc.la $(MM_TEST_LIBS) -lpthread
TESTS += test_handle test_defrag test_guard test_guard_on test_checked
check_PROGRAMS += test_lock_order
test_lock_order_SOURCES = tests/unit/test_lock_order.c src/alloc/lock.c src/alloc/lock_order.c
test_lock_order_CPPFLAGS = $(AM_CPPFLAGS) -DMM_LOCK_ORDER
test_lock_order_LDADD = $(MM_TEST_LIBS)
TESTS += test_lock_order
check_PROGRAMS += test_svo test_band
test_svo_SOURCES = tests/unit/test_svo.c
test_svo_LDADD = libmm_alloc.la $(MM_TEST_LIBS)
test_band_SOURCES = tests/unit/test_band.c
test_band_LDADD = libmm_alloc.la $(MM_TEST_LIBS)
TESTS += test_svo test_band

check_PROGRAMS += test_overhead
test_overhead_SOURCES = tests/unit/test_overhead.c
test_overhead_LDADD = libmm_alloc.la $(MM_TEST_LIBS)
TESTS += test_overhead
check_PROGRAMS += test_numa
test_numa_SOURCES = tests/unit/test_numa.c
test_numa_LDADD = libmm_alloc.la $(MM_TEST_LIBS) -lpthread
TESTS += test_numa

# The fuzzer of the heap on bytes of fixed seeds.
check_PROGRAMS += test_heapbytes
test_heapbytes_SOURCES = tests/unit/test_heapbytes.c tests/fuzz/fuzz_heap.c
test_heapbytes_LDADD = libmm_alloc.la $(MM_TEST_LIBS)
TESTS += test_heapbytes

check_PROGRAMS += test_depotlaw
test_depotlaw_SOURCES = tests/unit/test_depotlaw.c
test_depotlaw_LDADD = libmm_alloc.la $(MM_TEST_LIBS)
TESTS += test_depotlaw

check_PROGRAMS += test_vspace
test_vspace_SOURCES = tests/unit/test_vspace.c tests/unit/limited.h
test_vspace_LDADD = libmm_alloc.la $(MM_TEST_LIBS)
TESTS += test_vspace
