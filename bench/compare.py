#!/usr/bin/env python3
"""Medians over the rounds of bench/suite's output, against the targets and beside the peers.

    bench/compare.py results.ndjson                    the tables; fails when a target of the first engine is missed
    bench/compare.py results.ndjson --target storage   the same, but fails for the targets of the second column
    bench/compare.py results.ndjson --target search    ... for the targets of search, which have a table of their own
    bench/compare.py results.ndjson --all              every figure: median, lowest, highest, rounds

Ratios are formed within a round, between figures taken minutes apart at most, and the median of the ratios is told.
"""
import argparse
import sys
from dataclasses import dataclass
from pathlib import Path
from statistics import median

sys.dont_write_bytecode = True
sys.path.insert(0, str(Path(__file__).resolve().parent))
from results import CHRONOS, LIMIT, Results, shown, title  # noqa: E402

SQLITE = "peer_sqlite"


@dataclass
class Row:
    """A figure and what it is held against: `measured` is compared, `value` shown beside it."""
    name: str
    value: float | None
    measured: float | None
    sign: str
    first: float | None  # target of the first engine; None without one
    storage: float | None
    unit: str

    def held(self, target):
        if self.measured is None:
            return None
        return self.measured >= target if self.sign == ">=" else self.measured <= target

    def verdict(self, target):
        if target is None:
            return "-"
        word = {None: "?", True: "held", False: "MISSED"}[self.held(target)]
        return f"{self.sign} {target:g} {self.unit}: {word}"

    def cells(self):
        told = "not measured" if self.measured is None else f"{self.measured:.3g} {self.unit}"
        return self.name, shown(self.value), told, self.verdict(self.first), self.verdict(self.storage)


def rows(r):
    def ratio(name, above, below, sign, first, storage):
        return Row(name, r.value(*above), r.ratio(above, below), sign, first, storage, "x")

    def plain(name, figure, config, first, storage, unit):
        value = r.value(CHRONOS, figure, config)
        return Row(name, value, value, "<=", first, storage, unit)

    def append(producers, batch):
        return "append", f"producers={producers} batch={batch} durable=fsync"

    def stream(at):
        return CHRONOS, "q_stream100_p50", "at=" + at
    imported = (CHRONOS, "import", "durable=fsync source=file")
    single8 = (CHRONOS, *append(8, 1))
    yield ratio("durable import / limit", imported, (LIMIT, "import", "durable=fsync buffers=.*"), ">=", 0.40, 0.70)
    yield ratio("durable import / SQLite", imported, (SQLITE, "import", r".* durable=fsync .*"), ">=", 8, None)
    yield ratio("durable 8 x 1,000 / limit", (CHRONOS, *append(8, 1000)), (LIMIT, *append(8, 1000)), ">=", 0.40, 0.75)
    yield ratio("durable 8 x 1 / limit", single8, (LIMIT, *append(8, 1)), ">=", 0.70, 0.90)
    yield ratio("durable 8 x 1 / 1 x 1", single8, (CHRONOS, *append(1, 1)), ">=", 3, None)
    yield plain("8 threads x 250 singles, not durable", "burst_8x250_p50", "durable=no", 4, 2, "ms")
    for sealed, told in (("", ""), (" sealed=yes", ", sealed")):
        first = not sealed
        yield plain("point read p99" + told, "q_point_p99", "at=now" + sealed, 5 if first else None, 5, "us")
        yield plain("state as of T p50" + told, "q_asof_p50", "fork=main" + sealed, 60 if first else None, 30, "us")
        for at in ("past", "fork", "fork10"):
            yield ratio(f"stream read, {at} / now{told}", stream(at + sealed), stream("now" + sealed), "<=",
                        1.5 if first else None, 1.2)
    yield plain("memory per event beyond its bytes", "memory_beyond_log_per_event", "", 48, None, "B")
    yield plain("open, per million events, all to be read from the log", "open_per_million", "", 500, None, "ms")
    yield plain("open, per million events, sealed", "open_per_million", "sealed=yes", None, 50, "ms")
    stored = (CHRONOS, "stored_bytes_per_event", "")
    yield ratio("stored bytes / raw NDJSON", stored, (CHRONOS, "raw_bytes_per_event", ""), "<=", None, 0.25)
    for tool in ("query_events limit=1", "append_events durable=os"):
        yield plain(f"stdio server CPU, {tool}", "stdio_call_cpu", "tool=" + tool, 25, None, "us")
    for tool in ("query_events limit=1", "append_events durable=os"):
        yield plain(f"stdio p50, {tool}", "stdio_call_p50", "tool=" + tool, 40, None, "us")
    yield plain("start to initialize answered", "stdio_start_to_initialize", r"store=.*", 10, None, "ms")
    yield plain("start to first call answered", "stdio_start_to_first_call", r"store=.*", 50, 15, "ms")


