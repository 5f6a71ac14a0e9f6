"""A saved screen of mmtop, read as a person reads it, and checked off.

A Screen knows which of its cells were compared with a report: at the end no figure may be left
that nobody has read (Screen.leftovers). Figures are compared as text: `show` says how a figure
reads, by the rules of the manual page mmtop(1): three digits and a unit, or all of them, and `-`
for what is not known.
"""
import re

BLOCKS = " ▁▂▃▄▅▆▇█"
SIZES = ("B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB")


def three_digits(n, unit, name):
    """n / unit by three digits, halves up."""
    for digits in (2, 1, 0):
        scale = 10 ** digits
        scaled = n // unit * scale + (n % unit * scale * 2 + unit) // (2 * unit)
        if scaled < 1000:
            break
    return "%d%s %s" % (scaled // scale, ".%0*d" % (digits, scaled % scale) if digits else "", name)


def size(n):
    if n is None:
        return "-"
    step = 0
    while step + 1 < len(SIZES) and n >> 10 * step >= 1024:
        step += 1
    return "%d B" % n if not step else three_digits(n, 1 << 10 * step, SIZES[step])


def time(n):
    if n >= 60 * 10 ** 9:
        tenths = n // 10 ** 8
        hours, minutes = divmod(tenths // 600, 60)
        rest = "%02d.%d" % (tenths % 600 // 10, tenths % 10)
        return "%d:%02d:%s" % (hours, minutes, rest) if hours else "%d:%s" % (minutes, rest)
    for unit, name in ((10 ** 9, "s"), (10 ** 6, "ms"), (1000, "us")):
        if n >= unit:
            return three_digits(n, unit, name)
    return "%d ns" % n


def percent(ppm):
    if 0 < ppm < 1000:
        return "<0.1%"
    tenths = ppm // 1000 + (ppm % 1000 >= 500)
    return "%d.%d%%" % (tenths // 10, tenths % 10)


def show(kind, n, exact):
    """How the figure reads; None = not known."""
    if n is None:
        return "-"
    if kind == "text":
        return n
    if kind in ("delta", "rate"):
        if not n:
            return "0"
        return "%s%s%s" % ("-" if n < 0 else "+", show("size", abs(n), exact), "/s" if kind == "rate" else "")
    if kind == "size" and not exact:
        return size(n)
    return {"size": "{:,}".format, "count": "{:,}".format, "id": str, "time": time, "ppm": percent}[kind](n)


def ppm(part, whole):
    return None if part is None or not whole else part * 1000000 // whole


def shortened(text, shown, room):
    """Is `shown` all of the text, or what is left of it where only `room` columns are?"""
    if len(text) <= room:
        return shown == text
    head, dots, tail = shown.partition("...")
    return bool(dots) and text.startswith(head) and text.endswith(tail) or room < 8 and text[:room].rstrip() == shown


class Screen:
    def __init__(self, lines, report, exact=False, loose=False):
        self.lines = lines
        self.rows, self.cols = len(lines), len(lines[0])
        self.report = report
        self.exact, self.loose = exact, loose
        self.seen = [bytearray(self.cols) for _ in lines]
        self.bad = []
        self.count = 0    # figures compared
        self.unknown = 0  # of them, those that the report has and the screen has not

    # --- places -----------------------------------------------------------------------------

    def mark(self, row, left=0, right=None):
        for col in range(left, self.cols if right is None else right):
            self.seen[row][col] = 1

    def find(self, text, top=0, bottom=None):
        """(row, column) of the first line that holds it, or None with a complaint."""
        for row in range(top, self.rows if bottom is None else bottom):
            col = self.lines[row].find(text)
            if col >= 0:
                return row, col
        self.bad.append("there is no %r" % text)
        return None

    def blank(self, top, least):
        """The first empty row from `top` + `least` on: where a panel of bounded height ends."""
        row = top + least
        while row < self.rows - 1 and self.lines[row].strip():
            row += 1
        return row

    def leftovers(self):
        """Complains of figures that nobody has compared."""
        for row, line in enumerate(self.lines):
            rest = "".join(" " if seen else c for c, seen in zip(line, self.seen[row]))
            if re.search(r"\d|(?<!\S)-(?!\S)|[▁-█■·]", rest):
                self.bad.append("nobody has read: %s" % rest.strip())

    # --- figures ----------------------------------------------------------------------------

    def wanted(self, what, kind, told, shown):
        """Compares the text shown with the figure told."""
        self.count += 1
        text = show(kind, told, self.exact)
        if shown == text:
            return True
        if self.loose and shown == "-":
            self.unknown += 1
            return True
        self.bad.append("%s: the screen says %r, the report %r (%s)" % (what, shown, text, told))
        return False

    def pair(self, row, label, kind, told, left=0, right=None):
        """`label value`, ended by two blanks."""
        right = self.cols if right is None else right
        m = re.search(r"(?:^|  | )" + re.escape(label) + r" (\S+(?: \S+)*)", self.lines[row][left:right])
        if not m:
            self.bad.append("nothing is called %r in %r" % (label, self.lines[row].strip()))
            return
        self.mark(row, left + m.start(), left + m.end())
        self.wanted(label, kind, told, m[1])

    def right(self, row, end, what, kind, told):
        """A figure that ends at column `end`."""
        text = show(kind, told, self.exact)
        line = self.lines[row][:end]
        at = end - len(text)
        if line.endswith(text) and (at <= 0 or line[at - 1] in " |`"):
            shown = text
        else:
            shown = re.search(r"(?:([\d.,+-]+ )?\S+)?$", line)[0]
            if self.loose and line.endswith(" -"):
                shown = "-"
        self.wanted(what, kind, told, shown)
        self.mark(row, max(at, 0), end)

    def left(self, row, col, what, text, right):
        """A text that begins at column `col` and has room up to `right`."""
        self.count += 1
        shown = self.lines[row][col:right].rstrip()
        if not shortened(text.rstrip(), shown, right - col):
            self.bad.append("%s: the screen says %r, the report %r" % (what, shown, text))
        self.mark(row, col, right)

    def bar(self, row, col, what, part):
        """A bar that begins at or behind `col`."""
        self.count += 1
        m = re.compile(r"\[([■·]*)\]").search(self.lines[row], col)
        if not m:
            if part is not None:
                self.bad.append("%s has no bar" % what)
            return col
        room = len(m[1])
        full = (min(part or 0, 1000000) * room + 500000) // 1000000
        if m[1] != "■" * full + "·" * (room - full):
            self.bad.append("%s: a bar of %d of %d, not of %d" % (what, m[1].count("■"), room, full))
        self.mark(row, m.start(), m.end())
        return m.end()

    def curve(self, what, top, bottom, left, values, most):
        """Columns of blocks, by eighths of a row."""
        rows = bottom - top
        for col, value in enumerate(values):
            up = 0 if not value or not most else -(-min(value, most) * rows * 8 // most)
            for row in range(bottom - 1, top - 1, -1):
                want = BLOCKS[max(0, min(up, 8))]
                up -= 8
                if self.lines[row][left + col] != want:
                    self.bad.append("%s: column %d of %d is %s, not %s" % (
                        what, col, len(values), "".join(self.lines[k][left + col] for k in range(top, bottom)), value))
                    break
            self.count += 1
        for row in range(top, bottom):
            self.mark(row, left, left + len(values))

    # --- tables -----------------------------------------------------------------------------

    def heads(self, titles, top, left=0, partial=False):
        """{title: (begin, end)} of the line that holds the heads in their order, and its row."""
        first = titles[0].rstrip("<")
        for row in range(top, self.rows):
            if not re.match(r"\s*" + re.escape(first) + r"(?![\w%])", self.lines[row][left:]):
                continue
            places, at = {}, left
            for title in titles:
                plain = title.rstrip("<")
                m = re.compile(r"(?<!\S)" + re.escape(plain) + r"(?![^\s↓↑])[↓↑]?").search(self.lines[row], at)
                if m:
                    places[title] = (m.start(), m.end())
                    at = m.end()
                elif not partial:
                    self.bad.append("no column %r in %r" % (plain, self.lines[row].strip()))
            self.mark(row, left, max([at] + [e for _, e in places.values()]))
            return places, row
        self.bad.append("no table with the head %r" % first)
        return None, self.rows

    def table(self, titles, rows, top, bottom=None, left=0, partial=False, right=None):
        """Rows of (kind, figure), one for each title; titles that end in '<' begin at the left.
        Gives the number of rows that are shown."""
        places, row = self.heads(titles, top, left, partial)
        bottom = self.rows if bottom is None else bottom
        right = self.cols if right is None else right
        if places is None:
            return 0
        starts = sorted(b for t, (b, _) in places.items() if t.endswith("<")) + [right + 1]
        shown = 0
        for told in rows:
            row += 1
            if row >= bottom:
                break
            shown += 1
            name = " ".join(str(v) for k, v in told[:1])
            for title, (kind, value) in zip(titles, told):
                if title not in places:
                    continue
                begin, end = places[title]
                what = "%s %s" % (name, title.rstrip("<"))
                if kind == "bar":
                    self.bar(row, begin, what, value)
                elif kind == "trend":
                    self.curve(what, row, row + 1, begin, value, max((v or 0 for v in value), default=0))
                elif kind == "skip":
                    continue
                elif title.endswith("<"):
                    # Up to the next head at the left, or to the blanks before a figure.
                    text = show(kind, value, self.exact)
                    stop = min(s for s in starts if s > begin) - 1
                    if self.lines[row][begin:begin + len(text)] == text and \
                            self.lines[row][begin + len(text):begin + len(text) + 1] in ("", " "):
                        self.count += 1
                        self.mark(row, begin, begin + len(text))
                    else:
                        got = re.match(r"\s*\S*(?: \S+)*", self.lines[row][begin:stop])[0]
                        self.left(row, begin, what, text, begin + len(got))
                else:
                    self.right(row, end, what, kind, value)
        return shown
