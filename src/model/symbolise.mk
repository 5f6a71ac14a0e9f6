# Names for the addresses of a trace, kept in the trace.
libmm_model_la_SOURCES += src/model/ahead.c src/model/ahead.h \
	src/model/symbolise.c src/model/symbolise.h
