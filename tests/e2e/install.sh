# install.sh: what is installed works from any prefix, wherever the tree is moved to, and is
# complete.
. "$(dirname "$0")/tap.sh"

installed()
{
	make -s -C "$build" install DESTDIR="$tmp/stage" >"$tmp/install.log" 2>&1 ||
		{ tail "$tmp/install.log"; return 1; }
}

# preload_of MMPROF: where that mmprof finds its preload.
preload_of()
{
	"$1" doctor --json | sed -n 's/.*"name":"preload".*"detail":"\([^"]*\)".*/\1/p'
}

records()
{
	"$1" record -q -o "$tmp/t" /bin/true && test -s "$tmp/t"
}

check_is "the build tree finds its own preload" "$build/.libs/libmmprof.so" \
	"$(preload_of "$mmprof")"
check "make install DESTDIR=..." installed
bin=$(find "$tmp/stage" -name mmprof -type f -perm -100 | head -n 1)
lib=$(find "$tmp/stage" -name libmmprof.so | head -n 1)
check "mmprof is installed" test -x "$bin"
check "the preload is installed" test -s "$lib"
check_is "the staged mmprof finds the staged preload" "$lib" "$(preload_of "$bin")"
check "the staged mmprof records" records "$bin"
mv "$tmp/stage" "$tmp/elsewhere"
bin=${bin/stage/elsewhere} lib=${lib/stage/elsewhere}
check_is "it finds it after a move" "$lib" "$(preload_of "$bin")"
check "it records after a move" records "$bin"
ln -s "$bin" "$tmp/link"
check_is "it finds it through a symbolic link" "$lib" "$(preload_of "$tmp/link")"
for page in "$src"/man/*.[0-9]; do
	check "${page##*/} is installed" \
		test -n "$(find "$tmp/elsewhere" -name "${page##*/}")"
done
check "completion is installed" test -n "$(find "$tmp/elsewhere" -path '*bash-completion*' -name mmprof)"
check "mm_note.h is installed" test -n "$(find "$tmp/elsewhere" -name mm_note.h)"
mv "$lib" "$lib.away"
"$bin" record -o "$tmp/u" /bin/true >/dev/null 2>"$tmp/err"
check_is "without the preload: status" 125 "$?"
check "without the preload: says what is missing" grep -q 'mmprof record: .*libmmprof.so' "$tmp/err"
done_testing
