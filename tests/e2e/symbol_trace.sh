# symbol_trace.sh: symbols kept in a trace: put there by record, or later by symbolize, which
# never costs anybody a trace.
. "$(dirname "$0")/tap.sh"
cd "$tmp" || exit 99

# Signals at several moments: the trace opens, nothing is left behind.
interrupted()
{
	local i
	cp before.bin stop.bin
	for i in 1 2 3 4 5 6 7 8; do
		timeout -s INT 0.00$i "$mmprof" symbolize -q stop.bin
		"$mmprof" report -q stop.bin >opened || return 1
		[ "$(echo stop.bin.*)" = 'stop.bin.*' ] || return 1
	done
}

cat >plugin.c <<'C'
#include <stdlib.h>
void *plugin_make(void);
void *plugin_make(void) { void *volatile p = malloc(777); return p; }
C
cat >prog.c <<'C'
#include <dlfcn.h>
#include <stdlib.h>
static inline __attribute__((always_inline)) void *inner(size_t n)
{
	void *volatile p = malloc(n);
	return p;
}
__attribute__((noinline)) static void *outer(size_t n)
{
	void *volatile p = inner(n);
	return p;
}
int main(void)
{
	void *volatile kept = outer(1000);
	void *lib = dlopen("./plugin.so", RTLD_NOW);
	if (lib) {
		void *(*make)(void) = (void *(*)(void))dlsym(lib, "plugin_make");
		kept = make();
		dlclose(lib);
	}
	(void)kept;
	return 0;
}
C
gcc -g -O1 -fPIC -shared -o plugin.so plugin.c && gcc -g -O1 -o prog prog.c || exit 99
inner_line=$(grep -n 'malloc(n)' prog.c | cut -d: -f1)

record() { "$mmprof" record -q "$@"; }
# names TRACE: functions and lines of the sites, without looking at any file
names() { "$mmprof" report -q --no-symbols --json --by site -n 0 "$1"; }
has() { names "$1" | grep -q "$2"; }
# every event, without the name of its site
events() { "$mmprof" cat "$1" | sed 's/ \(site=[0-9]*\) .*/ \1/' | cksum; }
lacks() { ! has "$1" "$2"; }

check "record with --symbols=none" record --symbols=none -o none.bin -- ./prog
check "no names in it" lacks none.bin '"outer"'
check "record with --symbols=full" record --symbols=full -o full.bin -- ./prog
check "a function" has full.bin '"outer"'
check "an inlined function" has full.bin '"inner"'
check "its line" has full.bin "\"line\": *$inner_line"
check "a function of a library that was unloaded" has full.bin '"plugin_make"'
check "record with --symbols=names" record --symbols=names -o names.bin -- ./prog
check "names: a function" has names.bin '"outer"'
check "names: no inlined function" lacks names.bin '"inner"'

cp none.bin before.bin
check "symbolize" "$mmprof" symbolize none.bin
check "symbolize: names are there" has none.bin '"inner"'
check "symbolize: every byte but the header's state is as before" cmp -n \
	$(($(stat -c %s before.bin) - 128)) -i 128 before.bin none.bin
check_is "symbolize: the events are as before" "$(events before.bin)" "$(events none.bin)"
check_is "symbolize: no copy is left behind" "" "$(ls none.bin.* 2>&1 | grep -v 'No such')"
sum=$(cksum <none.bin)
out=$("$mmprof" symbolize none.bin)
check_is "symbolize again: nothing to add" "$sum" "$(cksum <none.bin)"
check "symbolize again: says so" grep -q ' 0 named now' <<<"$out"
check "symbolize names.bin: better ones are added" "$mmprof" symbolize -q names.bin
check "symbolize names.bin: lines" has names.bin '"inner"'

cp before.bin a.bin
check "symbolize -o" "$mmprof" symbolize -q -o b.bin a.bin
check "symbolize -o: the trace is untouched" cmp before.bin a.bin
check "symbolize -o: the new one has names" has b.bin '"inner"'
check_is "symbolize -o: mode of the trace" "$(stat -c %a a.bin)" "$(stat -c %a b.bin)"
sum=$(cksum <b.bin)
check "symbolize -o on an existing file is refused" fails "$mmprof" symbolize -q -o b.bin a.bin
check_is "symbolize -o: that file is untouched" "$sum" "$(cksum <b.bin)"

cp before.bin real.bin && ln -s real.bin link.bin
check "symbolize through a link" "$mmprof" symbolize -q link.bin
check "symbolize through a link: still a link" test -L link.bin
check "symbolize through a link: the file has names" has real.bin '"inner"'

# a program that changed since is not believed, one that is gone is not needed
cp before.bin changed.bin && cp full.bin moved.bin
sed -i 's/1000/1001/' prog.c && gcc -g -O1 -o prog prog.c
export XDG_CACHE_HOME=$tmp/empty
check "symbolize: another build" "$mmprof" symbolize -q changed.bin
check "symbolize: names of another build are not believed" lacks changed.bin '"outer"'
rm prog
check "report: names of a program that is gone" has moved.bin '"inner"'

# damaged traces
head -c $(($(stat -c %s before.bin) - 5)) before.bin >cut.bin
touch -d '1 hour ago' cut.bin
check "symbolize a trace that is cut short" "$mmprof" symbolize -q cut.bin
check "symbolize a trace that is cut short: it opens" "$mmprof" report -q cut.bin
cp cut.bin growing.bin
head -c $(($(stat -c %s before.bin) - 5)) before.bin >growing.bin
out=$("$mmprof" symbolize growing.bin 2>&1)
check_is "a trace that is being written is left alone: status" 2 $?
check "a trace that is being written is left alone: says why" grep -q 'still being recorded' <<<"$out"
echo hello >text
out=$("$mmprof" symbolize text 2>&1)
check_is "not a trace: status" 2 $?
check_is "not a trace: one line" 1 "$(wc -l <<<"$out")"
check_is "not a trace: untouched" hello "$(cat text)"

# a full disk
if [ -w /dev/full ] && command -v prlimit >found; then
	cp before.bin full-disk.bin
	out=$(prlimit --fsize=$(($(stat -c %s before.bin) / 2)) "$mmprof" symbolize full-disk.bin 2>&1)
	check_is "no room: status" 2 $?
	check "no room: the trace is as it was" cmp before.bin full-disk.bin
	check_is "no room: nothing left behind" full-disk.bin "$(echo full-disk.bin*)"
	check "interrupted: the trace opens, nothing is left behind" interrupted
else
	skip "no room" "prlimit is not installed"
fi
done_testing
