# dist.sh: the tarball is complete: it builds out of tree, from a read-only source, by clang
# and with warnings as errors, and what it installs records.
. "$(dirname "$0")/tap.sh"

if [ ! -w "$src" ] || [ ! -e "$src/.git" ]; then
	echo "1..0 # SKIP only from a checkout"
	exit
fi
compiler=clang
command -v clang >/dev/null || compiler=gcc

quietly()
{
	"$@" >"$tmp/log" 2>&1 </dev/null || {
		grep -E "error:|undefined|No such|No rule" "$tmp/log" || tail -n 40 "$tmp/log"
		return 1
	}
}

make_tarball()
{
	make -s -C "$build" distdir distdir="$tmp/mmprof-dist" \
		am__remove_distdir=: dist_files_only=yes
}

build_it()
{
	chmod -R a-w "$tmp/mmprof-dist"
	mkdir "$tmp/out" && cd "$tmp/out" || return 1
	"$tmp/mmprof-dist/configure" --quiet --enable-werror CC=$compiler \
		--prefix="$tmp/prefix" && make -s -j2 &&
		make -s -j2 build-tests
}

records()
{
	"$tmp/prefix/bin/mmprof" record -q -o "$tmp/t" /bin/true && test -s "$tmp/t"
}

check "make distdir" quietly make_tarball &&
	check "it builds with $compiler, read-only, warnings as errors" quietly build_it &&
	check "make install" quietly make -s -C "$tmp/out" install &&
	check "what is installed records" records
chmod -R u+w "$tmp/mmprof-dist" 2>/dev/null
done_testing
