/* victim: a program with notes, built nopie.
 * build: $CC -O2 -fno-builtin -I$include -fno-pie -no-pie $src -o $out -ldl
 */
#include "note_body.h"

int main(void)
{
	return note_body("note_nopie");
}
