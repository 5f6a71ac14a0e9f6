# completion.sh: bash completes verbs, options and files.
. "$(dirname "$0")/tap.sh"
. "$src/share/bash-completion/mmprof"
cd "$tmp" || exit 99
touch a.trace

# completes WORD...: the completions of the last word, in one line.
completes()
{
	COMP_WORDS=("$mmprof" "$@")
	COMP_CWORD=$#
	COMPREPLY=()
	_mmprof
	echo "${COMPREPLY[*]}"
}

check_is "a verb" doctor "$(completes doc)"
check_is "an option of mmprof" --version "$(completes --vers)"
check_is "an option of a verb" --json "$(completes doctor --js)"
check_is "an option of mmtop" --once "$(mmprof=$build/mmtop; completes --onc)"
check_is "a file for mmtop" a.trace "$(mmprof=$build/mmtop; completes a.)"
check_is "a file" a.trace "$(completes report a.)"
check_is "nothing that does not exist" "" "$(completes zzz)"
check "all verbs of --help" test "$(completes '' | wc -w)" -ge 8
done_testing
