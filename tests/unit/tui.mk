# Tests of src/tui. topkit is mmtop over a trace without the command line.
mm_topkit = tests/unit/topkit.c tests/unit/topkit.h src/cli/top_source.c src/cli/top_source.h
check_PROGRAMS += test_tui test_top
test_tui_SOURCES = tests/unit/test_tui.c
test_tui_LDADD = libmm_tui.la libmm_base.la libmm_core.la $(NCURSES_LIBS) $(CMOCKA_LIBS)
test_top_SOURCES = tests/unit/test_top.c $(mm_topkit) $(mm_modelkit)
test_top_LDADD = libmm_tui.la $(MM_TEST_LIBS) $(NCURSES_LIBS)
TESTS += test_tui test_top

# MMTOP_ABUSE=2000 for more of it.
check_PROGRAMS += test_topabuse
test_topabuse_SOURCES = tests/unit/test_topabuse.c tests/unit/abusekit.c tests/unit/abusekit.h \
	$(mm_topkit) $(mm_modelkit)
test_topabuse_LDADD = libmm_tui.la $(MM_TEST_LIBS) $(NCURSES_LIBS)
TESTS += test_topabuse

check_PROGRAMS += write_keys
write_keys_SOURCES = tests/unit/write_keys.c
write_keys_LDADD = libmm_tui.la libmm_base.la $(NCURSES_LIBS)

# The list of keys in the manual page, made of the table.
update-keys: write_keys$(EXEEXT)
	./write_keys$(EXEEXT) >keys.tmp
	sed -e '/^\.\\" keys begin/,/^\.\\" keys end/{//!d}' -e '/^\.\\" keys begin/r keys.tmp' \
		$(srcdir)/man/mmtop.1 >mmtop.tmp && cp mmtop.tmp $(srcdir)/man/mmtop.1
	rm -f keys.tmp mmtop.tmp
