# symbol_debugfiles.sh: names and lines from wherever they are kept: separate debug files,
# shared parts, symbol tables of stripped files, servers; and none from the wrong file.
. "$(dirname "$0")/tap.sh"
cd "$tmp" || exit 99
probe=$build/symprobe
unset DEBUGINFOD_URLS

cat >lib.c <<'C'
#include <stdlib.h>
int exported(int v);
__attribute__((noinline)) static void *hidden(int v) { return malloc((size_t)v + 10); }
int exported(int v)
{
	void *p = hidden(v);
	free(p);
	return p != NULL;
}
C
gcc -g -O1 -fPIC -shared -Wl,--build-id -o full.so lib.c || exit 99
address=$(nm full.so | awk '$3 == "exported" { print $1 }')
inside=$(nm full.so | awk '$3 == "hidden" { print $1 }')
id=$(readelf -n full.so | sed -n 's/.*Build ID: //p')

# ask ARG...: the frame of `hidden`, "function file:line" without the folder.
ask()
{
	echo "$inside" | "$probe" "$@" | sed -n '2s|\t.*/| |p;2s|\t| |p' | tail -n 1
}

hidden_line=$(grep -n 'void \*hidden' lib.c | cut -d: -f1)
want="hidden lib.c:$hidden_line"
check_is "debug information in the file" "$want" "$(ask ./full.so)"

# stripped: the symbol table, then the exported names, then nothing
cp full.so nodebug.so && strip --strip-debug nodebug.so
check_is "without debug information: the symbol table" "hidden :0" "$(ask ./nodebug.so)"
cp full.so stripped.so && strip stripped.so
check_is "stripped: an address that no symbol covers" " :0" "$(ask ./stripped.so)"
check_is "stripped: an exported function" "exported" \
	"$(echo "$address" | "$probe" ./stripped.so | sed -n '2s/\t.*//p')"
check_is "names only: no lines" "hidden :0" "$(ask -n ./full.so)"

# symbols of assembly have neither type nor size: they reach to the next one
cat >asm.s <<'S'
	.text
	.globl first_label
first_label:
	nop
	nop
.Llocal:
	nop
	.globl second_label
	.type second_label, @function
second_label:
	nop
	ret
	.size second_label, 2
	nop
	.section .note.GNU-stack,"",@progbits
S
gcc -shared -nostdlib -o asm.so asm.s
start=$((0x$(nm asm.so | awk '$3 == "first_label" { print $1 }')))
got=$(for i in 0 2 3 4 5; do printf '%x\n' $((start + i)); done | "$probe" asm.so |
	sed -n 's/\t.*//p' | tr '\n' ' ')
check_is "labels without size, and a gap after a sized one" \
	"first_label first_label second_label second_label  " "$got"

# a separate file by debuglink
mkdir -p link/.debug
objcopy --only-keep-debug full.so link/x.debug
cp stripped.so link/x.so
(cd link && objcopy --add-gnu-debuglink=x.debug x.so)
check_is "debuglink beside the file" "$want" "$(ask ./link/x.so)"
mv link/x.debug link/.debug/
check_is "debuglink in .debug" "$want" "$(ask ./link/x.so)"
gcc -g -O1 -fPIC -shared -Wl,--build-id -o other.so -DOTHER -include stdio.h lib.c
objcopy --only-keep-debug other.so link/.debug/x.debug
check_is "debuglink to another build" " :0" "$(ask ./link/x.so)"

# by CRC where there is no build-id
gcc -g -O1 -fPIC -shared -Wl,--build-id=none -o noid.so lib.c
inside_noid=$inside
inside=$(nm noid.so | awk '$3 == "hidden" { print $1 }')
mkdir crc
objcopy --only-keep-debug noid.so crc/y.debug
cp noid.so crc/y.so && strip crc/y.so
(cd crc && objcopy --add-gnu-debuglink=y.debug y.so)
check_is "debuglink by checksum" "$want" "$(ask ./crc/y.so)"
printf x >>crc/y.debug
check_is "debuglink whose checksum differs" " :0" "$(ask ./crc/y.so)"
inside=$inside_noid

# by build-id, below another root
root=$tmp/root
mkdir -p "$root/usr/lib/debug/.build-id/$(echo "$id" | cut -c1-2)" "$root$tmp"
byid=$root/usr/lib/debug/.build-id/$(echo "$id" | cut -c1-2)/$(echo "$id" | cut -c3-).debug
objcopy --only-keep-debug full.so "$byid"
cp stripped.so "$root$tmp/stripped.so"
check_is "by build-id" "$want" "$(ask -r "$root" "$tmp/stripped.so" "$id")"
rm "$root$tmp/stripped.so"
check_is "by build-id, the file itself gone" "$want" "$(ask -r "$root" "$tmp/stripped.so" "$id")"
check_is "by build-id, the file another one" "$want" "$(
	cp other.so "$root$tmp/stripped.so"; ask -r "$root" "$tmp/stripped.so" "$id")"
