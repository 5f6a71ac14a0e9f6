# Stacks: from a hook's caller to a node of the call tree.
capture_stack_sources = \
	src/capture/octets.h \
	src/capture/calltree.c src/capture/calltree.h \
	src/capture/cfi.c src/capture/cfi.h \
	src/capture/expr.c src/capture/expr.h \
	src/capture/memo.c src/capture/memo.h src/capture/memo_entry.h \
	src/capture/modules.c src/capture/modules.h \
	src/capture/probe.c src/capture/probe.h \
	src/capture/rows.c src/capture/rows.h \
	src/capture/segments.c src/capture/segments.h \
	src/capture/stack.c src/capture/stack.h \
	src/capture/touch.h \
	src/capture/unwind.c src/capture/unwind.h \
	src/capture/walk.c src/capture/walk.h

# F3: the preload. Loaded into other people's programs: links nothing but libc,
# is never sanitized, exports only what it interposes and the way in for mm_note.h.
pkglib_LTLIBRARIES += libmmprof.la
libmmprof_la_SOURCES = \
	src/capture/attach.c src/capture/attach.h \
	src/capture/bridge.c src/capture/bridge.h \
	src/capture/catnames.c src/capture/catnames.h \
	src/capture/chain.c src/capture/chain.h \
	src/capture/forks.c src/capture/forks.h \
	src/capture/hooks.c \
	src/capture/hooks_dl.c \
	src/capture/hooks_lock.c \
	src/capture/hooks_map.c \
	src/capture/hooks_new.c \
	src/capture/hookstate.c src/capture/hookstate.h \
	src/capture/newlookup.c src/capture/newops.h \
	src/capture/note.c \
	src/capture/recording.c src/capture/recording.h \
	src/capture/ring.c src/capture/ring.h \
	src/capture/syscalls.h \
	src/capture/told.c src/capture/told.h \
	src/core/memlock.c src/core/memlock.h \
	src/core/shm.c \
	$(capture_stack_sources)
libmmprof_la_CFLAGS = $(MM_CFLAGS) -O2 -fPIC -fvisibility=hidden \
	-ftls-model=initial-exec -fno-omit-frame-pointer -fno-builtin
libmmprof_la_LDFLAGS = -module -avoid-version -shared -Wl,-z,defs -Wl,-z,now

include_HEADERS += include/mm_note.h
