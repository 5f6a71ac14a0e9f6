# stacks.sh: stacks against libunwind's and against a shadow stack, for programs built
# with other compilers and options. Stacks recur, so that the memo answers for many.
. "$(dirname "$0")/../e2e/tap.sh"
here=$src/tests/stacks
total=0 equal=0 shadowed=0

if ! pkg-config --exists libunwind; then
	skip "stacks" "libunwind-dev is not installed"
	done_testing
	exit 0
fi

build_harness()
{
	local f
	for f in calltree cfi expr memo modules probe rows segments stack unwind walk; do
		$CC -std=gnu17 -O2 -g -fPIC -fvisibility=hidden -I"$src/src" -I"$src/include" \
			-c "$src/src/capture/$f.c" -o "$tmp/$f.o" || return 1
	done
	$CC -std=gnu17 -O2 -g -I"$src/src" -I"$src/include" -c "$src/src/core/shm.c" -o "$tmp/shm.o" &&
	$CC -std=gnu17 -O2 -g -fno-omit-frame-pointer -I"$src/src" -I"$src/include" \
		-c "$here/stackharness.c" -o "$tmp/stackharness.o" &&
	$CC -O2 -shared -fPIC -DFRAME=64 "$here/plugin.c" -o "$tmp/plugin1.so" &&
	$CC -O2 -shared -fPIC -DFRAME=96 "$here/plugin.c" -o "$tmp/plugin2.so"
}

# build CC CXX FLAGS...
build()
{
	local cc=$1 cxx=$2
	shift 2
	rm -f "$tmp/situations"
	$cc -std=gnu17 -g -w "$@" -I"$src/src" -I"$src/include" -c "$here/situations.c" -o "$tmp/situations.o" &&
	$cxx -g -w "$@" -I"$src/src" -I"$src/include" -c "$here/situations_cxx.cc" -o "$tmp/situations_cxx.o" &&
	$CC "$@" -rdynamic "$tmp"/*.o -o "$tmp/situations" \
		-lstdc++ -lgcc_s -lunwind -ldl -lpthread
}

sum()
{
	sed -n "s/^sum .*\\b$1 \\([0-9]*\\).*/\\1/p" "$tmp/out"
}

# variant CC CXX FLAGS...: builds, runs, and takes every line for a check.
variant()
{
	local what="$*" status line
	command -v "$1" >/dev/null && command -v "$2" >/dev/null || {
		skip "$what" "no $1"
		return
	}
	check "$what: builds" build "$@" || return
	timeout 120 "$tmp/situations" "$tmp/plugin1.so" "$tmp/plugin2.so" "$((total + 1))" \
		>"$tmp/out" 2>&1
	status=$?
	grep '^#' "$tmp/out"
	while read -r line; do
		case $line in
		good*) tap_result ok "$what: ${line#good }" ;;
		BAD*) tap_result 'not ok' "$what: ${line#BAD }" ;;
		esac
	done <"$tmp/out"
	check_is "$what: ends well" 0 "$status"
	total=$((total + $(sum samples)))
	equal=$((equal + $(sum equal)))
	shadowed=$((shadowed + $(sum shadowed)))
}

check "the harness builds" build_harness || { done_testing; exit 1; }
shadow="-finstrument-functions -fno-inline"
for gcc in "gcc g++" "clang clang++"; do
	# shellcheck disable=SC2086
	{
		variant $gcc -O0
		variant $gcc -O2
		variant $gcc -O3 -mavx2
		variant $gcc -O2 -fno-omit-frame-pointer
		variant $gcc -Os -no-pie
		variant $gcc -O2 $shadow
		variant $gcc -O0 $shadow
	}
done
variant gcc g++ -O1 -flto
# Segments with holes between them: several objects to the loader.
variant gcc g++ -O2 -no-pie -Wl,-z,separate-code,-z,max-page-size=0x200000
variant gcc g++ -O2 -Wl,-z,separate-code,-z,max-page-size=0x200000
variant gcc g++ -O3 -mno-accumulate-outgoing-args -fno-shrink-wrap
variant gcc g++ -O3 $shadow -fno-omit-frame-pointer
echo "# $total samples, $equal equal libunwind's, $shadowed compared with a shadow stack"
check "at least 10000 stacks were sampled" test "$total" -ge 10000
check "at least 99.9 % of them equal libunwind's" test $((equal * 1000)) -ge $((total * 999))
check "at least 10000 were compared with a shadow stack" test "$shadowed" -ge 10000
done_testing
