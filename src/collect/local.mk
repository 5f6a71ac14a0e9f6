# F3: the collector: drains, orders, resolves, writes.
include src/collect/import.mk
noinst_LTLIBRARIES += libmm_collect.la
libmm_collect_la_SOURCES = $(collect_import_sources) \
	src/collect/addrs.c src/collect/addrs.h \
	src/collect/bell.c src/collect/bell.h \
	src/collect/bound.c src/collect/bound.h \
	src/collect/collector.c src/collect/collector.h \
	src/collect/entries.c src/collect/entries.h \
	src/collect/family.c src/collect/family.h \
	src/collect/image.c src/collect/image.h \
	src/collect/lane.c src/collect/lane.h \
	src/collect/launch.c src/collect/launch.h \
	src/collect/listener.h \
	src/collect/merging.c src/collect/merging.h \
	src/collect/modmap.c src/collect/modmap.h \
	src/collect/proc.c src/collect/proc.h \
	src/collect/procfs.c src/collect/procfs.h \
	src/collect/program.c src/collect/program.h \
	src/collect/relay.c src/collect/relay.h \
	src/collect/resolve.c src/collect/resolve.h \
	src/collect/sample.c src/collect/sample.h \
	src/collect/server.c src/collect/server.h \
	src/collect/stampclock.c src/collect/stampclock.h \
	src/collect/unaccounted.c src/collect/unaccounted.h \
	src/collect/watch.c src/collect/watch.h
