/* arch.h: picks the one file that knows this architecture. */
#ifndef MM_CORE_ARCH_H
#define MM_CORE_ARCH_H

#if defined(__x86_64__)
#include "core/arch_x86_64.h"
#else
#error "mmprof supports x86-64; add core/arch_<name>.h for another architecture"
#endif

#endif
