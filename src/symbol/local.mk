# F3: addresses become functions, files, lines; rules become categories.
noinst_LTLIBRARIES += libmm_symbol.la
libmm_symbol_la_SOURCES = src/symbol/categories.h src/symbol/symbol.h
libmm_symbol_la_CPPFLAGS = $(AM_CPPFLAGS) $(DW_CFLAGS) $(ELF_CFLAGS)
