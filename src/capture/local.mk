# F3: the preload. Loaded into other people's programs: links nothing but libc,
# is never sanitized, exports only the hooks.
pkglib_LTLIBRARIES += libmmprof.la
libmmprof_la_SOURCES = src/capture/stack.h
libmmprof_la_CFLAGS = $(MM_CFLAGS) -fPIC -fvisibility=hidden -ftls-model=initial-exec
libmmprof_la_LDFLAGS = -module -avoid-version -shared -Wl,-z,now
libmmprof_la_LIBADD = libmm_core.la