def peer_rows(r):
    """For each program: its figures, and in brackets what Chronos has of it - a rate, or a time, by how much."""
    def cell(program, by_round, is_rate=True):
        mine, theirs = by_round(CHRONOS), by_round(program)
        if not theirs:
            return "-"
        told = shown(median(theirs.values()))
        both = [mine[n] / theirs[n] if is_rate else theirs[n] / mine[n] for n in mine if theirs.get(n)]
        return told if program == CHRONOS or not both else f"{told} ({median(both):.3g} x)"

    def latency(figure):
        return lambda program: r.by_round(program, figure, "(at=now|fork=main(?! sealed).*)", min)
    for program in r.programs():
        if not r.configs(program, "append"):
            continue
        yield [title(program),
               cell(program, lambda p: r.best_appends(p, True)), cell(program, lambda p: r.best_appends(p, False)),
               cell(program, lambda p: r.by_round(p, "append", "producers=8 batch=1 durable=fsync.*")),
               *(cell(program, latency(f"q_{what}_p50"), False) for what in ("point", "last", "stream100", "asof")),
               cell(program, r.stored_bytes, False)]


LUCENE = "peer_lucene"


def search_sizes(r):
    return sorted({int(config.split()[0].removeprefix("events=")) for config in r.configs(CHRONOS, "search_full_mean")})


def asked(program, which, events, at="now"):
    return program, which, f"events={events} at={at} clock=cpu"


def search_rows(r):
    """Of each size: Lucene's time against Chronos's; as of half of history, and in a fork, against now."""
    def ratio(name, shown_as, above, below, sign, target):
        return Row(name, r.value(*shown_as), r.ratio(above, below), sign, target, None, "x")
    sizes = search_sizes(r)
    for events in sizes:
        for kind in ("full", "short"):
            for which in ("mean", "p50", "p99"):
                mine = asked(CHRONOS, f"search_{kind}_{which}", events)
                theirs = asked(LUCENE, f"search_{kind}_{which}", events)
                yield ratio(f"{kind} {which}, us, {events:,} events: Lucene / Chronos", mine, theirs, mine, ">=", 3)
        for at, told, target in (("half", "as of half of history", 1), ("fork", "fork of 10,000 own events", 1.05)):
            for kind in ("full", "short"):
                now, then = (asked(CHRONOS, f"search_{kind}_mean", events, which) for which in ("now", at))
                # A fork's own events are a share of the small store that no index makes less.
                held = target if at == "half" or events == sizes[-1] else None
                yield ratio(f"{kind} mean, us, {events:,} events: {told} / now", then, then, now, "<=", held)
    if r.configs(CHRONOS, "search_ingest"):
        beside, alone = ((CHRONOS, "search_ingest", f".* index={how}") for how in ("background", "none"))
        for events in sizes[-1:]:
            yield ratio("durable ingest, events/s: indexed in the background / not", beside, beside, alone, ">=", 0.6)


def search_peer_rows(r):
    """For each engine and size: what it takes, and in brackets by how much Chronos is faster or smaller."""
    def cell(program, figure, config, is_rate=False):
        value = r.value(program, figure, config)
        mine, theirs = (CHRONOS, figure, config), (program, figure, config)
        times = r.ratio(mine, theirs) if is_rate else r.ratio(theirs, mine)
        return shown(value) if program == CHRONOS or times is None else f"{shown(value)} ({times:.3g} x)"
    for events in search_sizes(r):
        for program in r.programs():
            if not r.configs(program, "search_full_mean"):
                continue
            kinds = [cell(*asked(program, f"search_{kind}_{which}", events))
                     for kind in ("full", "short") for which in ("mean", "p50", "p99")]
            size = f"events={events}"
            yield [title(program), f"{events:,}", *kinds, cell(program, "search_index", size + " clock=cpu", True),
                   cell(program, "search_bytes_per_event", size), cell(program, "search_memory", size)]


SEARCH_HEADINGS = ("", "events", "full mean, us", "p50", "p99", "short mean, us", "p50", "p99", "indexed, events/CPU-s",
                   "index, B/event", "memory, MiB")


