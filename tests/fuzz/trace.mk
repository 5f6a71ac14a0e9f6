# The trace itself is compiled in, so that the fuzzer sees its branches.
if FUZZ
check_PROGRAMS += fuzz_reader
fuzz_reader_SOURCES = tests/fuzz/fuzz_reader.c $(libmm_trace_la_SOURCES)
fuzz_reader_CFLAGS = $(AM_CFLAGS) $(ZSTD_CFLAGS) -fsanitize=fuzzer
fuzz_reader_LDFLAGS = $(AM_LDFLAGS) -fsanitize=fuzzer
fuzz_reader_LDADD = libmm_base.la libmm_core.la $(ZSTD_LIBS)
MM_FUZZERS += fuzz_reader
endif
