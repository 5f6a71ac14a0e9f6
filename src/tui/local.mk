# F6: mmtop: screens of cells, and the one file that knows curses.
noinst_LTLIBRARIES += libmm_tui.la
libmm_tui_la_SOURCES = \
	src/tui/canvas.c src/tui/canvas.h \
	src/tui/keys.c src/tui/keys.h \
	src/tui/panels.c src/tui/panels.h \
	src/tui/pane_calls.c \
	src/tui/pane_categories.c \
	src/tui/pane_fragmap.c \
	src/tui/pane_gpu.c \
	src/tui/pane_leaks.c \
	src/tui/pane_overview.c \
	src/tui/pane_threads.c \
	src/tui/pane_tiers.c \
	src/tui/pane_timeline.c \
	src/tui/panes.c \
	src/tui/widgets.c \
	src/tui/script.c src/tui/script.h \
	src/tui/question.c src/tui/question.h \
	src/tui/table.c src/tui/table.h \
	src/tui/top.c src/tui/top.h \
	src/tui/top_command.c \
	src/tui/top_frame.c \
	src/tui/top_line.c \
	src/tui/top_parts.h \
	src/tui/top_report.c \
	src/tui/top_rows.c \
	src/tui/top_time.c \
	src/tui/tty.c src/tui/tty.h \
	src/tui/value.c src/tui/value.h
