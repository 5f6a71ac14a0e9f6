/* capturevictims.h: programs for test_capture to record: the test program runs
 * itself as one of them. Each knows its own numbers. */
#ifndef MM_TESTS_CAPTUREVICTIMS_H
#define MM_TESTS_CAPTUREVICTIMS_H

enum {
	CV_SIZE = 40011,      /* of the objects that count: nobody else's */
	CV_FAMILY = 100,      /* rounds of `family` */
	CV_CHURN = 1000000,   /* objects of `churn` */
	CV_HAND_THREADS = 8,
	CV_HAND_EACH = 50000, /* objects that each thread of `handover` makes */
	CV_IDLE_THREADS = 20,
	CV_IDLE_ROUNDS = 30,  /* an object each in every thread */
	CV_STORM = 300000,    /* notes of main in `storm` */
	CV_SHIFT = 24,        /* of CV_SIZE above the numbers of `jumping` */
	CV_FORKS = 5,
	CV_FORK_OBJECTS = 300 /* of each child */
};

/* Runs victim argv[2] if argv[1] is "--victim": its exit status, else -1. */
int capture_victim(int argc, char **argv);

#endif
