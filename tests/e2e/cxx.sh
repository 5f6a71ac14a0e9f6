# cxx.sh: libmm from C++ and from every C, built as a program builds it: installed, with
# pkg-config, linked dynamically and statically.
. "$(dirname "$0")/tap.sh"
here=$src/tests/e2e
strict="-Wall -Wextra -Werror -pedantic -O1"

installed()
{
	make -s -C "$build" install DESTDIR="$tmp/stage" >"$tmp/install.log" 2>&1 ||
		{ tail "$tmp/install.log"; return 1; }
}

# flags_of ARGS...: what pkg-config says of mm, where it is staged.
flags_of()
{
	PKG_CONFIG_PATH=$(dirname "$pc") \
		pkg-config --define-variable=prefix="$tmp/stage$prefix" "$@" mm
}

# built COMPILER SOURCE [FLAG...]: and run. Flags of libraries come last.
built()
{
	local compiler=$1 source=$2
	shift 2
	# shellcheck disable=SC2046,SC2086
	$compiler $strict $(flags_of --cflags) -o "$tmp/program" "$here/$source" "$@" \
		$(flags_of --libs) -Wl,-rpath,"$libdir" && "$tmp/program"
}

built_statically()
{
	# shellcheck disable=SC2046,SC2086
	g++ -std=c++17 $strict $(flags_of --cflags) -o "$tmp/program" "$here/cxx_program.cc" \
		"$libdir/libmm.a" -pthread && "$tmp/program" &&
		! readelf -d "$tmp/program" | grep -q 'libmm\.so'
}

check "make install DESTDIR=..." installed
pc=$(find "$tmp/stage" -name mm.pc | head -n 1)
prefix=$(sed -n 's/^prefix=//p' "$pc")
libdir=$(flags_of --variable=libdir)
check "mm.pc is installed" test -s "$pc"
check "pkg-config finds libmm.so" test -s "$libdir/libmm.so"
check "mm.hpp is installed" test -s "$(flags_of --variable=includedir)/mm.hpp"
check_is "mm.pc has the version of mmprof" "$("$mmprof" --version | sed -n '1s/[^0-9]*//p')" \
	"$(flags_of --modversion)"
for cxx in g++ clang++; do
	for std in c++17 c++20 c++23; do
		if echo | $cxx -std=$std -fsyntax-only -x c++ - 2>/dev/null; then
			check "mm.hpp with $cxx as $std" built "$cxx -std=$std" cxx_program.cc
		else
			skip "mm.hpp with $cxx as $std" "no $cxx, or not that new"
		fi
	done
done
check "mm.hpp without RTTI" g++ -std=c++17 -fno-rtti -fsyntax-only -I"$src/include" \
	"$here/cxx_program.cc"
check "mm.hpp with the archive" built_statically
for std in c99 c11 c17 c2x gnu17; do
	check "mm_scope.h as $std" built "$CC -std=$std" cxx_scopes.c
done
done_testing
