# F7: the command line: one file a verb, wiring only.
bin_PROGRAMS += mmprof
mmprof_SOURCES = src/cli/main.c src/cli/cli.c src/cli/cli.h \
	src/cli/cat_print.c src/cli/cat_print.h src/cli/cmd_cat.c \
	src/cli/cmd_doctor.c \
	src/cli/cmd_import.c \
	src/cli/cmd_record.c src/cli/record_run.h src/cli/record_top.c src/cli/record_top.h \
	src/cli/cmd_replay.c src/cli/replay_work.c src/cli/replay_work.h \
	src/cli/replay_setup.c src/cli/replay_setup.h \
	src/cli/cmd_report.c \
	src/cli/cmd_run.c \
	src/cli/cmd_symbolize.c \
	src/cli/cmd_top.c src/cli/top_asker.c src/cli/top_asker.h src/cli/top_find.c src/cli/top_find.h src/cli/top_source.c src/cli/top_source.h src/cli/top_view.c src/cli/top_view.h
# High floors first: each archive finds what it needs in those behind it.
mmprof_LDADD = libmm_view.la libmm_tui.la libmm_replay.la libmm_alloc.la libmm_model.la libmm_collect.la libmm_symbol.la \
	libmm_trace.la libmm_base.la libmm_core.la \
	$(DW_LIBS) $(ELF_LIBS) $(DEFLATE_LIBS) $(ZSTD_LIBS) $(LZ4_LIBS) $(CJSON_LIBS) \
	$(IBERTY_LIBS) $(NUMA_LIBS) $(NCURSES_LIBS) -lm

# mmtop is mmprof by another name.
all-local: mmtop
mmtop: mmprof$(EXEEXT)
	$(LN_S) -f mmprof$(EXEEXT) $@
CLEANFILES += mmtop
install-exec-hook:
	cd "$(DESTDIR)$(bindir)" && $(LN_S) -f mmprof$(EXEEXT) mmtop$(EXEEXT)
install-data-hook:
	cd "$(DESTDIR)$(mandir)/man1" && $(LN_S) -f mmtop.1 mmprof-top.1
	cd "$(DESTDIR)$(bashcompdir)" && $(LN_S) -f mmprof mmtop
uninstall-hook:
	rm -f "$(DESTDIR)$(mandir)/man1/mmprof-top.1"
	rm -f "$(DESTDIR)$(bindir)/mmtop$(EXEEXT)" "$(DESTDIR)$(bashcompdir)/mmtop"
