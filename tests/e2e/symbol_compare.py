#!/usr/bin/env python3
"""Compares frames of sampled addresses with those of addr2line and llvm-addr2line.

    symbol_compare.py SYMPROBE FILE COUNT

Addresses are drawn from functions of the symbol table with a fixed seed. An address
agrees with a tool when the number of frames, every file and every line are the same, and
every function's own name is (scopes, parameters and template arguments are printed
differently by each). Where GNU addr2line names the innermost of several frames by the
ELF symbol around it, which it does when the inlined function has no linkage name, that
one name is not compared. The two tools differ from each other on some kinds of debug
information: an address must agree with one of them. Prints how many agree with each and
with any; exit 1 when less than 99.9 % agree with any.
"""
import random
import re
import shutil
import subprocess
import sys

SYMPROBE, FILE, COUNT = sys.argv[1], sys.argv[2], int(sys.argv[3])


def run(command, text):
    return subprocess.run(command, input=text, capture_output=True, text=True,
                          check=True).stdout.splitlines()


def sample():
    spans = set()
    for line in run(["readelf", "-sW", FILE], ""):
        m = re.match(r" +\d+: (\w+) +(\w+) FUNC .* (\d+) \S+", line)
        if m and int(m[2], 0):
            spans.add((int(m[1], 16), int(m[2], 0)))
    total = sum(size for _, size in spans)
    random.seed(20)
    wanted = set()
    for low, size in sorted(spans):
        for _ in range(COUNT * size // total + 1):
            wanted.add(low + random.randrange(size))
    return sorted(wanted)


def ours(addresses, *options):
    frames, found = None, {}
    for line in run([SYMPROBE, *options, FILE], addresses):
        if re.fullmatch("0x[0-9a-f]+", line):
            frames = found.setdefault(int(line, 16), [])
        else:
            function, _, place = line.rpartition("\t")
            frames.append((function, place.replace(" (inlined)", "")))
    return found


def theirs(tool, addresses):
    lines = run([tool, "-a", "-i", "-f", "-e", FILE], addresses)
    frames, found, i = None, {}, 0
    while i < len(lines):
        if re.fullmatch("0x[0-9a-f]+", lines[i]):
            frames = found.setdefault(int(lines[i], 16), [])
            i += 1
        else:
            frames.append((lines[i], lines[i + 1]))
            i += 2
    names = sorted({f for fs in found.values() for f, _ in fs})
    plain = dict(zip(names, run([SYMPROBE, "-D"], "".join(n + "\n" for n in names))))
    return {a: [(plain[f], p) for f, p in fs] for a, fs in found.items()}


def place(text):
    text = re.sub(r" \(discriminator \d+\)$", "", text)
    path, _, line = text.rpartition(":")
    if line in ("?", "0"):
        return "", "0"
    parts = []
    for part in path.split("/"):
        if part == ".." and parts[-1:] not in ([], [".."]):
            parts.pop()
        elif part != ".":
            parts.append(part)
    return "/".join(parts), line


def own_name(name):
    """The last component of a name, without parameters and template arguments."""
    name = re.sub(r"(\.(cold|part|isra|constprop|lto_priv|llvm)(\.\d+)?)+$", "", name)
    name = "" if name == "??" else re.sub(r"( const| volatile| &&?| \[clone [^]]*\])+$", "", name)
    for text, mark in (("operator()", "operator@"), ("operator->", "operator-}"),
                       ("operator<<", "operator{{"), ("operator>>", "operator}}"),
                       ("operator<", "operator{"), ("operator>", "operator}")):
        name = name.replace(text, mark)
    while name and name[-1] in ")>":
        depth = 0
        for i in range(len(name) - 1, -1, -1):
            depth += (name[i] in ")>") - (name[i] in "(<")
            if not depth:
                break
        if i == 0:
            break
        name = name[:i]
    depth = 0
    for i in range(len(name) - 1, 0, -1):
        depth += (name[i] in ")>]}") - (name[i] in "(<[{")
        if depth <= 0 and name[i - 1:i + 1] == "::":
            return name[i + 1:].strip()
    return name.strip()


def comparable(frames):
    return [(own_name(f), place(p)) for f, p in frames]


def agrees(x, y, symbol):
    if len(x) == len(y) > 1 and x[0][0] != y[0][0] == symbol:
        y = [(x[0][0], y[0][1])] + y[1:]
    return x == y


def main():
    wanted = sample()
    text = "".join("0x%x\n" % a for a in wanted)
    tools = [t for t in ("addr2line", "llvm-addr2line") if shutil.which(t)]
    a, symbols = ours(text), ours(text, "-n")
    b = {tool: theirs(tool, text) for tool in tools}
    same, counts, shown = 0, dict.fromkeys(tools, 0), 0
    for address in wanted:
        x, symbol = comparable(a[address]), own_name(symbols[address][0][0])
        good = [t for t in tools if agrees(x, comparable(b[t][address]), symbol)]
        for tool in good:
            counts[tool] += 1
        same += bool(good)
        if not good and shown < 5:
            shown += 1
            print(hex(address), "\n  ours", x)
            for tool in tools:
                print(" ", tool, comparable(b[tool][address]))
    print("same %d of %d;" % (same, len(wanted)),
          ", ".join("%s %d" % item for item in counts.items()))
    sys.exit(same < 0.999 * len(wanted))


main()
