# Unit tests: capture. The preload against a collector that checks every record.
capture_helpers = tests/unit/ringreader.c tests/unit/ringreader.h \
	tests/unit/capturevictims.c tests/unit/capturevictims.h
check_PROGRAMS += test_bridge test_capture test_chain
test_bridge_SOURCES = tests/unit/test_bridge.c src/capture/bridge.c src/capture/bridge.h
test_bridge_CFLAGS = $(MM_CFLAGS)
test_bridge_LDFLAGS = -Wl,--wrap=clock_gettime
test_bridge_LDADD = $(CMOCKA_LIBS)
test_capture_SOURCES = tests/unit/test_capture.c $(capture_helpers)
# Every call of a victim counts, also those that a compiler would do without.
test_capture_CFLAGS = $(MM_CFLAGS) -fno-builtin
test_capture_LDFLAGS =
test_capture_LDADD = libmm_core.la $(CMOCKA_LIBS)
test_chain_SOURCES = tests/unit/test_chain.c src/capture/chain.c src/capture/chain.h
test_chain_CFLAGS = $(MM_CFLAGS)
test_chain_LDFLAGS =
test_chain_LDADD = $(CMOCKA_LIBS)
TESTS += test_bridge test_capture test_chain
tests/unit/test_capture.log test_capture.log: libmmprof.la
