# Recordings of other tools.
collect_import_sources = \
	src/collect/heaptrack.c src/collect/heaptrack.h \
	src/collect/importout.c src/collect/importout.h \
	src/collect/importplace.c src/collect/importplace.h \
	src/collect/importtext.c src/collect/importtext.h
