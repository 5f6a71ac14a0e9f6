# F6: the report as text and JSON.
noinst_LTLIBRARIES += libmm_view.la
libmm_view_la_SOURCES = \
	src/view/json_parts.h \
	src/view/jsonw.c src/view/jsonw.h \
	src/view/contest_json.c src/view/contest_text.c src/view/contest_view.h \
	src/view/replay_json.c src/view/replay_json.h \
	src/view/replay_json_config.c src/view/replay_parts.h src/view/replay_text_config.c \
	src/view/replay_text_map.c \
	src/view/replay_text.c src/view/replay_text.h \
	src/view/report_json.c src/view/report_json.h \
	src/view/report_json_live.c \
	src/view/report_json_tables.c \
	src/view/report_json_tiers.c \
	src/view/report_text.c src/view/report_text.h \
	src/view/text_chain.c \
	src/view/text_head.c \
	src/view/text_more.c \
	src/view/text_parts.h \
	src/view/text_pools.c \
	src/view/text_pen.c src/view/text_pen.h \
	src/view/text_table.c \
	src/view/text_tiers.c \
	src/view/text_tree.c
dist_pkgdata_DATA += src/view/mmprof.report.1.schema.json \
	src/view/mmprof.replay.1.schema.json \
	src/view/mmprof.contest.1.schema.json
