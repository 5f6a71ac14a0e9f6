// victim: the same, linked with tcmalloc.
// build: $CXX -O2 -fno-builtin -std=c++17 $src -o $out -Wl,--no-as-needed -l:libtcmalloc_minimal.so.4
#include "cxx_new.cc"
