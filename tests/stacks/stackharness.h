/* stackharness.h: a hook that knows three opinions about where it was called from:
 * the code under test, libunwind, and, in programs built with
 * -finstrument-functions, a shadow stack that the program keeps itself. */
#ifndef STACKHARNESS_H
#define STACKHARNESS_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Takes one sample and compares. Any thread after harness_thread(); signal-safe. */
void stack_hook(void);

/* Maps and binds; keeps `depth` frames. */
void harness_begin(uint32_t depth);
void harness_thread(void);

/* What follows is counted under this name; name is kept. */
void harness_situation(const char *name);

/* From now on stacks end early for want of unwind tables: what there is must agree. */
void harness_expect_cut(int cut);

/* The shadow stack is not kept right from now on. */
void harness_no_shadow(int on);

/* libunwind's quick trace remembers frames of libraries that are gone, whatever it is told
 * to forget, and follows them off the stack: it is not asked. */
void harness_step_only(int on);

/* After a dlclose. */
void harness_unloaded(void);

/* After a jump out of a handler that may have left the hook. */
void harness_left_hook(void);

/* The modules a sample's innermost frame was found in. */
uint32_t harness_last_module(void);
uint32_t harness_last_count(void);

/* The shadow stack of the calling thread: its height, to set back after a jump;
 * and another stack to keep it on, for a coroutine (NULL: the thread's own). */
struct shadow;
uint32_t shadow_height(void);
void shadow_set_height(uint32_t height);
struct shadow *shadow_new(void);
struct shadow *shadow_use(struct shadow *s);

/* Prints one line a situation and the sums, as TAP; 0 when all is well. */
int harness_end(void);

#ifdef __cplusplus
}
#endif
#endif
