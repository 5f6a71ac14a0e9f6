# Tests of src/tui.
check_PROGRAMS += write_keys
write_keys_SOURCES = tests/unit/write_keys.c
write_keys_LDADD = libmm_tui.la libmm_base.la $(NCURSES_LIBS)

# The list of keys in the manual page, made of the table.
update-keys: write_keys$(EXEEXT)
	./write_keys$(EXEEXT) >keys.tmp
	sed -e '/^\.\\" keys begin/,/^\.\\" keys end/{//!d}' -e '/^\.\\" keys begin/r keys.tmp' \
		$(srcdir)/man/mmtop.1 >mmtop.tmp && cp mmtop.tmp $(srcdir)/man/mmtop.1
	rm -f keys.tmp mmtop.tmp
