# F4: what a program has of the engine.
# The engine as malloc: loaded into other people's programs, links nothing but libc.
pkglib_LTLIBRARIES += libmmrun.la
libmmrun_la_SOURCES = \
	src/manager/run_front.c src/manager/run_front.h \
	src/manager/run_malloc.c \
	src/manager/run_tell.c src/manager/run_tell.h \
	$(libmm_alloc_la_SOURCES)
libmmrun_la_CFLAGS = $(MM_CFLAGS) -O2 -fPIC -fvisibility=hidden -ftls-model=initial-exec \
	-fno-builtin-malloc -fno-builtin-calloc -fno-builtin-realloc -fno-builtin-free
libmmrun_la_LDFLAGS = -module -avoid-version -shared -Wl,-z,defs -Wl,-z,now
