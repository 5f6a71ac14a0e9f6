# F2: the trace: events, wire format, writer, reader.
noinst_LTLIBRARIES += libmm_trace.la
libmm_trace_la_SOURCES = \
	src/trace/block.c src/trace/block.h \
	src/trace/bytes.h \
	src/trace/checkpoint.c src/trace/checkpoint.h src/trace/checkpoints.c \
	src/trace/chunk.c src/trace/chunk.h \
	src/trace/codec.c src/trace/codec.h src/trace/codec_state.h \
	src/trace/columns.c src/trace/columns.h \
	src/trace/cursor.c \
	src/trace/decode.c \
	src/trace/decode_births.c \
	src/trace/decode_slots.c \
	src/trace/decode_ticks.c \
	src/trace/decoder.h \
	src/trace/define.c \
	src/trace/digest.c src/trace/digest.h \
	src/trace/encode.c src/trace/encode.h \
	src/trace/event.c src/trace/event.h \
	src/trace/facts.c src/trace/facts.h \
	src/trace/guess.h \
	src/trace/hand.c src/trace/hand.h \
	src/trace/notice.c src/trace/notice.h \
	src/trace/objects.c src/trace/objects.h src/trace/objects_state.h \
	src/trace/other.c src/trace/other.h \
	src/trace/output.c src/trace/output.h \
	src/trace/reader.c src/trace/reader.h src/trace/roll.c \
	src/trace/scan.c src/trace/scan.h \
	src/trace/shape.c src/trace/shape.h \
	src/trace/source.c src/trace/source.h \
	src/trace/stream.c src/trace/stream.h \
	src/trace/symbolsin.c \
	src/trace/symbolsout.c \
	src/trace/tables.c src/trace/tables.h \
	src/trace/writer.c src/trace/writer.h
libmm_trace_la_CFLAGS = $(AM_CFLAGS) $(ZSTD_CFLAGS)
libmm_trace_la_LIBADD = libmm_base.la $(ZSTD_LIBS)
