// victim: the same, linked with jemalloc.
// build: $CXX -O2 -fno-builtin -std=c++17 $src -o $out -Wl,--no-as-needed -l:libjemalloc.so.2
#include "cxx_new.cc"
