# F3: the allocator engine. Links nothing but libc; no malloc, no thread-local memory.
noinst_LTLIBRARIES += libmm_alloc.la
libmm_alloc_la_SOURCES = \
	src/alloc/account.h \
	src/alloc/band_order.c src/alloc/band_parts.h \
	src/alloc/band_tell.c \
	src/alloc/band_pool.c src/alloc/band_pool.h \
	src/alloc/cache.c src/alloc/cache.h \
	src/alloc/classes.h \
	src/alloc/content.h \
	src/alloc/defrag.c src/alloc/defrag.h \
	src/alloc/fast.h src/alloc/gate.h \
	src/alloc/checked.c src/alloc/checked.h \
	src/alloc/guard.c src/alloc/guard.h src/alloc/guard_records.h \
	src/alloc/guard_run.c src/alloc/guard_parts.h \
	src/alloc/depot.c src/alloc/depot.h src/alloc/depot_parts.h src/alloc/depot_sums.c \
	src/alloc/depot_blocks.c src/alloc/depot_choice.c src/alloc/depot_rows.c \
	src/alloc/depot_move.c src/alloc/depot_move.h \
	src/alloc/handle.c src/alloc/handle.h src/alloc/handle_parts.h \
	src/alloc/heap.c src/alloc/heap.h src/alloc/heap_looks.c \
	src/alloc/heap_notes.c src/alloc/heap_notes.h \
	src/alloc/heap_large.c src/alloc/heap_parts.h \
	src/alloc/lock.c src/alloc/lock.h src/alloc/lock_order.c src/alloc/lock_order.h \
	src/alloc/lowset.c src/alloc/lowset.h \
	src/alloc/meta.c src/alloc/meta.h \
	src/alloc/ordered.c src/alloc/ordered.h \
	src/alloc/range.h src/alloc/range_bins.c src/alloc/range_table.c src/alloc/range_tree.c \
	src/alloc/slab.c src/alloc/slab.h \
	src/alloc/tell.h \
	src/alloc/svo_order.c src/alloc/svo_parts.h \
	src/alloc/svo_pool.c src/alloc/svo_pool.h \
	src/alloc/svo_tell.c \
	src/alloc/vspace.c src/alloc/vspace.h
libmm_alloc_la_CFLAGS = $(MM_CFLAGS) $(MM_SAN_CFLAGS) -fPIC -fvisibility=hidden
