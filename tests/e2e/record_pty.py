"""What is typed at a terminal reaches the recorded program as it would without us.

Usage: record_pty.py MMPROF. Each case runs in a pseudo-terminal of its own, in the
current folder; says what differed and ends with 1 if anything did.
"""
import os
import pty
import select
import signal
import sys
import time

MMPROF = sys.argv[1]
bad = 0


class Terminal:
    def __init__(self, argv):
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            os.execvp(argv[0], argv)
        self.text = b""

    def read(self, until, seconds=20):
        """Everything up to and with `until`; None = end of file."""
        end = time.monotonic() + seconds
        while until is None or until not in self.text:
            if not select.select([self.fd], [], [], max(0, end - time.monotonic()))[0]:
                raise TimeoutError(f"no {until!r} in {self.text!r}")
            try:
                data = os.read(self.fd, 4096)
            except OSError:
                data = b""
            if not data:
                break
            self.text += data
        text, self.text = self.text, b""
        return text

    def type(self, text):
        os.write(self.fd, text)

    def status(self):
        return os.waitpid(self.pid, 0)[1]


def expect(what, got, want):
    global bad
    if got != want:
        print(f"{what}: got {got!r}, wanted {want!r}")
        bad = 1


def record(*argv, quiet=True):
    return Terminal([MMPROF, "record", *(["-q"] if quiet else []), "-o", "pty.trace", "--",
                     *argv])


TRAP = 'trap "echo caught; exit 3" INT QUIT; echo ready; while :; do sleep 0.05; done'

for name, key in (("INT", b"\x03"), ("QUIT", b"\x1c")):
    t = record("sh", "-c", TRAP)
    t.read(b"ready")
    t.type(key)
    text = t.read(None)
    expect(f"{name} handled by the program", text.count(b"caught"), 1)
    expect(f"{name}: status", os.waitstatus_to_exitcode(t.status()), 3)

t = record("sh", "-c", "echo ready; exec sleep 30")
t.read(b"ready")
time.sleep(0.2)
t.type(b"\x03")
t.read(None)
expect("INT ends a program", os.waitstatus_to_exitcode(t.status()), 128 + signal.SIGINT)

# A job: the shell sees it stop and goes on with it.
t = Terminal(["bash", "--norc", "--noprofile", "-i"])
t.type(b"PS1='> '; echo be''gin\n")
t.read(b"begin\r\n")
t.type(f"{MMPROF} record -q -o pty.trace -- sh -c 'echo ready; sleep 1; echo done; exit 5'\n"
       .encode())
t.read(b"ready\r\n")
time.sleep(0.4)  # a vfork that is stopped halfway holds up any shell
t.type(b"\x1a")
t.read(b"Stopped")
t.type(b"echo in the she''ll\n")
t.read(b"in the shell")
t.type(b"fg\n")
t.read(b"done")
t.type(b"echo status=$?\n")
text = t.read(b"status=5", 20)
t.type(b"exit 0\n")
t.read(None)
t.status()

# Nobody is left when the terminal goes.
t = record("sh", "-c", "echo $$; sleep 30; sleep 30")
child = int(t.read(b"\r\n").split()[0])
os.close(t.fd)
code = os.waitstatus_to_exitcode(t.status())
expect("hangup: status", code, 128 + signal.SIGHUP)
try:
    os.kill(child, 0)
    expect("hangup: the program", "alive", "gone")
except ProcessLookupError:
    pass

# One line that is rewritten, then the summary.
t = record("sh", "-c", "sleep 1.3", quiet=False)
text = t.read(None)
expect("status line", b"\r\x1b[K[mmprof] " in text and b" live " in text, True)
expect("summary", b"events, 0 lost" in text and b"Next: mmprof report pty.trace" in text, True)
t.status()
t = record("sh", "-c", "sleep 0.8")
expect("-q says nothing", t.read(None), b"")
t.status()

sys.exit(bad)
