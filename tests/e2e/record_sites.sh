# record_sites.sh: who is named as the caller, and what a program notes by itself.
. "$(dirname "$0")/tap.sh"
cd "$tmp" || exit 99

cat >array.c <<'C'
#define _GNU_SOURCE
#include <stdlib.h>
void *volatile kept;
__attribute__((noinline)) void grow_it(void)
{
	kept = reallocarray(NULL, 10, 1001);
	kept = reallocarray(kept, 20, 1001);
	free(kept);
}
int main(void)
{
	grow_it();
	return 0;
}
C
$CC -O1 -fno-builtin -rdynamic -o array array.c || exit 99
check "reallocarray" "$mmprof" record -q -o t -- ./array
check_is "its site is the caller's" 2 "$("$mmprof" cat t | grep -E 'size=(10010|20020)' |
	grep -E 'malloc|realloc-in' | grep -cE 'site=[0-9]+ "?grow_it')"
check "no frame is ours" fails sh -c "'$mmprof' report --json -n 0 t | grep -q hooks.c"

cat >notes.c <<'C'
#include "mm_note.h"
static char arena[64 * 1024];
int main(void)
{
	for (int i = 0; i < 100; i++)
		mm_note_alloc(arena + i * 64, 64);
	for (int i = 0; i < 100; i++)
		mm_note_free(arena + i * 64);
	return 0;
}
C
$CC -O1 -I"$src/include" -o notes notes.c || exit 99
for options in "" --free-stacks; do
	check "notes $options" "$mmprof" record -q $options -o t -- ./notes
	"$mmprof" cat t >events
	check_is "each note has its end $options" "100 100" \
		"$(grep -c ' note-alloc ' events) $(grep -c ' note-free ' events)"
	check_is "nothing of it is left $options" 0 "$("$mmprof" report --json -n 0 t | python3 -c '
import json, sys
print(json.load(sys.stdin)["totals"]["live_end_count"])')"
done
check "the end of a note has its own stack with --free-stacks" \
	grep -qE ' note-free .* freed-at=[0-9]+ ' events

cat >mark.c <<'C'
#include "mm_note.h"
int main(void)
{
	mm_mark("a\"b\\c\x1b[1m\xff\xc3\xa4\xe2\x80\xae\xc3");
	return 0;
}
C
$CC -O1 -I"$src/include" -o mark mark.c || exit 99
check "a mark of strange bytes" "$mmprof" record -q -o t -- ./mark
check_is "cat shows only what is fit for a terminal" '"a\"b\\c\x1b[1m\xffä\u{202e}\xc3"' \
	"$("$mmprof" cat t | sed -n 's/.* mark //p')"

# A block that no hook saw: its end is not the parent's doing where there is none.
cat >unseen.c <<'C'
#include <stdlib.h>
extern void *__libc_malloc(size_t);
int main(void)
{
	free(__libc_malloc(10));
	return 0;
}
C
$CC -O1 -fno-builtin -o unseen unseen.c || exit 99
check "a free of what was not seen" "$mmprof" record -q -o t -- ./unseen
check "is said to be unknown" sh -c \
	"'$mmprof' report t | grep -qE '^ +unknown +1 free of what was never seen'"
done_testing
