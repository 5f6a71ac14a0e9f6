# floors.sh: a folder includes only folders on lower floors; what is loaded into other
# programs includes nothing but core; views see only the report.
. "$(dirname "$0")/tap.sh"

floor_of()
{
	case $1 in
	core) echo 0 ;; base) echo 1 ;; trace) echo 2 ;;
	capture | collect | alloc | symbol) echo 3 ;;
	manager | model) echo 4 ;; replay | gpu) echo 5 ;;
	view | tui) echo 6 ;; cli) echo 7 ;;
	*) echo unknown ;;
	esac
}

# may FROM TO HEADER: whether a file of FROM may include HEADER of TO.
may()
{
	[ "$1" = "$2" ] && return 0
	local from to
	from=$(floor_of "$1") to=$(floor_of "$2")
	[ "$from" != unknown ] && [ "$to" != unknown ] && [ "$to" -lt "$from" ] || return 1
	case $1 in
	capture) [ "$2" = core ] ;;
	alloc) [ "$2" = core ] || [ "$2" = base ] ;;
	view | tui) [ "$2" = core ] || [ "$2" = base ] || [ "$3" = model/report.h ] ||
		[ "$3" = model/outcome.h ] ;;
	esac
}

# arrows ROOT FOLDER: every include of FOLDER that points upward or sideways.
arrows()
{
	local bad=0 file header
	while IFS=: read -r file header; do
		may "$2" "${header%%/*}" "$header" && continue
		echo "$file includes $header"
		bad=1
	done < <(cd "$1" && grep -HoE '^[[:space:]]*#[[:space:]]*include[[:space:]]*"[a-z]+/[^"]+"' \
		"$2"/*.[ch] 2>/dev/null | sed -E 's/:.*"([^"]+)"/:\1/')
	return $bad
}

# Local includes must be written with their folder, or the check above is blind.
bare_includes()
{
	! grep -nE '^[[:space:]]*#[[:space:]]*include[[:space:]]*"[^/"]+"' "$src"/src/*/*.[ch] |
		grep -v -E '"(config|mm(_[a-z]+)?)\.h"'
}

for dir in "$src"/src/*/; do
	folder=$(basename "$dir")
	check "$folder includes only lower floors" arrows "$src/src" "$folder"
done
check "local includes name their folder" bare_includes

# An example is a program of a user: it sees its own headers and the public ones.
examples_see_only_include()
{
	local bad=0 file header
	while IFS=: read -r file header; do
		[ -e "$1/examples/$(dirname "$file")/$header" ] && continue
		[ -e "$src/include/$header" ] && continue
		echo "$file includes $header"
		bad=1
	done < <(cd "$1/examples" && grep -HoE '^[[:space:]]*#[[:space:]]*include[[:space:]]*"[^"]+"' \
		*/*.[ch] | sed -E 's/:.*"([^"]+)"/:\1/')
	return $bad
}
check "examples see only public headers" examples_see_only_include "$src"

mkdir -p "$tmp/examples/nosy"
echo '#include "alloc/heap.h"' >"$tmp/examples/nosy/inside.c"
check "an example that looks inside is seen" fails examples_see_only_include "$tmp"
mkdir -p "$tmp/base" "$tmp/capture" "$tmp/view"
echo '#include "trace/event.h"' >"$tmp/base/up.c"
echo '#include "base/buf.h"' >"$tmp/capture/libc_only.c"
echo '#include "trace/reader.h"' >"$tmp/view/nosy.c"
check "an upward arrow is seen" fails arrows "$tmp" base
check "an include of base in the preload is seen" fails arrows "$tmp" capture
check "a view that reads traces is seen" fails arrows "$tmp" view
done_testing
