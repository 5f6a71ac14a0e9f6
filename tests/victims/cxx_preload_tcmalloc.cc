// victim: the same, tcmalloc preloaded by the user.
// build: $CXX -O2 -fno-builtin -std=c++17 $src -o $out
// preload: libtcmalloc_minimal.so.4
#include "cxx_new.cc"
