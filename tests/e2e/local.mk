# Tests of the built tool and of the tree itself: each script prints TAP.
mm_e2e = \
	tests/e2e/badinput.sh \
	tests/e2e/doctor.sh \
	tests/e2e/docs.sh \
	tests/e2e/completion.sh \
	tests/e2e/cxx.sh \
	tests/e2e/dist.sh \
	tests/e2e/lock_order.sh \
	tests/e2e/floors.sh \
	tests/e2e/headers.sh \
	tests/e2e/install.sh \
	tests/e2e/mmdig.sh \
	tests/e2e/nm.sh \
	tests/e2e/pools.sh \
	tests/e2e/style.sh \
	tests/e2e/tui.sh \
	tests/e2e/tui_golden.sh \
	tests/e2e/tui_killed.sh tests/e2e/tui_live.sh \
	tests/e2e/tui_numbers.sh \
	tests/e2e/tui_tmux.sh
TESTS += $(mm_e2e)
EXTRA_DIST += $(mm_e2e) tests/e2e/tap.sh
$(mm_e2e:.sh=.log): mmprof mmtop libmmprof.la
tests/e2e/pools.log: libmm.la libmm.a libmmrun.la
tests/e2e/cxx.log: libmm.la libmm.a
tests/e2e/lock_order.log: libmmrun.la
EXTRA_DIST += tests/e2e/cxx_program.cc tests/e2e/cxx_scopes.c
tests/e2e/mmdig.log: examples/mmdig/mmdig libmm.a
check_PROGRAMS += bench/make_events
bench_make_events_SOURCES = bench/make_events.c
bench_make_events_LDADD = libmm_trace.la libmm_base.la libmm_core.la $(ZSTD_LIBS) $(LZ4_LIBS)
tests/e2e/tui_numbers.log: bench/make_events
EXTRA_DIST += tests/golden tests/e2e/tui_numbers.py tests/e2e/tui_numbers_read.py tests/e2e/tui_numbers_lists.py \
	tests/e2e/tui_numbers_maps.py
EXTRA_DIST += traces/mmdig.mmt traces/mmdig-pools.mmt \
	traces/v1-pools.mmt traces/v1-pools.cat.txt traces/v1-pools.json.txt
