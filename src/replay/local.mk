# F5: events into the engine.
noinst_LTLIBRARIES += libmm_replay.la
libmm_replay_la_SOURCES = \
	src/replay/drive.c src/replay/drive.h \
	src/replay/contest.c src/replay/contest.h \
	src/replay/execute.c src/replay/execute.h \
	src/replay/ops.c src/replay/ops.h \
	src/replay/target.c src/replay/target.h \
	src/replay/pins.c src/replay/pins.h \
	src/replay/replay.c src/replay/replay.h
