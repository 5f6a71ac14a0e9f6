// victim: the same, jemalloc preloaded by the user.
// build: $CXX -O2 -fno-builtin -std=c++17 $src -o $out
// preload: libjemalloc.so.2
#include "cxx_new.cc"
