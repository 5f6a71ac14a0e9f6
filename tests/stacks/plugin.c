/* plugin.c: a library that is loaded and unloaded; built with several FRAMEs, which
 * changes every row but no address. */
#ifndef FRAME
#define FRAME 64
#endif

#define NOINLINE __attribute__((noinline))

int plugin_call(void (*hook)(void), int n);

NOINLINE static int second(void (*hook)(void), int n)
{
	volatile char room[FRAME];
	room[FRAME - 1] = (char)n;
	hook();
	return room[FRAME - 1];
}

NOINLINE int plugin_call(void (*hook)(void), int n)
{
	volatile char room[FRAME * 2];
	room[FRAME] = (char)n;
	int r = n > 0 ? plugin_call(hook, n - 1) : second(hook, n);
	return r + room[FRAME];
}
