# report_cat.sh: what report says of a trace is what counting its events by hand gives.
: "${top_srcdir:=$(cd "$(dirname "$0")/../.." && pwd)}"
: "${top_builddir:=$PWD}"
exec python3 "$top_srcdir/tests/e2e/report_cat.py" "$top_builddir/mmprof" "$top_srcdir/traces/v1.mmt"
