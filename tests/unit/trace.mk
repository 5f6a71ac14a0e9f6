# Unit tests: trace.
trace_helpers = tests/unit/tracegen.c tests/unit/tracegen.h \
	tests/unit/tracecheck.c tests/unit/tracecheck.h
check_PROGRAMS += test_trace
test_trace_SOURCES = tests/unit/test_trace.c $(trace_helpers)
test_trace_LDADD = $(MM_TEST_LIBS)
TESTS += test_trace

check_PROGRAMS += test_tracegap test_damage
test_tracegap_SOURCES = tests/unit/test_tracegap.c $(trace_helpers)
test_tracegap_LDADD = $(MM_TEST_LIBS)
test_damage_SOURCES = tests/unit/test_damage.c $(trace_helpers)
test_damage_LDADD = $(MM_TEST_LIBS)
TESTS += test_tracegap test_damage

check_PROGRAMS += test_tracefile
test_tracefile_SOURCES = tests/unit/test_tracefile.c $(trace_helpers)
test_tracefile_LDADD = $(MM_TEST_LIBS)
TESTS += test_tracefile

include tests/fuzz/trace.mk
