/* victim: a program with notes, built pie.
 * build: $CC -O2 -fno-builtin -I$include -fPIE -pie $src -o $out -ldl
 */
#include "note_body.h"

int main(void)
{
	return note_body("note_pie");
}
