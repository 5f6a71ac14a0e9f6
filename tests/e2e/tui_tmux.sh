# tui_tmux.sh: mmtop on a real terminal: kinds of terminals, locales, colours, sizes, signals.
. "$(dirname "$0")/tap.sh"
if ! command -v tmux >/dev/null; then
	skip "mmtop on a terminal" "tmux is not installed"
	done_testing
	exit 0
fi
trace=$src/traces/mmdig.mmt
server=mmtest-$$-0
servers=0
export TMUX_TMPDIR=$tmp
trap 'tmux -L "$server" kill-server 2>/dev/null; rm -rf "$tmp"' EXIT

mux()
{
	tmux -L "$server" -f /dev/null "$@"
}

# fresh ARGUMENT...: a server of its own, since one that ends may take the next along.
fresh()
{
	mux kill-server 2>/dev/null
	server=mmtest-$$-$((++servers))
	mux -u new-session -d "$@"
}

# start COLS ROWS COMMAND: a terminal in which a shell runs it; what stty says before and
# after, and its status, stay in $tmp.
start()
{
	rm -f "$tmp"/{before,after,status}
	cat >"$tmp/run" <<S
stty -g >$tmp/before
$3
echo \$? >$tmp/status
stty -g >$tmp/after
echo SHELL-IS-BACK
exec sleep 1000
S
	fresh -x "$1" -y "$2" "bash $tmp/run"
}

screen()
{
	mux capture-pane -p "$@"
}

# until_shown TEXT: within ten seconds.
until_shown()
{
	local i
	for i in $(seq 100); do
		screen | grep -qF -- "$1" && return 0
		sleep 0.1
	done
	screen
	return 1
}

# What has scrolled away counts too.
in_history()
{
	mux capture-pane -p -S -100 | grep -qF -- "$1"
}

until_file()
{
	local i
	for i in $(seq 100); do
		[ -s "$1" ] && return 0
		sleep 0.1
	done
	screen
	return 1
}

left_as_it_was()
{
	until_file "$tmp/after" && cmp "$tmp/before" "$tmp/after"
}

quits()
{
	mux send-keys q
	left_as_it_was && [ "$(cat "$tmp/status")" = 0 ]
}

has_colours()
{
	screen -e | grep -q "$(printf '\033')\[3[0-7]m"
}

# --- terminals, locales, colours ---------------------------------------------------------
for term in xterm-256color xterm screen linux vt100 tmux; do
	for locale in C C.UTF-8; do
		if ! infocmp $term >/dev/null 2>&1; then
			skip "$term, $locale" "no such entry of terminfo"
			continue
		fi
		start 80 24 "TERM=$term LC_ALL=$locale $build/mmtop $trace"
		check "$term, $locale: shown" until_shown "[1 Overview]"
		[ $locale = C ] &&
			check_is "$term, $locale: ASCII" 0 "$(screen | LC_ALL=C grep -c '[^ -~]')"
		mux send-keys 5
		check "$term, $locale: a key" until_shown "[5 Leaks]"
		check "$term, $locale: quits" quits
	done
done
start 80 24 "LC_ALL=C.UTF-8 NO_COLOR=1 $build/mmtop $trace"
check "NO_COLOR: shown" until_shown "[1 Overview]"
check "NO_COLOR: no colour" fails has_colours
check "NO_COLOR: quits" quits
start 80 24 "LC_ALL=C.UTF-8 $build/mmtop $trace"
check "colours: shown" until_shown "[1 Overview]"
check "colours: there are some" has_colours
start 80 24 "LC_ALL=C.UTF-8 $build/mmtop --color=never $trace"
check "--color=never: shown" until_shown "[1 Overview]"
check "--color=never: no colour" fails has_colours
start 80 50 "TERM=dumb $build/mmtop $trace"
check "dumb: the shell is back" until_shown SHELL-IS-BACK
check "dumb: one screen as text" in_history "no terminal that can be drawn on"
start 80 50 "TERM=no-such-terminal $build/mmtop $trace"
check "unknown: the shell is back" until_shown SHELL-IS-BACK
check "unknown: one screen as text" in_history "no terminal that can be drawn on"

# Curses would take a cell for each: gigabytes.
start 80 24 "ulimit -v 400000; LINES=30000 COLUMNS=30000 LC_ALL=C.UTF-8 $build/mmtop $trace"
if ldd "$build/mmprof" "$build/.libs/mmprof" 2>/dev/null | grep -q asan; then
	skip "nonsense in LINES and COLUMNS" "a sanitizer has no limit"
