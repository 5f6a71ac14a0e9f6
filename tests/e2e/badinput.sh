# badinput.sh: every kind of bad input gets one line that names it and says what to do, the
# exit status of the manual, and never costs the user a file.
. "$(dirname "$0")/tap.sh"
cd "$tmp" || exit 99

# run COMMAND...: leaves $status, out and err.
run()
{
	timeout 60 "$@" >out 2>err </dev/null
	status=$?
}

# says NAME STATUS PATTERN...: what the last run left: the status, and one line on stderr
# that begins with mmprof and matches every pattern.
says()
{
	local name=$1 want=$2 pattern
	shift 2
	check_is "$name: status" "$want" "$status"
	check_is "$name: one line" 1 "$(grep -c '' err)"
	for pattern in '^mmprof' "$@"; do
		check "$name: says $pattern" grep -qE -e "$pattern" err ||
			sed 's/^/# stderr: /' err
	done
}

# says_usage: the same where the line is followed by the hint at --help.
says_usage()
{
	grep -v "^Try 'mmprof" err >err.main
	check "$1: hint" grep -q "^Try 'mmprof" err
	mv err.main err
	says "$@"
}

cat >prog.c <<'C'
#include <stdlib.h>
#include <unistd.h>
int main(int argc, char **argv)
{
	(void)argv;
	for (int i = 0; i < 50000; i++) {
		void *volatile p = malloc((size_t)rand() % 97 + 1);
		if (argc == 1)
			free(p);
	}
	return write(1, "unharmed\n", 9) == 9 ? 7 : 1;
}
C
$CC -g -o prog prog.c || exit 99
"$mmprof" record -q -o good.trace ./prog >/dev/null 2>&1
check "a good trace to begin with" test -s good.trace

# --- commands that cannot be recorded -----------------------------------------------
run "$mmprof" record -o t ./no-such-program
says "no such program" 127 'no-such-program'
check "no such program: no trace" fails test -e t
run "$mmprof" record -o t no-such-program-in-path
says "not in PATH" 127 'no-such-program-in-path'

echo text >notexec
run "$mmprof" record -o t ./notexec
says "not executable" 126 'notexec'
mkdir adir
run "$mmprof" record -o t ./adir
says "a folder" 126 'adir'

if $CC -static -o prog-static prog.c 2>/dev/null; then
	run "$mmprof" record -o t ./prog-static
	says "static" 125 'prog-static' '[Ss]tatic'
	check "static: no trace" fails test -e t
else
	skip "static" "no static libc"
fi
cat >own.c <<'C'
/* A program with an allocator of its own. */
#include <string.h>
static char pool[8 << 20] __attribute__((aligned(16)));
static size_t used;
void *malloc(size_t n) { void *p = pool + used; used += (n + 15) / 16 * 16; return p; }
void *calloc(size_t n, size_t size) { return memset(malloc(n * size), 0, n * size); }
void *realloc(void *old, size_t n) { return old ? memmove(malloc(n), old, n) : malloc(n); }
void free(void *p) { (void)p; }
int main(void) { void *volatile p = malloc(10); free(p); return 3; }
C
$CC -fno-builtin -o own own.c || exit 99
run "$mmprof" record -o t ./own
check_is "a malloc of its own: status" 3 "$status"
check "a malloc of its own: it is said" grep -q 'nothing recorded: .*malloc of its own' err
check "a malloc of its own: the report says it" sh -c '"$0" report t | grep -q "malloc of its own"' "$mmprof"
rm -f t
run sh -c 'exec "$0" record -o - -- true >&-' "$mmprof"
says "no standard output" 125 'standard output is closed'
if $CC -fsanitize=address -o prog-asan prog.c 2>/dev/null; then
	run "$mmprof" record -o t ./prog-asan
	says "sanitizer" 125 'prog-asan' '[Ss]anitize'
else
	skip "sanitizer" "the compiler has no address sanitizer"
