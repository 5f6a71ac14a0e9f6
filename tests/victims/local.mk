# Tests: victims, programs that must not notice that they are recorded.
TESTS += tests/victims/run.sh
EXTRA_DIST += tests/victims/run.sh \
	tests/victims/abort_now.c \
	tests/victims/aligned.c \
	tests/victims/atexit_frees.c \
	tests/victims/bumpalloc.h \
	tests/victims/chrooted.c \
	tests/victims/clock_step.c \
	tests/victims/clone_vm.c \
	tests/victims/closed_fds.c \
	tests/victims/coroutines.c \
	tests/victims/crash.c \
	tests/victims/ctor_before.c \
	tests/victims/cxx_linked_jemalloc.cc \
	tests/victims/cxx_linked_mimalloc.cc \
	tests/victims/cxx_linked_tcmalloc.cc \
	tests/victims/cxx_new.cc \
	tests/victims/cxx_plugin.c \
	tests/victims/cxx_preload_jemalloc.cc \
	tests/victims/cxx_preload_mimalloc.cc \
	tests/victims/cxx_preload_tcmalloc.cc \
	tests/victims/daemon.c \
	tests/victims/detached_exit.c \
	tests/victims/dlclose_module.c \
	tests/victims/double_free.c \
	tests/victims/early_calloc.c \
	tests/victims/errno_keeper.c \
	tests/victims/exec_chain.c \
	tests/victims/exec_thread.c \
	tests/victims/exit_handler.c \
	tests/victims/fork_handler.c \
	tests/victims/fork_threads.c \
	tests/victims/huge.c \
	tests/victims/lib_bump.c \
	tests/victims/lib_ctor.c \
	tests/victims/lib_cxxplugin.cc \
	tests/victims/lib_early.c \
	tests/victims/lib_nested.c \
	tests/victims/lib_plugin.c \
	tests/victims/lib_stuck.c \
	tests/victims/locked.c \
	tests/victims/longjmp_storm.c \
	tests/victims/main_exits.c \
	tests/victims/mappings.c \
	tests/victims/musl_child.c \
	tests/victims/musl_dynamic.c \
	tests/victims/nested_calls.c \
	tests/victims/nofile_zero.c \
	tests/victims/note_body.h \
	tests/victims/note_clang.c \
	tests/victims/note_cxx.cc \
	tests/victims/note_nopie.c \
	tests/victims/note_pie.c \
	tests/victims/note_static.c \
	tests/victims/own_malloc.c \
	tests/victims/popen_system.c \
	tests/victims/ptrace_self.c \
	tests/victims/raw_clone.c \
	tests/victims/realloc_zero.c \
	tests/victims/rlimit_as.c \
	tests/victims/rpath_open.c \
	tests/victims/seccomp_kill.c \
	tests/victims/secure.c \
	tests/victims/setuid_drop.c \
	tests/victims/sigchld.c \
	tests/victims/sigmask.c \
	tests/victims/signal_altstack.c \
	tests/victims/signal_storm.c \
	tests/victims/sigpipe.c \
	tests/victims/small_altstack.c \
	tests/victims/spawn.c \
	tests/victims/static_child.c \
	tests/victims/stdio_pass.c \
	tests/victims/stuck_realloc.c \
	tests/victims/thread_cancel.c \
	tests/victims/threads_10000.c \
	tests/victims/threads_short.c \
	tests/victims/tsd_rounds.c \
	tests/victims/unset_env.c \
	tests/victims/unshared.c \
	tests/victims/user_stacks.c \
	tests/victims/vfork_exec.c
tests/victims/run.log: mmprof libmmprof.la

# What a hook costs: make hook_bench && ./hook_bench
EXTRA_PROGRAMS += hook_bench
hook_bench_SOURCES = bench/hook_bench.c
hook_bench_CFLAGS = $(MM_CFLAGS) -O2 -fno-builtin
hook_bench_LDFLAGS =
hook_bench_LDADD = libmm_core.la -lpthread
