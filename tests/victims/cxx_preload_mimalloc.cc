// victim: the same, mimalloc preloaded by the user.
// build: $CXX -O2 -fno-builtin -std=c++17 $src -o $out
// preload: libmimalloc.so.2
#define FAILURE_ABORTS
#include "cxx_new.cc"
