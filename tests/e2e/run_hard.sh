# run_hard.sh: the engine as malloc where that is hard: the letter of the standards, little
# address space, libraries that come and go, forks among threads, a thousand threads; and the
# machine's own programs, whose output is what it is without us. All strategies and levels.
. "$(dirname "$0")/tap.sh"
cd "$tmp" || exit 99
ulimit -c 0
victims=$src/tests/victims
ways="size-class first-fit best-fit numa-aware on sampled full"

# run_as WAY COMMAND...
run_as()
{
	local way=$1
	shift
	case $way in
	on | sampled | full) timeout 120 "$mmprof" run --check "$way" -- "$@" ;;
	*) timeout 120 "$mmprof" run -s "$way" -- "$@" ;;
	esac
}

build()
{
	$CC -O1 -w -fno-builtin -D_GNU_SOURCE -pthread -o "$1" "$victims/hard_$1.c" -ldl || exit 99
}

for name in standard limited plugin forks crowd locked; do
	build $name
done
$CC -O1 -w -fno-builtin -D_GNU_SOURCE -fPIC -shared -o libhard.so "$victims/lib_hardplugin.c" || exit 99

for way in $ways; do
	check_is "what the standards say, $way" "0 wrong" "$(run_as $way ./standard 2>&1)"
	check_is "libraries that come and go, $way" "0 bad" "$(run_as $way ./plugin ./libhard.so 2>&1)"
	check_is "forks among threads, $way" "0 bad" "$(run_as $way ./forks 2>&1)"
	threads=1000
	[ $way != full ] || threads=50 # each call of each thread is one of the system
	began=$SECONDS
	check_is "$threads threads, $way" "0 bad" "$(run_as $way ./crowd $threads 2>&1)"
	check "$threads threads, $way: within 20 seconds" test $((SECONDS - began)) -lt 20
	for mib in 1000 200 60; do
		check_is "$mib MiB of addresses, $way" "done" \
			"$(ulimit -v $((mib * 1024)); run_as $way ./limited 2>&1)"
	done
done

# Memory is locked as without us: the little address space is there should all of it be filled.
# Without the right to lock all, the limit counts.
bounded() { (ulimit -v 4000000; "$@"); }
unprivileged=
[ "$(id -u)" != 0 ] || unprivileged="setpriv --bounding-set=-ipc_lock --inh-caps=-ipc_lock"
want_all=$(bounded ./locked all)
want_little=$(ulimit -l 8192; bounded $unprivileged ./locked little)
check_is "little can be locked" "little: 0, errno 0" "$(echo "$want_little" | head -1)"
for way in $ways; do
	check_is "all memory locked, $way" "$want_all" "$(bounded run_as $way ./locked all 2>&1)"
	check_is "little memory locked, $way" "$want_little" \
		"$(ulimit -l 8192; bounded run_as $way $unprivileged ./locked little 2>&1)"
done

# Where there is too little for the program itself it is told so by malloc, and nothing else
# goes wrong.
for way in $ways; do
	for mib in 40 30 20 16; do
		(ulimit -v $((mib * 1024)); run_as $way ./limited) >out 2>&1
		check_is "$mib MiB, $way: how it ends" 0 $?
		check "$mib MiB, $way: it comes to its end" grep -q '^done$' out
	done
done

# --- programs ------------------------------------------------------------------------------

# same NAME COMMAND...
same()
{
	local title=$1 want status
	shift
	"$@" >want 2>want.err
	want=$?
	for way in $ways; do
		run_as $way "$@" >got 2>got.err
		status=$?
		check_is "$title, $way: its status" "$want" "$status"
		check "$title, $way: its output" cmp want got
		check "$title, $way: its errors" cmp want.err got.err
	done
}

has()
{
	command -v "$1" >/dev/null || { skip "$1" "not here"; return 1; }
}

mkdir -p tree/a/b && cp "$src"/src/alloc/*.[ch] tree/a && cp "$src"/man/*.1 tree/a/b
has sqlite3 && same sqlite3 sqlite3 :memory: 'create table t(a, b); with recursive c(i) as
	(select 1 union all select i + 1 from c where i < 20000) insert into t select i,
	hex(i * 7919) from c; create index x on t(b); select b, count(*) from t group by
	substr(b, 1, 3) order by 1 limit 50;'
has python3 && same python3 env PYTHONMALLOC=malloc python3 -c '
import json, re, threading
out = []
def work(n):
    out.append((n, len(json.dumps([{"a": i, "b": str(i) * (i % 50)} for i in range(3000 * n)]))))
threads = [threading.Thread(target=work, args=(n,)) for n in (1, 2, 3)]
[t.start() for t in threads]; [t.join() for t in threads]
print(sorted(out), sum(len(w) for w in re.findall("[a-z]+", open("tree/a/heap.c").read())))'
has perl && same perl perl -e 'my %h; $h{$_ % 997} .= "x" x ($_ % 100) for 1 .. 60000;
	print join(",", map { length $h{$_} } sort keys %h), "\n"; exit 3'
has git && same git git -C "$tmp" diff --no-index --stat tree/a/heap.c tree/a/guard.c
has git && same "git's own repository" sh -c 'rm -rf r && git init -q r && cd r && cp -r ../tree . &&
	git add . && git -c user.name=n -c user.email=e@e commit -q --date=@1 -m m &&
	git ls-tree -r HEAD && git fsck'
same gcc sh -c "$CC -O2 -c -I '$src/src' -I '$src/include' -o o.o tree/a/lowset.c && cksum o.o"
has xz && same xz sh -c 'cat tree/a/* 2>/dev/null | xz -T2 -9 | xz -d | cksum'
has tar && same tar sh -c 'tar -c --sort=name --mtime=@0 --owner=0 --group=0 tree | cksum'
has find && same find sh -c 'find tree -type f -name "*.c" -size +1k | sort'
has bash && same "a bash script" bash -c 'declare -A n; for w in $(cat tree/a/heap.h); do
	n[$w]=$((${n[$w]} + 1)); done; for w in "${!n[@]}"; do echo "${n[$w]} $w"; done | sort | head -40
	f() { [ $1 = 0 ] || { x=$(f $(($1 - 1))); echo "$1$x"; }; }; f 20; exit 5'
has sort && same sort sh -c 'cat tree/a/*.c | sort --parallel=2 -u | cksum'
has awk && same awk sh -c 'cat tree/a/*.c | awk "{ for (i = 1; i <= NF; i++) n[\$i]++ } END {
	for (w in n) print n[w], w }" | sort | cksum'
done_testing
