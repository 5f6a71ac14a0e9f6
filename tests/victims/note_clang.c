/* victim: a program with notes, built clang.
 * build: clang -O2 -fno-builtin -I$include $src -o $out -ldl
 */
#include "note_body.h"

int main(void)
{
	return note_body("note_clang");
}
