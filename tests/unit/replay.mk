# Unit and command-line tests: replay.
check_PROGRAMS += test_drive test_pins test_ops test_replay_conf test_replay_oom
test_ops_SOURCES = tests/unit/test_ops.c $(mm_modelkit)
test_ops_LDADD = libmm_replay.la libmm_alloc.la $(MM_TEST_LIBS)
test_replay_conf_SOURCES = tests/unit/test_replay_conf.c $(mm_modelkit)
test_replay_conf_LDADD = libmm_replay.la libmm_alloc.la $(MM_TEST_LIBS)
test_replay_oom_SOURCES = tests/unit/test_replay_oom.c $(mm_modelkit)
test_replay_oom_LDFLAGS = $(AM_LDFLAGS) -Wl,--wrap=malloc,--wrap=calloc,--wrap=realloc
test_replay_oom_LDADD = libmm_replay.la libmm_alloc.la $(MM_TEST_LIBS)
test_drive_SOURCES = tests/unit/test_drive.c
test_drive_LDADD = libmm_replay.la libmm_alloc.la $(MM_TEST_LIBS)
test_pins_SOURCES = tests/unit/test_pins.c $(mm_modelkit)
test_pins_LDADD = libmm_replay.la libmm_alloc.la $(MM_TEST_LIBS)
TESTS += test_drive test_pins test_ops test_replay_conf test_replay_oom tests/e2e/replay.sh tests/e2e/replay_conf.sh
EXTRA_DIST += tests/e2e/replay.sh tests/e2e/replay_conf.sh

# The engine under live programs.
TESTS += tests/e2e/run.sh
EXTRA_DIST += tests/e2e/run.sh
tests/e2e/run.log: mmprof libmmrun.la
