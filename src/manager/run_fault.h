/* run_fault.h: faults in guard pages of a live program are named before they are what they are.
 *
 * Promise: a program's own handler of SIGSEGV that it sets by sigaction or signal is called as
 * if we were not there, after us; without one the program ends by the fault. (One who makes
 * the system call itself puts his handler in our place.)
 * Exports sigaction and signal. Never: a call that allocates.
 */
#ifndef MM_MANAGER_RUN_FAULT_H
#define MM_MANAGER_RUN_FAULT_H

/* From now on. */
void mm_run_watch_faults(void);

#endif