fi
if command -v musl-gcc >/dev/null && musl-gcc -o prog-musl prog.c 2>/dev/null; then
	run "$mmprof" record -o t ./prog-musl
	says "another libc" 125 'prog-musl' 'musl|libc|loader'
else
	skip "another libc" "no musl-gcc"
fi
setuid_program()
{
	if [ "$(id -u)" -eq 0 ] && cp prog prog-setuid && chown 65534 prog-setuid; then
		chmod 4755 prog-setuid
		echo ./prog-setuid
		return
	fi
	for p in /usr/bin/passwd /usr/bin/su /usr/bin/mount; do
		[ -u "$p" ] && [ ! -O "$p" ] && echo "$p" && return
	done
}
suid=$(setuid_program)
if [ -n "$suid" ]; then
	run "$mmprof" record -o t "$suid"
	says "setuid" 125 "$(basename "$suid")" 'set-?u?id'
else
	skip "setuid" "no setuid program"
fi

# --- options ------------------------------------------------------------------------
run "$mmprof" record --no-such-option ./prog
says_usage "record: unknown option" 125 'no-such-option'
run "$mmprof" run --stats=1 ./prog
says_usage "run: an argument too many" 125 "option '--stats' takes no argument"
run "$mmprof" run --trace notexec ./prog
says "run: what is there is no trace" 125 'notexec exists .*: choose another name$'
run "$mmprof" record --on-full=maybe ./prog
says_usage "record: bad value" 125 'on-full' 'maybe'
run "$mmprof" record --depth=none ./prog
says_usage "record: bad depth" 125 'depth' 'none'
run "$mmprof" record
says_usage "record: no command" 125 'command'
run "$mmprof" report --by=colour good.trace
says_usage "report: bad --by" 2 'by' 'colour'
run "$mmprof" report --metric=beauty good.trace
says_usage "report: bad --metric" 2 'metric' 'beauty'
run "$mmprof" report --from=yesterday good.trace
says "report: bad time" 2 'from' 'yesterday'
run "$mmprof" report --by
says_usage "report: missing argument" 2 'by'
run "$mmprof" reprot
says_usage "mistyped verb" 2 "'reprot'" "'report'"
run "$mmprof"
says_usage "no verb" 2 'verb'

# --- files that are no trace ----------------------------------------------------------
for verb in report cat symbolize; do
	run "$mmprof" $verb no-such-file
	says "$verb: no such file" 2 'no-such-file'
	echo 'not a trace at all, but long enough to hold a header of any kind' >letter
	cp letter letter.before
	run "$mmprof" $verb letter
	says "$verb: not a trace" 2 'letter' 'not an? (mmprof )?trace'
	check "$verb: not a trace: left alone" cmp letter letter.before
	: >empty
	run "$mmprof" $verb empty
	says "$verb: empty file" 2 'empty'
	run "$mmprof" $verb adir
	says "$verb: a folder" 2 'adir'
done
run "$mmprof" import letter -o imported
says "import: not a recording" 2 'letter'
check "import: nothing left behind" fails test -e imported

# --- an output that must not be overwritten ---------------------------------------------
cp letter.before letter
run "$mmprof" record -o letter ./prog
says "record over a letter" 125 'letter' 'not a? ?(an mmprof )?trace|exists|overwrit'
check "record over a letter: left alone" cmp letter letter.before
cp good.trace again.trace
run "$mmprof" record -q -o again.trace ./prog
check_is "record over a trace: the program's status" 7 "$status"
check "record over a trace: kept as .old" cmp good.trace again.trace.old
run "$mmprof" record -o no/such/folder/t ./prog
says "no such folder" 125 'no/such/folder'
check "no such folder: not run" fails grep -q unharmed out

# --- an empty file, as mktemp makes it, is no loss ------------------------------------------
: >fresh
check "record into an empty file" "$mmprof" record -q -o fresh -- true
check "it is a trace now" "$mmprof" report -q fresh
check "and no older one is made of it" fails [ -e fresh.old ]

