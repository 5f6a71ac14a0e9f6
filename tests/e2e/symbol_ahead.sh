# symbol_ahead.sh: the names that are in a trace do not depend on when they were looked up:
# while the command ran, at its end, or later.
. "$(dirname "$0")/tap.sh"
cd "$tmp" || exit 99

cat >plugin.c <<'C'
#include <stdlib.h>
void *plugin_make(int n);
void *plugin_make(int n) { void *volatile p = malloc(n); return p; }
C
cat >prog.c <<'C'
#include <dlfcn.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
/* from a library that is gone, or cut short, by the time that others ask for its names */
static void use_plugin(const char *end)
{
	void *lib = dlopen("./plugin.so", RTLD_NOW);
	void *(*make)(int) = (void *(*)(int))dlsym(lib, "plugin_make");
	free(make(7));
	dlclose(lib);
	if (strcmp(end, "gone") == 0)
		unlink("plugin.so");
	if (strcmp(end, "short") == 0 && truncate("plugin.so", 4096))
		abort();
}
static void *deep(int n, int kind)
{
	void *volatile p = kind & 1 ? deep(n, kind >> 1) : malloc((size_t)n);
	return p;
}
int main(int argc, char **argv)
{
	(void)argc;
	use_plugin(argv[1]);
	for (int i = 0; i < 200; i++) {
		free(deep(100 + i % 4, (1 << i % 9) - 1));
		usleep(2000);
	}
	return 0;
}
C
make_plugin() { gcc -g -O1 -fPIC -shared -o plugin.so plugin.c; }
make_plugin && gcc -g -O1 -fno-optimize-sibling-calls -o prog prog.c || exit 99

# Functions and lines of the sites, without looking at any file; not the moments.
names() { "$mmprof" report -q --no-symbols --json --by site -n 0 "$1" |
	grep -oE '"(function|file|line|inlined)": *[^,}]*' | sort | uniq -c; }
record() { rm -rf .cache; "$mmprof" record -q "$@"; }

# By default there is a deadline, and a busy machine may have only bare names by then.
check "within a deadline" record -o short.bin -- ./prog kept
check "there are names" sh -c "'$mmprof' report -q --no-symbols --json --by site -n 0 short.bin |
	grep -q '\"plugin_make\"'"
check "looked up while it runs" record --symbols=full -o ahead.bin -- ./prog kept
check "without names" record --symbols=none -o later.bin -- ./prog kept
rm -rf .cache
check "looked up later" "$mmprof" symbolize -q later.bin
check_is "the same names" "$(names later.bin)" "$(names ahead.bin)"

for end in gone short; do
	make_plugin
	check "a library that is $end in the middle" record -o "$end.bin" -- ./prog $end
	check "its trace opens, with the others' names" sh -c "
		'$mmprof' report -q --no-symbols --json --by site -n 0 $end.bin | grep -q '\"deep\"'"
done
make_plugin
check "into a pipe" sh -c "'$mmprof' record -q -o - -- ./prog kept | cat >stream.bin"
check_is "a trace that went elsewhere has no names" "" \
	"$(names stream.bin | grep plugin_make)"

# A busy machine: what is looked up meanwhile must not hold up the end.
busy=
for i in 1 2 3 4 5 6 7 8; do sh -c 'while :; do :; done' & busy="$busy $!"; done
check "beside busy processes" record --symbols=full -o busy.bin -- ./prog kept
kill $busy
check_is "the same names there" "$(names later.bin)" "$(names busy.bin)"

# Debug information that takes longer to open than so short a run may is left to report.
printf '#include <stdlib.h>\nint main(void) { free(malloc(77)); return 0; }\n' >quick.c
gcc -g -O0 -fno-builtin -o light quick.c || exit 99
truncate -s 30M pad
objcopy --add-section .debug_pad=pad light heavy || exit 99
check "a short run, much to open" record -o heavy.bin -- ./heavy
check "its names are in the trace" sh -c "'$mmprof' report -q --no-symbols heavy.bin | grep -q 'main'"
check_is "not its lines" 0 "$("$mmprof" report -q --no-symbols heavy.bin | grep -c 'quick.c:2')"
check "report finds them" sh -c "'$mmprof' report -q heavy.bin | grep -q 'main  quick.c:2'"
check "all that there is" record --symbols=full -o full.bin -- ./heavy
check "has the lines" sh -c "'$mmprof' report -q --no-symbols full.bin | grep -q 'main  quick.c:2'"

done_testing
