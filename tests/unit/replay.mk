# Unit and command-line tests: replay.
check_PROGRAMS += test_drive test_pins test_ops test_replay_conf test_replay_oom test_replay_words test_poolset
test_ops_SOURCES = tests/unit/test_ops.c $(mm_modelkit)
test_ops_LDADD = libmm_replay.la libmm_alloc.la $(MM_TEST_LIBS)
test_replay_conf_SOURCES = tests/unit/test_replay_conf.c $(mm_modelkit)
test_replay_conf_LDADD = libmm_replay.la libmm_alloc.la $(MM_TEST_LIBS)
test_replay_oom_SOURCES = tests/unit/test_replay_oom.c tests/unit/oomkit.h $(mm_modelkit)
test_replay_oom_LDFLAGS = $(AM_LDFLAGS) -Wl,--wrap=malloc,--wrap=calloc,--wrap=realloc
test_replay_oom_LDADD = libmm_replay.la libmm_alloc.la $(MM_TEST_LIBS)
test_poolset_SOURCES = tests/unit/test_poolset.c
test_poolset_LDADD = libmm_replay.la libmm_alloc.la libmm.la $(MM_TEST_LIBS)
test_replay_words_SOURCES = tests/unit/test_replay_words.c
test_replay_words_LDADD = libmm_replay.la libmm_alloc.la $(MM_TEST_LIBS)
test_drive_SOURCES = tests/unit/test_drive.c
test_drive_LDADD = libmm_replay.la libmm_alloc.la $(MM_TEST_LIBS)
test_pins_SOURCES = tests/unit/test_pins.c $(mm_modelkit)
test_pins_LDADD = libmm_replay.la libmm_alloc.la $(MM_TEST_LIBS)
TESTS += test_drive test_pins test_ops test_replay_conf test_replay_oom test_replay_words test_poolset tests/e2e/replay.sh tests/e2e/replay_conf.sh
EXTRA_DIST += tests/e2e/replay.sh tests/e2e/replay_conf.sh

# The engine under live programs.
TESTS += tests/e2e/run.sh
EXTRA_DIST += tests/e2e/run.sh
tests/e2e/run.log: mmprof libmmrun.la

# What the checked levels catch: each misuse at each level.
TESTS += tests/e2e/misuse.sh
EXTRA_DIST += tests/e2e/misuse.sh tests/e2e/misuse.table \
	tests/victims/misuse_kit.h \
	tests/victims/misuse_double_free.c \
	tests/victims/misuse_double_large.c \
	tests/victims/misuse_free_interior.c \
	tests/victims/misuse_free_invalid.c \
	tests/victims/misuse_free_mapped.c \
	tests/victims/misuse_free_sized.c \
	tests/victims/misuse_free_stack.c \
	tests/victims/misuse_free_static.c \
	tests/victims/misuse_overrun_byte.c \
	tests/victims/misuse_overrun_canary.c \
	tests/victims/misuse_overrun_far.c \
	tests/victims/misuse_overrun_full.c \
	tests/victims/misuse_overrun_leaked.c \
	tests/victims/misuse_overrun_read.c \
	tests/victims/misuse_overrun_tail.c \
	tests/victims/misuse_read_freed.c \
	tests/victims/misuse_realloc_freed.c \
	tests/victims/misuse_underrun.c \
	tests/victims/misuse_write_exit.c \
	tests/victims/misuse_write_freed.c \
	tests/victims/misuse_write_reused.c
tests/e2e/misuse.log: mmprof libmmrun.la

# Where being malloc is hard.
TESTS += tests/e2e/run_hard.sh
EXTRA_DIST += tests/e2e/run_hard.sh \
	tests/victims/hard_crowd.c \
	tests/victims/hard_locked.c \
	tests/victims/hard_forks.c \
	tests/victims/hard_limited.c \
	tests/victims/hard_plugin.c \
	tests/victims/hard_standard.c \
	tests/victims/lib_hardplugin.c
tests/e2e/run_hard.log: mmprof libmmrun.la

check_PROGRAMS += test_layout
test_layout_SOURCES = tests/unit/test_layout.c
test_layout_LDADD = libmm_replay.la libmm_alloc.la libmm_model.la libmm_trace.la libmm_base.la libmm_core.la $(MM_TEST_LIBS)
TESTS += test_layout

check_PROGRAMS += test_times
test_times_SOURCES = tests/unit/test_times.c
test_times_LDADD = libmm_replay.la $(MM_TEST_LIBS)
TESTS += test_times