else
	check "nonsense in LINES and COLUMNS: shown" until_shown "[1 Overview]"
	check "nonsense in LINES and COLUMNS: quits" quits
fi

# --- sizes ---------------------------------------------------------------------------------
start 100 30 "LC_ALL=C.UTF-8 $build/mmtop $trace"
check "wide: shown" until_shown "[1 Overview]"
for size in 200x60 40x12 20x5 19x4 3x1 1x1 80x24; do
	mux resize-window -x "${size%x*}" -y "${size#*x}"
done
check "after a storm of sizes" until_shown "[1 Overview]"
mux resize-window -x 40 -y 12
check "narrow: the screen's name stays" until_shown "mmtop  Overview"
mux resize-window -x 19 -y 4
check "tiny: one line" until_shown "q quit"
mux send-keys q
check "and q quits there too" left_as_it_was

# --- signals -------------------------------------------------------------------------------
# The mmtop in the pane; others may run elsewhere.
pid_of()
{
	local p
	p=$(mux list-panes -F '#{pane_pid}' | head -n 1)
	while [ -n "$p" ] && [ "$(cat "/proc/$p/comm")" != mmtop ]; do
		p=$(pgrep -P "$p" | head -n 1)
	done
	echo "$p"
}
for sig in TERM HUP INT; do
	start 80 24 "LC_ALL=C.UTF-8 $build/mmtop $trace"
	until_shown "[1 Overview]" >/dev/null
	kill -$sig "$(pid_of)"
	check "SIG$sig: the terminal is given back" left_as_it_was
	check "SIG$sig: the status tells it" grep -qx $((128 + $(kill -l $sig))) "$tmp/status"
	check_is "SIG$sig: no screen left" 0 "$(screen | grep -c Overview)"
done
start 80 24 "LC_ALL=C.UTF-8 $build/mmtop $trace"
until_shown "[1 Overview]" >/dev/null
kill -SEGV "$(pid_of)"
check "a crash: the terminal is given back" left_as_it_was

# Job control: a shell stops it and takes it back.
fresh -x 80 -y 24 "env PS1=READY: LC_ALL=C.UTF-8 bash --norc --noprofile -i"
until_shown READY: >/dev/null
mux send-keys "$build/mmtop $trace" Enter
check "job control: shown" until_shown "[1 Overview]"
mux send-keys C-z
check "job control: stopped" until_shown Stopped
mux send-keys "echo \$((40+2))" Enter
check "job control: the shell works" until_shown 42
mux send-keys fg Enter
check "job control: back" until_shown "[1 Overview]"
kill -TSTP "$(pid_of)"
check "stopped from outside" until_shown Stopped
mux send-keys fg Enter
check "and back" until_shown "[1 Overview]"
mux send-keys q
check "quits" until_shown READY:

# --- the mouse, and lines for readers of screens --------------------------------------------
start 100 30 "LC_ALL=C.UTF-8 $build/mmtop --plain $trace"
check "plain: shown" until_shown "q Quit"
check_is "plain: no bars, no boxes" 0 "$(screen | LC_ALL=C grep -c '[^ -~]\|\[#')"
mux send-keys 2
check "plain: another screen" until_shown "mesh_data"
mux send-keys j
check "plain: the row is said" until_shown "live "
mux send-keys '\' 'ä'
check "plain: what is typed need not be ASCII" until_shown "filter: ä"
mux send-keys Enter Escape
check "plain: quits" quits
for sig in TERM INT; do
	start 100 30 "LC_ALL=C.UTF-8 $build/mmtop --plain $trace"
	until_shown "q Quit" >/dev/null
	kill -$sig "$(pid_of --plain)"
	check "plain, SIG$sig: the terminal is given back" left_as_it_was
	check "plain, SIG$sig: the status tells it" grep -qx $((128 + $(kill -l $sig))) "$tmp/status"
done
start 100 30 "LC_ALL=C.UTF-8 $build/mmtop $trace"
until_shown "[1 Overview]" >/dev/null
check_is "no mouse mode unless asked for" 0 "$(mux display-message -p '#{mouse_any_flag}')"
start 100 30 "LC_ALL=C.UTF-8 $build/mmtop --mouse $trace"
until_shown "[1 Overview]" >/dev/null
check_is "--mouse" 1 "$(mux display-message -p '#{mouse_any_flag}')"
done_testing
