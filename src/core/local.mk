# F0: in-target safe. No malloc, lock or stdio; links nothing but libc.
noinst_LTLIBRARIES += libmm_core.la
libmm_core_la_SOURCES = \
	src/core/arch.h src/core/arch_x86_64.h \
	src/core/crc32c.c src/core/crc32c.h \
	src/core/error.c src/core/error.h \
	src/core/memlock.c src/core/memlock.h \
	src/core/shm.c src/core/shm.h \
	src/core/sink.c src/core/sink.h \
	src/core/varint.h
# Part of the preload: never sanitized, always position independent.
libmm_core_la_CFLAGS = $(MM_CFLAGS) -fPIC -fvisibility=hidden
