/* sink.c: nobody listens (sink.h). */
#include "core/sink.h"

const struct mm_sink *mm_sink;
