# F7: the command line: one file a verb, wiring only.
bin_PROGRAMS += mmprof
mmprof_SOURCES = src/cli/main.c src/cli/cli.h \
	src/cli/cli.c src/cli/cmd_doctor.c src/cli/cmd_import.c
# High floors first: each archive finds what it needs in those behind it.
mmprof_LDADD = libmm_view.la libmm_model.la libmm_collect.la libmm_symbol.la \
	libmm_trace.la libmm_base.la libmm_core.la \
	$(DW_LIBS) $(ELF_LIBS) $(ZSTD_LIBS) $(LZ4_LIBS) $(CJSON_LIBS) \
	$(IBERTY_LIBS) -lm
