# Unit tests: model and view. modelkit writes small traces and is the oracle.
mm_model_parts = test_model_categories test_model_processes test_model_trees \
	test_model_notes test_model_damage test_inquiry
check_PROGRAMS += test_notices test_pools test_tiers test_model $(mm_model_parts) test_model_oom test_jsonw test_view
mm_modelkit = tests/unit/modelkit.c tests/unit/modelkit.h
test_notices_SOURCES = tests/unit/test_notices.c $(mm_modelkit)
test_notices_LDADD = $(MM_TEST_LIBS)
test_tiers_SOURCES = tests/unit/test_tiers.c tests/unit/voxel.c tests/unit/voxel.h $(mm_modelkit)
test_tiers_LDADD = $(MM_TEST_LIBS)
test_pools_SOURCES = tests/unit/test_pools.c $(mm_modelkit)
test_pools_LDADD = $(MM_TEST_LIBS)
test_model_SOURCES = tests/unit/test_model.c $(mm_modelkit)
test_model_LDADD = $(MM_TEST_LIBS)
test_model_categories_SOURCES = tests/unit/test_model_categories.c $(mm_modelkit)
test_model_categories_LDADD = $(MM_TEST_LIBS)
test_model_processes_SOURCES = tests/unit/test_model_processes.c $(mm_modelkit)
test_model_processes_LDADD = $(MM_TEST_LIBS)
test_model_trees_SOURCES = tests/unit/test_model_trees.c $(mm_modelkit)
test_model_trees_LDADD = $(MM_TEST_LIBS)
test_model_notes_SOURCES = tests/unit/test_model_notes.c $(mm_modelkit)
test_model_notes_LDADD = $(MM_TEST_LIBS)
test_model_damage_SOURCES = tests/unit/test_model_damage.c $(mm_modelkit)
test_model_damage_LDADD = $(MM_TEST_LIBS)
test_inquiry_SOURCES = tests/unit/test_inquiry.c $(mm_modelkit)
test_inquiry_LDADD = $(MM_TEST_LIBS)
test_jsonw_SOURCES = tests/unit/test_jsonw.c
test_jsonw_LDADD = $(MM_TEST_LIBS)
test_view_SOURCES = tests/unit/test_view.c $(mm_modelkit)
test_view_LDADD = $(MM_TEST_LIBS)
test_model_oom_SOURCES = tests/unit/test_model_oom.c tests/unit/oomkit.h $(mm_modelkit)
test_model_oom_LDFLAGS = $(AM_LDFLAGS) -Wl,--wrap=malloc,--wrap=calloc,--wrap=realloc
test_model_oom_LDADD = $(MM_TEST_LIBS)
TESTS += test_notices test_pools test_tiers test_model $(mm_model_parts) test_model_oom test_jsonw test_view

mm_report_e2e = tests/e2e/report_views.sh tests/e2e/report_family.sh \
	tests/e2e/report_cat.sh tests/e2e/tiers.sh
TESTS += $(mm_report_e2e)
EXTRA_DIST += $(mm_report_e2e) tests/e2e/report_check.py tests/e2e/report_known.c \
	tests/e2e/report_family.c tests/e2e/report_cat.py
$(mm_report_e2e:.sh=.log): mmprof libmmprof.la

check_PROGRAMS += test_inquiries
test_inquiries_SOURCES = tests/unit/test_inquiries.c tests/unit/tracegen.c tests/unit/tracegen.h
test_inquiries_LDADD = $(MM_TEST_LIBS)
TESTS += test_inquiries
