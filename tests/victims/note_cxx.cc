// victim: a C++ program with notes.
// build: $CXX -O2 -fno-builtin -Wall -Wextra -I$include $src -o $out -ldl
#include "note_body.h"

int main()
{
	return note_body("note_cxx");
}
