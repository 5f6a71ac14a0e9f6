# F5: events into the engine.
noinst_LTLIBRARIES += libmm_replay.la
libmm_replay_la_SOURCES = \
	src/replay/drive.c src/replay/drive.h \
	src/replay/contest.c src/replay/contest.h \
	src/replay/execute.c src/replay/execute.h \
	src/replay/ops.c src/replay/ops.h \
	src/replay/target.c src/replay/target.h \
	src/replay/times.c src/replay/times.h \
	src/replay/words.c src/replay/words.h \
	src/replay/heapmap.c src/replay/heapmap.h \
	src/replay/layout.c src/replay/layout.h \
	src/replay/pins.c src/replay/pins.h \
	src/replay/dest.c src/replay/dest.h \
	src/replay/poolset.c src/replay/poolset.h \
	src/replay/replay_conf.c src/replay/replay_conf.h \
	src/replay/routed.c src/replay/routed.h src/replay/routed_tell.c \
	src/replay/router.c src/replay/router.h \
	src/replay/replay.c src/replay/replay.h