# --- a newer and a truncated trace --------------------------------------------------------
newer_version()
{
	python3 - good.trace newer.trace <<'P'
import sys
data = bytearray(open(sys.argv[1], 'rb').read())
# magic 8 bytes, version u32, compat u32: FORMAT.md
data[8:12] = data[12:16] = (0x7fff).to_bytes(4, 'little')
open(sys.argv[2], 'wb').write(data)
P
}
check "a newer trace is made" newer_version
run "$mmprof" report newer.trace
says "newer trace" 2 'newer.trace' 'newer'

size=$(stat -c %s good.trace)
head -c $((size * 6 / 10)) good.trace >short.trace
run "$mmprof" report short.trace
check_is "truncated trace: status" 0 "$status"
check "truncated trace: a warning names it" grep -qE 'mmprof report: warning: .*short.trace' err
check "truncated trace: a report all the same" test -s out

# --- a full disk ----------------------------------------------------------------------------
run bash -c 'ulimit -S -f 8; exec "$0" record -o limited.trace ./prog' "$mmprof"
if [ "$status" -eq 7 ]; then
	check "file limit: the program unharmed" grep -q unharmed out
else
	says "file limit: refused" 125 'limit|too large'
fi
cat >many.c <<'C'
#include <stdlib.h>
int main(void)
{
	for (int i = 0; i < 200000; i++) {
		void *volatile p = malloc((size_t)(rand() % 5000 + 1));
		if (rand() % 3)
			free(p);
	}
	return 5;
}
C
$CC -o many many.c || exit 99

# full_disk KIB: records ./many onto a file system of that size.
full_disk()
{
	mount -t tmpfs -o size="$1k" none small || return 1
	run "$mmprof" record -o small/t ./many
	check_is "full disk, $1 KiB: the program's status" 5 "$status"
	check "full disk, $1 KiB: it is said" grep -qE '^mmprof record: small/t: .*No space left' err
	all=$(sed -n 's/^\[mmprof\] \([0-9,]*\) events, .*/\1/p' err | tr -d ,)
	lost=$(sed -n 's/^\[mmprof\] .* events, \([0-9,]*\) lost.*/\1/p' err | tr -d ,)
	check_is "full disk, $1 KiB: all that is not lost is there" $((all - lost)) \
		"$("$mmprof" cat small/t 2>/dev/null | wc -l)"
	check "full disk, $1 KiB: something is lost" test "$lost" -gt 0
	umount small
}

if [ "$(id -u)" -eq 0 ] && mkdir small && mount -t tmpfs -o size=4k none small 2>/dev/null; then
	umount small
	full_disk 4
	full_disk 256
else
	skip "full disk" "no tmpfs may be mounted here"
fi
run bash -c '"$0" report good.trace >/dev/full' "$mmprof"
says "report to a full disk" 2 'standard output'

# --- category files ---------------------------------------------------------------------------
printf 'category svo_nodes {\n\tbudget = 256mb\n\tcolour = red\n}\n' >bad.conf
run "$mmprof" report -c bad.conf good.trace
says "unknown category key" 2 'bad.conf:3' 'colour'
printf 'category svo_nodes {\n\tbudget = plenty\n}\n' >bad.conf
run "$mmprof" report -c bad.conf good.trace
says "bad budget" 2 'bad.conf:2' 'plenty'
printf 'category svo_nodes {\n' >bad.conf
run "$mmprof" report -c bad.conf good.trace
says "unfinished category file" 2 'bad.conf'
run "$mmprof" report -c no-such.conf good.trace
says "no category file" 2 'no-such.conf'

# --- what is named may hold anything: no message carries it to the terminal as it is ---------
evil=$(printf 'no\033[2J\nsuch')
for verb in report cat top; do
	run "$mmprof" $verb "$evil"
	says "$verb of a hostile name" 2 'no\\x1b\[2J\\x0asuch'
done
run "$mmprof" top --once -p "$evil"
says "a hostile PID" 2 'no\\x1b\[2J'
printf '\033[2J\n' >keys
run "$mmprof" top --script keys good.trace
says "a hostile script" 2 '\\x1b\[2J'
done_testing
