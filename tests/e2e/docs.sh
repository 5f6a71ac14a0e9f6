# docs.sh: manual pages are clean and complete, and what the README and they show runs.
. "$(dirname "$0")/tap.sh"

verbs=$("$mmprof" --help | sed -n 's/^  \([a-z]\{3,\}\) .*/\1/p' | grep -v mmprof)

long_options_of_help()
{
	"$mmprof" "$1" --help | grep -oE '^ +(-[A-Za-z], )?--[a-z-]+' | grep -oE '\-\-[a-z-]+' | sort -u
}

# The page of a verb; that of `top` has the name it is also called by.
page_of()
{
	ls "$src/man/mmprof-$1.1" "$src/man/mm$1.1" 2>/dev/null | head -n 1
}

long_options_of_page()
{
	grep -E '^\.It Fl' "$(page_of "$1")" | grep -oE 'Fl -[a-z][a-z-]*' |
		sed 's/Fl -/--/' | sort -u
}

clean_page()
{
	[ -z "$(mandoc -Tlint -Wwarning "$1")" ] || { mandoc -Tlint -Wwarning "$1"; return 1; }
}

help_works()
{
	"$mmprof" "$1" --help >"$tmp/help" 2>"$tmp/err" || return 1
	grep -q "^Usage: mmprof $1" "$tmp/help" && [ ! -s "$tmp/err" ]
}

version_is_gnu()
{
	"$mmprof" "$@" --version >"$tmp/version" || return 1
	head -n 1 "$tmp/version" | grep -qE '^mmprof \(mmprof\) [0-9]+\.[0-9]+\.[0-9]+$'
}

check "there are verbs" test -n "$verbs"
check "mmprof --version has the GNU form" version_is_gnu
for page in "$src"/man/*.[0-9]; do
	if command -v mandoc >/dev/null; then
		check "${page##*/} is clean" clean_page "$page"
	else
		skip "${page##*/} is clean" "no mandoc"
	fi
done
for verb in $verbs; do
	check "mmprof $verb --help" help_works "$verb"
	check "mmprof $verb --version" version_is_gnu "$verb"
	check "mmprof $verb has a page" test -s "$(page_of "$verb")"
	check_is "mmprof $verb: the page has the options of --help" \
		"$(long_options_of_help "$verb")" "$(long_options_of_page "$verb")"
done

# --- examples: ./app is a small program; everything runs in one folder -------------
cat >"$tmp/app.c" <<'C'
#include <stdlib.h>
#include <string.h>
int main(void)
{
	void *kept[100];
	for (int round = 0; round < 1000; round++)
		for (int i = 0; i < 100; i++) {
			if (round)
				free(kept[i]);
			kept[i] = malloc((size_t)(16 + i));
			if (!kept[i])
				return 1;
			memset(kept[i], round, 16);
		}
	return 0;
}
C
$CC -g -O1 -o "$tmp/app" "$tmp/app.c" || exit 99
PATH=$build:$PATH
cd "$tmp" || exit 99

examples_of_page()
{
	sed -n 's/^\.Dl \$ //p' "$1"
}

# Lines that begin with "$ " in blocks fenced by ```console.
examples_of_markdown()
{
	awk '/^```console/ { in_block = 1; next } /^```/ { in_block = 0 }
		in_block && /^\$ / { sub(/^\$ /, ""); print }' "$1"
}

run_example()
{
	timeout 120 bash -c "$1" </dev/null
}

try_examples()
{
	local line
	while IFS= read -r line; do
		case $line in
		*mmprof* | "echo "*" >"*) check "$1: $line" run_example "$line" ;;
		esac
	done
}

run_example "mmprof record ./app" >/dev/null 2>&1
for page in "$src"/man/*.[0-9]; do
	try_examples "${page##*/}" < <(examples_of_page "$page")
done
for page in README.md ARCHITECTURE.md; do
	[ -e "$src/$page" ] || continue
	try_examples "$page" < <(examples_of_markdown "$src/$page")
done
done_testing
