# F5: events into the engine.
noinst_LTLIBRARIES += libmm_replay.la
libmm_replay_la_SOURCES = \
	src/replay/drive.c src/replay/drive.h \
	src/replay/pins.c src/replay/pins.h \
	src/replay/replay.c src/replay/replay.h
