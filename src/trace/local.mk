# F2: events, the wire format, writer and reader.
noinst_LTLIBRARIES += libmm_trace.la
libmm_trace_la_SOURCES = \
	src/trace/event.h src/trace/objects.h \
	src/trace/reader.h src/trace/writer.h
libmm_trace_la_CPPFLAGS = $(AM_CPPFLAGS) $(ZSTD_CFLAGS)
