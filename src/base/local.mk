# F1: host services.
noinst_LTLIBRARIES += libmm_base.la
libmm_base_la_SOURCES = \
	src/base/buf.c src/base/buf.h \
	src/base/conf.c src/base/conf.h \
	src/base/diag.c src/base/diag.h \
	src/base/helper.c src/base/helper.h \
	src/base/host.c src/base/host.h \
	src/base/install.c src/base/install.h \
	src/base/map.c src/base/map.h \
	src/base/pages.c src/base/pages.h \
	src/base/progress.c src/base/progress.h \
	src/base/ratios.h \
	src/base/registry.c src/base/registry.h \
	src/base/suggest.c src/base/suggest.h \
	src/base/term.c src/base/term.h \
	src/base/units.c src/base/units.h \
	src/base/utf8.c src/base/utf8.h
libmm_base_la_LIBADD = libmm_core.la
