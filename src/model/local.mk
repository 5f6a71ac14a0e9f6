# F4: events become facts, facts become the report.
noinst_LTLIBRARIES += libmm_model.la
libmm_model_la_SOURCES = \
	src/model/runtime_names.c \
	src/model/budgets.c \
	src/model/census.c src/model/census.h \
	src/model/choose.c src/model/choose.h \
	src/model/domains.c \
	src/model/fill_facts.c \
	src/model/fill_gpu.c \
	src/model/fill_groups.c \
	src/model/fill_live.c \
	src/model/fill_map.c \
	src/model/fill_pools.c \
	src/model/fill_pressure.c \
	src/model/fill_tables.c \
	src/model/fill_tiers.c \
	src/model/fill_time.c \
	src/model/fill_totals.c \
	src/model/fill_tree.c \
	src/model/inquiry.c src/model/inquiry.h \
	src/model/learnt.c src/model/learnt.h \
	src/model/lookup.c src/model/lookup.h \
	src/model/merge.c \
	src/model/model.c src/model/model.h \
	src/model/notices.c src/model/notices.h \
	src/model/outcome.h \
	src/model/naming.c src/model/naming.h \
	src/model/pair.c src/model/pair.h \
	src/model/part.c src/model/part.h \
	src/model/parts.c src/model/parts.h \
	src/model/ranking.c src/model/ranking.h \
	src/model/report.c src/model/report.h src/model/report_live.h \
	src/model/report_tiers.h \
	src/model/report_store.c src/model/report_store.h \
	src/model/select.c \
	src/model/shares.c src/model/shares.h \
	src/model/spread.c src/model/spread.h \
	src/model/standing.c src/model/standing.h \
	src/model/sum_events.c src/model/sum_events.h \
	src/model/sums.c src/model/sums.h \
	src/model/tower.c src/model/tower.h \
	src/model/trace_notes.c src/model/trace_notes.h \
	src/model/visit.c src/model/visit.h \
	src/model/work.h
include src/model/symbolise.mk
