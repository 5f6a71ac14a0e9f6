# Unit and command-line tests: replay.
check_PROGRAMS += test_drive
test_drive_SOURCES = tests/unit/test_drive.c
test_drive_LDADD = libmm_replay.la libmm_alloc.la $(MM_TEST_LIBS)
TESTS += test_drive tests/e2e/replay.sh
EXTRA_DIST += tests/e2e/replay.sh
