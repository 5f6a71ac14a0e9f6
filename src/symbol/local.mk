# F3: addresses become functions, files, lines; rules become categories.
noinst_LTLIBRARIES += libmm_symbol.la
libmm_symbol_la_SOURCES = \
	src/symbol/categories.c src/symbol/categories.h \
	src/symbol/category_rules.c src/symbol/category_rules.h \
	src/symbol/demangle.c \
	src/symbol/glob.c src/symbol/glob.h \
	src/symbol/symbol.c src/symbol/symbol.h \
	src/symbol/symcache.c src/symbol/symcache.h \
	src/symbol/symcache_file.h src/symbol/symcache_write.c \
	src/symbol/symdwarf.c src/symbol/symdwarf.h \
	src/symbol/symelf.c src/symbol/symelf.h \
	src/symbol/symfind.c src/symbol/symfind.h \
	src/symbol/symline.c src/symbol/symline.h \
	src/symbol/symmini.c src/symbol/symmini.h \
	src/symbol/symmodule.c src/symbol/symmodule.h \
	src/symbol/symname.c src/symbol/symname.h \
	src/symbol/symserver.c \
	src/symbol/symstrings.c src/symbol/symstrings.h \
	src/symbol/symtab.c src/symbol/symtab.h \
	src/symbol/symunit.c src/symbol/symunit.h \
	src/symbol/symunpack.c src/symbol/symunpack.h
libmm_symbol_la_CPPFLAGS = $(AM_CPPFLAGS) $(DW_CFLAGS) $(ELF_CFLAGS) $(DEFLATE_CFLAGS)
