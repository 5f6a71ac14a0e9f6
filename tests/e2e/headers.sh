# headers.sh: every header compiles alone, and twice; mm_note.h in C++ as well.
. "$(dirname "$0")/tap.sh"

flags="-fsyntax-only -Wall -Wextra -Werror -I$src/src -I$src/include -I$build -I$src/examples/mmdig"

alone()
{
	printf '#include "%s"\n#include "%s"\n' "$2" "$2" >"$tmp/alone.$3"
	# shellcheck disable=SC2086
	$1 $flags "$tmp/alone.$3"
}

for header in "$src"/src/*/*.h "$src"/include/*.h "$src"/examples/*/*.h; do
	[ -e "$header" ] || continue
	name=${header#"$src"/src/}
	name=${name#"$src"/examples/*/}
	name=${name#"$src"/include/}
	check "$name alone" alone "$CC -std=gnu17 -D_GNU_SOURCE=" "$name" c
done
for header in "$src"/include/*.h; do
	[ -e "$header" ] || continue
	for std in c99 c11 c17 c2x; do
		check "${header##*/} as $std" alone "$CC -std=$std -pedantic" "${header##*/}" c
	done
	for cxx in g++ clang++; do
		if ! command -v $cxx >/dev/null; then
			skip "${header##*/} with $cxx" "no $cxx"
			continue
		fi
		for std in c++11 c++20; do
			check "${header##*/} with $cxx as $std" \
				alone "$cxx -std=$std -pedantic" "${header##*/}" cc
		done
	done
done
done_testing