rm "$byid"
check_is "another build at the path: nothing" " :0" "$(ask -r "$root" "$tmp/stripped.so" "$id")"

# what dwz moves out
if command -v dwz >found; then
	mkdir dwz && objcopy --only-keep-debug full.so dwz/a.debug &&
		objcopy --only-keep-debug other.so dwz/b.debug
	cat >many.c <<'C'
struct a1 { int x[3]; struct a1 *next; }; struct a2 { struct a1 a; char text[40]; long n; };
struct a3 { struct a2 a, b; }; struct a4 { struct a3 x; struct a4 *up, *down; };
int NAME(struct a4 *p);
static inline __attribute__((always_inline)) int deep(struct a4 *p) { return p->x.a.a.x[1]; }
int NAME(struct a4 *p) { volatile int v = deep(p); return v + (p->up ? p->up->x.b.text[3] : 0); }
C
	for i in 1 2; do
		gcc -g -O1 -fPIC -shared -Wl,--build-id -DNAME=many$i -o dwz/m$i.so many.c
	done
	if (cd dwz && dwz -m common.debug m1.so m2.so) >dwz.out 2>&1 && [ -f dwz/common.debug ]; then
		at=$(nm dwz/m1.so | awk '$3 == "many1" { print $1 }')
		got=$(for i in 0 1 2 3 4 5 6 7 8 9 a b c d e f; do
			printf '%x\n' $((0x$at + 0x$i)); done | "$probe" dwz/m1.so)
		check "dwz: an inlined function named in the shared part" \
			grep -q "^deep	.*many.c:4 (inlined)" <<<"$got"
		check "dwz: the outer function" grep -q "^many1	.*many.c:5$" <<<"$got"
		mv dwz/common.debug dwz/elsewhere
		check "dwz: without the shared part, no crash" grep -q '^many1' <<<"$(
			echo "$at" | "$probe" dwz/m1.so)"
	else
		skip "dwz" "dwz made no shared part: $(head -n 1 dwz.out)"
	fi
else
	skip "dwz" "dwz is not installed"
fi

# the compressed symbol table of stripped files
if command -v xz >found; then
	nm full.so --format=posix --defined-only | awk '$1 == "hidden" { print $1 }' >keep
	objcopy -S --remove-section .gnu_debugdata --keep-symbols=keep full.so mini.debug
	xz -k mini.debug
	cp stripped.so mini.so && objcopy --add-section .gnu_debugdata=mini.debug.xz mini.so
	check_is "symbol table in .gnu_debugdata" "hidden :0" "$(ask ./mini.so)"
else
	skip "symbol table in .gnu_debugdata" "xz is not installed"
fi

# debug information in a file beside each object
mkdir split && (cd split && gcc -g -gsplit-dwarf -O1 -fPIC -shared -Wl,--build-id -o s.so ../lib.c)
inside_so=$inside
inside=$(nm split/s.so | awk '$3 == "hidden" { print $1 }')
check_is "split DWARF" "$want" "$(ask split/s.so)"
inside=$inside_so

# the cache notices what was installed since
mkdir later && cp link/x.so later/x.so
check_is "cached: nothing known yet" " :0" "$(ask -c ./later/x.so)"
check_is "cached: kept" 1 "$(find "$XDG_CACHE_HOME/mmprof" -name "$id.full" | wc -l)"
objcopy --only-keep-debug full.so later/x.debug
check_is "cached: debug information installed later" "$want" "$(ask -c ./later/x.so)"
rm later/x.debug
check_is "cached: known from now on" "$want" "$(ask -c ./later/x.so)"
check_is "not cached: gone with the file" " :0" "$(ask ./later/x.so)"
find "$XDG_CACHE_HOME/mmprof" -name "$id.full" -exec sh -c 'printf x >>"$1"' - {} \;
check_is "cached: a damaged file is ignored" " :0" "$(ask -c ./later/x.so)"

# a server, and silence towards it when nobody asked
asked_server()
{
	local port=$1
	DEBUGINFOD_URLS=http://127.0.0.1:$port DEBUGINFOD_CACHE_PATH=$tmp/client \
		DEBUGINFOD_TIMEOUT=10 ask "${@:2}"
}
if command -v debuginfod >found && command -v curl >found; then
	mkdir served && cp full.so served/
	port=$((20000 + $$ % 20000))
	debuginfod -d "$tmp/served.db" -p $port -F served >served.log 2>&1 &
	server=$!
	for _ in $(seq 50); do
		curl -s "http://127.0.0.1:$port/metrics" 2>&1 | grep -q 'thread_work_total.*traverse' && break
		sleep 0.2
	done
	sleep 1
	check_is "a server that is not asked for" " :0" "$(asked_server $port ./stripped.so)"
	check_is "a server" "$want" "$(asked_server $port -d ./stripped.so)"
	check_is "no server in the environment" " :0" "$(ask -d ./stripped.so)"
	kill $server
	wait $server
else
	skip "a server" "debuginfod or curl is not installed"
fi
done_testing
