# F4: events become facts, facts become the report.
noinst_LTLIBRARIES += libmm_model.la
libmm_model_la_SOURCES =
