/* victim: a program with notes, built static.
 * build: $CC -O2 -fno-builtin -I$include -static $src -o $out
 * through: sh
 */
#include "note_body.h"

int main(void)
{
	return note_body("note_static");
}
