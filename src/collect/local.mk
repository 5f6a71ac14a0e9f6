# F3: the collector: drains, orders, resolves, writes; and recordings of other tools.
include src/collect/import.mk
noinst_LTLIBRARIES += libmm_collect.la
libmm_collect_la_SOURCES = $(collect_import_sources)
