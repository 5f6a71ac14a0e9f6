# Manual pages, in mdoc; tests/e2e/docs.sh runs their examples.
dist_man_MANS += \
	man/mmprof.1 man/mmprof-record.1 man/mmprof-report.1 man/mmprof-cat.1 \
	man/mmprof-symbolize.1 man/mmprof-import.1 man/mmprof-doctor.1 man/mmprof-replay.1 man/mmprof-run.1 \
	man/mmprof-trace.5 man/mm.3 man/mmtop.1
