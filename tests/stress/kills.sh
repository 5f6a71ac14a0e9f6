# kills.sh: SIGKILL at random moments. Every event that a victim published before it was
# killed is in the trace (the victim keeps the score in a shared page), and the trace opens.
# KILLS (default 60) moments; the long run uses 500. SEED makes a run repeatable.
. "$(dirname "$0")/../e2e/tap.sh"

check 'killpage builds' "$CC" -O2 -pthread "$src/tests/stress/killpage.c" -o "$tmp/killpage"
check 'handover builds' "$CC" -O2 -pthread "$src/tests/stress/handover.c" -o "$tmp/handover"
python3 "$src/tests/stress/kills.py" "$mmprof" "$tmp" "${KILLS:-60}" "${SEED:-1}" >"$tmp/log" 2>&1
status=$?
sed 's/^/# /' "$tmp/log"
check_is 'every published event is in its trace' 0 "$status"
check 'all moments were tried' grep -q "^${KILLS:-60} victims killed" "$tmp/log"
check 'recorder killed: the program ends as without it' grep -q '^recorder killed: program ended well' "$tmp/log"
check 'both killed: the trace opens and lacks at most 100 ms' grep -q '^both killed: trace lacks' "$tmp/log"
done_testing
