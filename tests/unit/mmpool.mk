# Unit tests: libmm, as a program links it.
check_PROGRAMS += test_mmpool
test_mmpool_SOURCES = tests/unit/test_mmpool.c
test_mmpool_LDADD = libmm.la $(CMOCKA_LIBS)
TESTS += test_mmpool

check_PROGRAMS += test_depotrows
test_depotrows_SOURCES = tests/unit/test_depotrows.c
test_depotrows_LDADD = libmm.la $(CMOCKA_LIBS)
TESTS += test_depotrows

check_PROGRAMS += test_mmvoxel
test_mmvoxel_SOURCES = tests/unit/test_mmvoxel.c
test_mmvoxel_LDADD = libmm.la $(CMOCKA_LIBS)
TESTS += test_mmvoxel

check_PROGRAMS += test_mmalloc
test_mmalloc_SOURCES = tests/unit/test_mmalloc.c
test_mmalloc_LDADD = libmm.la $(CMOCKA_LIBS) -lpthread
TESTS += test_mmalloc
# Of the engine and of libmm.
check_PROGRAMS += test_earlier_bugs
test_earlier_bugs_SOURCES = tests/unit/test_earlier_bugs.c
test_earlier_bugs_LDADD = libmm_alloc.la libmm.la $(MM_TEST_LIBS) -lm
TESTS += test_earlier_bugs

check_PROGRAMS += test_mmmove
test_mmmove_SOURCES = tests/unit/test_mmmove.c
test_mmmove_LDADD = libmm.la $(CMOCKA_LIBS) -lpthread
TESTS += test_mmmove

check_PROGRAMS += test_mmlimits
test_mmlimits_SOURCES = tests/unit/test_mmlimits.c
test_mmlimits_LDADD = libmm.la $(CMOCKA_LIBS) -lpthread
TESTS += test_mmlimits

check_PROGRAMS += test_mmcheck
test_mmcheck_SOURCES = tests/unit/test_mmcheck.c
test_mmcheck_LDADD = libmm.la $(CMOCKA_LIBS)
TESTS += test_mmcheck

check_PROGRAMS += test_mmbuffer
test_mmbuffer_SOURCES = tests/unit/test_mmbuffer.c
test_mmbuffer_LDADD = libmm.la $(CMOCKA_LIBS) -lpthread
TESTS += test_mmbuffer

check_PROGRAMS += test_mmaudit
test_mmaudit_SOURCES = tests/unit/test_mmaudit.c
test_mmaudit_LDADD = libmm.la $(CMOCKA_LIBS) -lpthread
TESTS += test_mmaudit

check_PROGRAMS += test_mmvarpool
test_mmvarpool_SOURCES = tests/unit/test_mmvarpool.c
test_mmvarpool_LDADD = libmm.la $(CMOCKA_LIBS) -lpthread
TESTS += test_mmvarpool

check_PROGRAMS += test_mmoptions test_mmcrowd test_mmevict
test_mmoptions_SOURCES = tests/unit/test_mmoptions.c tests/unit/limited.h
test_mmoptions_LDADD = libmm.la $(CMOCKA_LIBS)
test_mmcrowd_SOURCES = tests/unit/test_mmcrowd.c
test_mmcrowd_LDADD = libmm.la $(CMOCKA_LIBS) -lpthread
test_mmevict_SOURCES = tests/unit/test_mmevict.c tests/unit/limited.h
test_mmevict_LDADD = libmm.la $(CMOCKA_LIBS) -lpthread
TESTS += test_mmoptions test_mmcrowd test_mmevict