def tell_search(results):
    print("\n| search | Chronos | measured | target |\n|---|---|---|---|")
    missed = 0
    for row in search_rows(results):
        missed += row.first is not None and row.held(row.first) is not True
        print("| " + " | ".join(row.cells()[:4]) + " |")
    print("\nThread processor time, best ten. In brackets: how many times faster, or smaller, Chronos is.\n")
    print("| " + " | ".join(SEARCH_HEADINGS) + " |\n" + "|---" * len(SEARCH_HEADINGS) + "|")
    for cells in search_peer_rows(results):
        print("| " + " | ".join(cells) + " |")
    return missed


# (figure, what readers call it, whether more is better), in the order of the table.
LOAD = (("http_calls", "HTTP, calls/s", True), ("http_call_p99", "HTTP, p99, us", False),
        ("http_call_cpu", "HTTP, server's processor time, us", False),
        ("http_memory_per_connection", "memory of an idle session, B", False),
        ("http_memory_per_stream", "memory with its open stream, B", False),
        ("http_memory_per_lost_session", "memory of a session that is never deleted, B", False),
        ("stdio_calls", "stdio, calls/s", True), ("stdio_load_p99", "stdio, p99, us", False),
        ("stdio_load_cpu", "stdio, server's processor time, us", False))


def tell_load(r):
    """Of MCP servers under the same load: what each takes, and by how many times Chronos is better."""
    peers = [program for program in r.programs() if program != CHRONOS and r.configs(program, "http_calls")]
    print("\nIn brackets: how many times better Chronos is in the same round.\n")
    print("| | Chronos | " + " | ".join(map(title, peers)) + " |\n|---" + "|---" * (len(peers) + 1) + "|")
    for figure, name, more_is_better in LOAD:
        for config in r.configs(CHRONOS, figure):
            cells = []
            for program in peers:
                mine, theirs = (CHRONOS, figure, config), (program, figure, config)
                times = r.ratio(mine, theirs) if more_is_better else r.ratio(theirs, mine)
                told = shown(r.value(*theirs))
                cells.append(told if times is None or times <= 0 else f"{told} ({times:.3g} x)")
            print(f"| {name}, {config} | {shown(r.value(CHRONOS, figure, config))} | " + " | ".join(cells) + " |")


def tell_all(results):
    for (program, figure, config), rounds in results.figures.items():
        values = [value for values in rounds.values() for value in values]
        spread = f"{min(values):.6g} .. {max(values):.6g}, {len(values)}"
        print(f"{program} | {figure} | {config} | {median(values):.6g} ({spread})")


def tell_engine(results, asked_for):
    missed = 0
    print("| figure | Chronos | measured | first engine | storage |\n|---|---|---|---|---|")
    for row in rows(results):
        target = row.storage if asked_for == "storage" else row.first
        missed += target is not None and row.held(target) is not True
        print("| " + " | ".join(row.cells()) + " |")
    print("\nIn brackets: how many times faster, or smaller, Chronos is in the same round.\n")
    print("| | durable, best, events/s | not durable, best, events/s | durable singles of 8, events/s | point p50, us "
          "| last p50, us | stream of 100 p50, us | state as of T p50, us | stored, B/event |")
    print("|---" * 9 + "|")
    for cells in peer_rows(results):
        print("| " + " | ".join(cells) + " |")
    return missed


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("results")
    parser.add_argument("--all", action="store_true")
    parser.add_argument("--target", choices=("first", "storage", "search"), default="first")
    options = parser.parse_args()
    results = Results.load(options.results)
    if options.all:
        tell_all(results)
        return 0
    print(f"{results.rounds()} rounds. " + "; ".join(f"{what}: {value}" for what, value in results.machine()) + "\n")
    if results.busiest > 15:
        print(f"Others used up to {results.busiest} % of the processors when a program began: distrust these ratios.\n")
    missed = {}
    if results.configs(CHRONOS, "http_calls"):
        tell_load(results)
    if results.configs(CHRONOS, "append") or not (search_sizes(results) or results.configs(CHRONOS, "http_calls")):
        missed[options.target] = tell_engine(results, options.target)
    if search_sizes(results) or options.target == "search":
        missed["search"] = tell_search(results) or not search_sizes(results)
    for program, what in results.missing:
        print(f"\n{title(program)}: not measured: {what}")
    return 1 if missed.get(options.target) else 0


if __name__ == "__main__":
    sys.exit(main())
