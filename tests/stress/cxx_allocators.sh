# cxx_allocators.sh: every form of operator new and delete is counted exactly, once, whoever
# provides it: libstdc++, or jemalloc, mimalloc, tcmalloc, preloaded and linked.
. "$(dirname "$0")/../e2e/tap.sh"
CXX=${CXX:-g++}
rounds=2000
wanted='allocs 14000 frees 13980 live 20'

# count NAME PROGRAM [ENV]: compares the trace's own count with the program's.
count()
{
	local name=$1 program=$2 env=${3:-MM_NOTHING=1}
	rm -f "$tmp/t" "$tmp/t.old"
	env "$env" "$mmprof" record -q -o "$tmp/t" -- "$program" $rounds >"$tmp/out" 2>"$tmp/err"
	check_is "$name: the program says" "$wanted" "$(cat "$tmp/out")"
	# libstdc++ rounds an aligned request up to its alignment, hence the upper bound.
	"$mmprof" cat "$tmp/t" --min-size 30011 --max-size 30080 >"$tmp/events" 2>>"$tmp/err"
	births=$(grep -cE '^[^ ]+ [^ ]+ [^ ]+ (malloc|new|new-aligned|aligned|calloc) ' "$tmp/events")
	deaths=$(grep -cE '^[^ ]+ [^ ]+ [^ ]+ free ' "$tmp/events")
	check_is "$name: the trace says" "$wanted" \
		"allocs $births frees $deaths live $((births - deaths))" ||
		sed 's/^/# /' "$tmp/err"
}

library()
{
	find /usr/lib /lib -name "$1" 2>/dev/null | head -n 1
}

check 'cxxnew builds' "$CXX" -O2 -std=c++17 "$src/tests/stress/cxxnew.cc" -o "$tmp/cxxnew"
count 'libstdc++' "$tmp/cxxnew"
for allocator in jemalloc:libjemalloc.so.2 mimalloc:libmimalloc.so.2.0 \
	tcmalloc_minimal:libtcmalloc_minimal.so.4; do
	name=${allocator%%:*} file=$(library "${allocator##*:}")
	if [ -z "$file" ]; then
		skip "$name preloaded" 'not installed'
		skip "$name linked" 'not installed'
		continue
	fi
	count "$name preloaded" "$tmp/cxxnew" "LD_PRELOAD=$file"
	check "$name: cxxnew links" "$CXX" -O2 -std=c++17 "$src/tests/stress/cxxnew.cc" \
		-o "$tmp/cxxnew_$name" -Wl,--no-as-needed "$file"
	count "$name linked" "$tmp/cxxnew_$name"
done
done_testing
