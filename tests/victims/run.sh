# run.sh: every victim program, alone and recorded: standard output, standard error and
# exit status (128 + n for signal n) must be the same.
# (misuse_* and hard_* are those of tests/e2e/misuse.sh and run_hard.sh.)
#
# RECORD='command ...' replaces the recorder; %o in it is a file that may be written.
# VICTIMS='name ...' runs only those. A source says in its opening comment what it needs:
#   build:   how it is built; default $CC -O2 -pthread, with -ldl
#   lib:     a library source linked in front of everything else
#   plugin:  a library source to be opened at run time; its path is the argument
#   args:    arguments        input: text on standard input
#   expect:  its exit status, 0 if not said
#   preload: a library that the user preloads     through: sh  started by a shell
#   root:    yes = skipped for anyone else
. "$(dirname "$0")/../e2e/tap.sh"

dir=$tmp
here=$(cd "$top_srcdir/tests/victims" && pwd)
include=$(cd "$top_srcdir/include" && pwd)
CC=${CC:-gcc}
CXX=${CXX:-g++}
RECORD=${RECORD:-$build/mmprof record -q -o %o --}
limit=${VICTIM_SECONDS:-120}
export LC_ALL=C MALLOC_PERTURB_=
unset LD_PRELOAD

# said FILE KEY: the value of a "KEY: ..." line of the opening comment.
said()
{
	sed -n '/^#include/q; s/^[ /*]*'"$2"': *//p' "$1" | head -n 1 | sed 's/ *\*\/$//'
}

# build_victim NAME SOURCE: sets out and argument.
build_victim()
{
	local src=$2 how lib plugin
	out=$tmp/bin/$1
	mkdir -p "$tmp/bin" "$tmp/plugins"
	argument=$(said "$src" args)
	how=$(said "$src" build)
	lib=$(said "$src" lib)
	plugin=$(said "$src" plugin)
	[ -n "$how" ] || how='$CC -O2 -fno-builtin -D_GNU_SOURCE -pthread $src -o $out -ldl'
	if [ -n "$lib" ]; then
		$CC -O2 -fno-builtin -D_GNU_SOURCE -fPIC -shared "$here/$lib" -o "$tmp/$lib.so" -ldl || return
		how='$CC -O2 -fno-builtin -D_GNU_SOURCE -pthread $src -Wl,--no-as-needed $dir/$lib.so -Wl,-rpath,$dir -o $out -ldl'
	fi
	case $plugin in
	*.c) $CC -O2 -fno-builtin -D_GNU_SOURCE -fPIC -shared "$here/$plugin" -o "$tmp/plugins/libplugin.so" || return ;;
	*.cc) $CXX -O2 -fPIC -shared "$here/$plugin" -o "$tmp/plugins/libplugin.so" || return ;;
	esac
	[ -z "$plugin" ] || [ -n "$argument" ] || argument=$tmp/plugins/libplugin.so
	eval "$how"
}

# run_victim LABEL COMMAND...: output, errors and status to files.
run_victim()
{
	local label=$1
	shift
	rm -rf "$tmp/$label" && mkdir "$tmp/$label"
	(
		cd "$tmp/$label" || exit 99
		printf '%s\n' "$input" | timeout -k 5 "$limit" "$@" \
			>"$tmp/$label.out" 2>"$tmp/$label.err"
		echo "${PIPESTATUS[1]}" >"$tmp/$label.status"
	) 2>"$tmp/$label.shell"
}

differs()
{
	local part
	for part in status out err; do
		cmp -s "$tmp/bare.$part" "$tmp/recorded.$part" && continue
		echo "# $part: alone, then recorded"
		head -c 600 "$tmp/bare.$part" | sed 's/^/#   /'
		head -c 600 "$tmp/recorded.$part" | sed 's/^/# > /'
		return 0
	done
	return 1
}

same_recorded()
{
	local name=$1 src=$2 through=() env=() lib want
	[ "$(said "$src" through)" != sh ] || through=(sh -c '"$@"; exit $?' sh)
	lib=$(said "$src" preload)
	[ -z "$lib" ] || env=(env "LD_PRELOAD=$lib")
	input=$(said "$src" input)
	want=$(said "$src" expect)
	run_victim bare "${env[@]}" "${through[@]}" "$out" $argument
	if [ "$(cat "$tmp/bare.status")" != "${want:-0}" ]; then
		echo "alone it gives $(cat "$tmp/bare.status"), not ${want:-0}"
		cat "$tmp/bare.out" "$tmp/bare.err"
		return 1
	fi
	run_victim recorded "${env[@]}" ${RECORD//%o/$tmp/$name.trace} "${through[@]}" "$out" $argument
	! differs
}

# Who becomes another user can be recorded only if that user may read the preload.
all_may_read()
{
	setpriv --reuid=65534 --regid=65534 --clear-groups test -r "$1"
}

one()
{
	local src=$here/$1.c
	[ -f "$src" ] || src=$here/$1.cc
	if ! build_victim "$1" "$src" >"$tmp/build.log" 2>&1; then
		sed 's/^/# /' "$tmp/build.log" | head -n 5
		return 1
	fi
	same_recorded "$1" "$src"
	local r=$?
	rm -f "$tmp/$1.trace" "$out"
	return $r
}

for f in "$here"/*.c "$here"/*.cc; do
	name=$(basename "$f")
	name=${name%.*}
	case $name in lib_* | misuse_* | hard_*) continue ;; esac
	case " ${VICTIMS:-$name} " in *" $name "*) ;; *) continue ;; esac
	if [ "$(said "$f" root)" = yes ] && [ "$(id -u)" -ne 0 ]; then
		skip "$name" "needs root"
	elif [ "$(said "$f" root)" = yes ] && ! all_may_read "$build/.libs/libmmprof.so"; then
		skip "$name" "other users cannot read the preload where this was built"
	else
		check "$name" one "$name"
	fi
done
done_testing
