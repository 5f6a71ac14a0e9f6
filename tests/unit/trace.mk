# Unit tests: trace, and what `mmprof cat` prints of the kept ones.
trace_helpers = tests/unit/tracegen.c tests/unit/tracegen.h \
	tests/unit/tracecheck.c tests/unit/tracecheck.h
check_PROGRAMS += test_objects test_trace test_tracegap test_tracefile test_bounded test_follow test_damage test_golden test_hostile \
	make_golden
test_objects_SOURCES = tests/unit/test_objects.c
test_objects_LDADD = $(MM_TEST_LIBS)
test_trace_SOURCES = tests/unit/test_trace.c $(trace_helpers)
test_trace_LDADD = $(MM_TEST_LIBS)
test_tracegap_SOURCES = tests/unit/test_tracegap.c $(trace_helpers)
test_tracegap_LDADD = $(MM_TEST_LIBS)
test_tracefile_SOURCES = tests/unit/test_tracefile.c tests/unit/tracekit.c tests/unit/tracekit.h \
	$(trace_helpers)
test_tracefile_LDADD = $(MM_TEST_LIBS)
test_bounded_SOURCES = tests/unit/test_bounded.c tests/unit/tracekit.c tests/unit/tracekit.h \
	$(trace_helpers)
test_bounded_LDADD = $(MM_TEST_LIBS)
test_follow_SOURCES = tests/unit/test_follow.c tests/unit/tracekit.c tests/unit/tracekit.h \
	$(trace_helpers)
test_follow_LDADD = $(MM_TEST_LIBS)
test_damage_SOURCES = tests/unit/test_damage.c $(trace_helpers)
test_damage_LDADD = $(MM_TEST_LIBS)
test_golden_SOURCES = tests/unit/test_golden.c tests/unit/goldens.c \
	tests/unit/goldens.h $(trace_helpers)
test_golden_LDADD = $(MM_TEST_LIBS)
test_hostile_SOURCES = tests/unit/test_hostile.c tests/unit/limited.h
test_hostile_LDADD = $(MM_TEST_LIBS)
make_golden_SOURCES = tests/unit/make_golden.c tests/unit/goldens.c \
	tests/unit/voxel.c tests/unit/voxel.h \
	tests/unit/goldens.h $(trace_helpers)
make_golden_LDADD = $(MM_TEST_LIBS)
TESTS += test_objects test_trace test_tracegap test_tracefile test_bounded test_follow test_damage test_golden test_hostile \
	tests/e2e/cat.sh
EXTRA_DIST += FORMAT.md traces/v1.mmt traces/v1-bounded.mmt traces/v1.cat.txt traces/v1.cat.jsonl traces/v1-voxel.mmt \
	tests/e2e/cat.sh
tests/e2e/cat.log: mmprof

include tests/fuzz/trace.mk
