# F6: the report as text and JSON.
noinst_LTLIBRARIES += libmm_view.la
libmm_view_la_SOURCES =
