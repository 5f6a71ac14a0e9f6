# tap.sh: sourced by the test scripts: each check is one TAP line.
#
#   check NAME COMMAND...     passes when the command does; its output is shown if not
#   check_is NAME WANT GOT    passes when the two texts are equal
#   skip NAME WHY
#   done_testing              prints the plan; the script's last line
#
# $tmp is a fresh folder, gone at the end; $mmprof the tool under test; $src the source.
set -u
: "${top_srcdir:=$(cd "$(dirname "$0")/../.." && pwd)}"
: "${top_builddir:=$PWD}"
: "${CC:=gcc}"
src=$(cd "$top_srcdir" && pwd)
build=$(cd "$top_builddir" && pwd)
mmprof=$build/mmprof
export LC_ALL=C.UTF-8
tap_count=0
tmp=$(mktemp -d "${TMPDIR:-/tmp}/mmprof-test-XXXXXX") || exit 99
trap 'rm -rf "$tmp"' EXIT
export XDG_CACHE_HOME=$tmp/.cache

tap_result()
{
	tap_count=$((tap_count + 1))
	printf '%s %d - %s\n' "$1" "$tap_count" "$2"
}

check()
{
	local name=$1 output
	shift
	if output=$("$@" 2>&1); then
		tap_result ok "$name"
		return 0
	fi
	tap_result 'not ok' "$name"
	printf '%s\n' "$output" | head -n 40 | sed 's/^/# /'
	return 1
}

check_is()
{
	if [ "$2" = "$3" ]; then
		tap_result ok "$1"
		return 0
	fi
	tap_result 'not ok' "$1"
	printf 'wanted: %s\ngot:    %s\n' "$2" "$3" | sed 's/^/# /'
	return 1
}

skip()
{
	tap_count=$((tap_count + 1))
	printf 'ok %d - %s # SKIP %s\n' "$tap_count" "$1" "$2"
}

# Negation for check: check NAME fails COMMAND...
fails()
{
	! "$@"
}

done_testing()
{
	printf '1..%d\n' "$tap_count"
}
