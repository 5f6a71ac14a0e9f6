# Programs that know their own numbers, under the recorder, where it hurts.
mm_stress = \
	tests/stress/cxx_allocators.sh \
	tests/stress/forksteps.sh \
	tests/stress/kills.sh \
	tests/stress/order.sh
TESTS += $(mm_stress)
EXTRA_DIST += $(mm_stress) tests/stress/cxxnew.cc tests/stress/forksteps.c tests/stress/handover.c \
	tests/stress/killpage.c tests/stress/kills.py
$(mm_stress:.sh=.log): mmprof libmmprof.la
