# F4: what a program has of the engine.
# The engine as malloc: loaded into other people's programs, links nothing but libc.
pkglib_LTLIBRARIES += libmmrun.la
libmmrun_la_SOURCES = \
	src/manager/run_front.c src/manager/run_front.h \
	src/manager/run_fault.c src/manager/run_fault.h \
	src/manager/run_lock.c src/core/memlock.c src/core/memlock.h \
	src/manager/run_malloc.c \
	src/manager/run_tell.c src/manager/run_tell.h \
	src/manager/run_text.c src/manager/run_text.h \
	src/manager/run_where.c src/manager/run_where.h \
	src/manager/nodes.c src/manager/nodes.h \
	src/core/sink.c src/core/sink.h \
	$(libmm_alloc_la_SOURCES)
libmmrun_la_CFLAGS = $(MM_CFLAGS) -O2 -fPIC -fvisibility=hidden -ftls-model=initial-exec \
	-fno-builtin-malloc -fno-builtin-calloc -fno-builtin-realloc -fno-builtin-free
# Its own calls are its own, whoever is loaded before it (the recorder).
libmmrun_la_LDFLAGS = -module -avoid-version -shared -Wl,-Bsymbolic-functions -Wl,-z,defs -Wl,-z,now

# libmm, the engine as a library. Needs nothing but libc; exports what mm.h names.
libmm_sources = \
	src/manager/front.c src/manager/front.h \
	src/manager/manager.c src/manager/manager.h \
	src/manager/pools.c \
	src/manager/teller.c \
	src/manager/varpools.c \
	src/manager/voxel_pools.c \
	src/manager/budget.c src/manager/budget.h \
	src/manager/damage.c src/manager/damage.h \
	src/manager/audit.c src/manager/audit.h \
	src/manager/buffers.c src/manager/buffers.h src/manager/buffers_shared.c \
	src/manager/cacheable.c src/manager/cacheable.h \
	src/manager/foreign.c src/manager/foreign.h \
	src/manager/general.c src/manager/general.h \
	src/manager/known.c \
	src/manager/rider.c src/manager/rider.h \
	src/manager/whats.c src/manager/whats.h \
	src/manager/movables.c src/manager/movables.h \
	src/manager/numa.c src/manager/numa.h src/manager/nodes.c src/manager/nodes.h src/manager/features.c \
	src/alloc/defrag.c src/alloc/defrag.h \
	src/alloc/depot_blocks.c src/alloc/depot_choice.c src/alloc/depot_rows.c \
	src/alloc/depot_move.c src/alloc/depot_move.h \
	src/alloc/handle.c src/alloc/handle.h src/alloc/handle_parts.h \
	src/alloc/classes.h src/alloc/fast.h src/alloc/gate.h \
	src/alloc/checked.c src/alloc/checked.h \
	src/alloc/guard.c src/alloc/guard.h src/alloc/guard_records.h \
	src/alloc/guard_run.c src/alloc/guard_parts.h \
	src/alloc/heap.c src/alloc/heap.h src/alloc/heap_looks.c \
	src/alloc/heap_notes.c src/alloc/heap_notes.h \
	src/alloc/heap_large.c src/alloc/heap_parts.h \
	src/alloc/ordered.c src/alloc/ordered.h \
	src/alloc/range.h src/alloc/range_bins.c src/alloc/range_table.c src/alloc/range_tree.c \
	src/alloc/band_order.c src/alloc/band_parts.h \
	src/alloc/band_tell.c \
	src/alloc/band_pool.c src/alloc/band_pool.h src/alloc/content.h \
	src/alloc/svo_order.c src/alloc/svo_parts.h \
	src/alloc/svo_pool.c src/alloc/svo_pool.h \
	src/alloc/svo_tell.c \
	src/alloc/account.h \
	src/alloc/cache.c src/alloc/cache.h \
	src/alloc/depot.c src/alloc/depot.h src/alloc/depot_parts.h src/alloc/depot_sums.c \
	src/alloc/lock.c src/alloc/lock.h src/alloc/lock_order.c src/alloc/lock_order.h \
	src/alloc/lowset.c src/alloc/lowset.h \
	src/alloc/meta.c src/alloc/meta.h \
	src/alloc/slab.c src/alloc/slab.h \
	src/alloc/tell.h \
	src/alloc/vspace.c src/alloc/vspace.h \
	src/core/arch.h src/core/arch_x86_64.h \
	src/core/error.c src/core/error.h \
	src/core/sink.c src/core/sink.h
# Threads' key destructor is the library's code: it is never unloaded.
lib_LTLIBRARIES += libmm.la
libmm_la_SOURCES = $(libmm_sources)
libmm_la_CFLAGS = $(MM_CFLAGS) -fPIC -fvisibility=hidden -ftls-model=initial-exec
libmm_la_LDFLAGS = -shared -version-info 0:0:0 -Wl,-z,defs -Wl,-z,now -Wl,-z,nodelete
lib_LIBRARIES += libmm.a
libmm_a_SOURCES = $(libmm_sources)
libmm_a_CFLAGS = $(MM_CFLAGS) -fPIE -fvisibility=hidden

include_HEADERS += include/mm.h include/mm_alloc.h include/mm_check.h include/mm_error.h include/mm_move.h include/mm_voxel.h \
	include/mm.hpp include/mm_audit.h include/mm_pools.h include/mm_buffer.h include/mm_scope.h
pkgconfigdir = $(libdir)/pkgconfig
pkgconfig_DATA = mm.pc
