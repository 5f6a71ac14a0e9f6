// victim: the same, linked with mimalloc.
// build: $CXX -O2 -fno-builtin -std=c++17 $src -o $out -Wl,--no-as-needed -l:libmimalloc.so.2
#define FAILURE_ABORTS
#include "cxx_new.cc"
