# F3: the collector: drains, orders, resolves, writes.
noinst_LTLIBRARIES += libmm_collect.la
libmm_collect_la_SOURCES =
