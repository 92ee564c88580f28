"""The figures that bench/suite wrote: medians over the rounds, and ratios formed within a round.

Two figures taken minutes apart on a shared machine differ by more than the programs do, so a ratio is made of figures
of one round, and the median of the rounds' ratios is told.
"""
import json
import re
from collections import defaultdict
from statistics import median

CHRONOS, LIMIT = "chronos_bench", "chronos_limit"


class Results:
    def __init__(self):
        self.figures = defaultdict(lambda: defaultdict(list))  # (program, figure, config): round: values
        self.units = {}
        self.busiest = 0   # percent of the processors that others used when a program began, at most
        self.missing = []  # (program, what was not measured and why), each once

    @classmethod
    def load(cls, path):
        results = cls()
        with open(path, encoding="utf-8") as lines:
            for number, line in enumerate(lines, 1):
                try:
                    results.add(json.loads(line))
                except (ValueError, KeyError) as why:
                    raise SystemExit(f"{path}:{number}: not a figure: {why}") from None
        return results

    def add(self, figure):
        if figure["figure"] == "not_measured":
            told = (figure["program"], figure["config"])
            if told not in self.missing:
                self.missing.append(told)
            return
        key = (figure["program"], figure["figure"], figure["config"])
        self.figures[key][figure.get("round", 1)].append(figure["value"])
        self.units[figure["figure"]] = figure["unit"]
        self.busiest = max(self.busiest, figure.get("busy_before", 0))

    def programs(self):
        """Chronos first, the limit second, the peers in order of appearance."""
        found = list(dict.fromkeys(program for program, _, _ in self.figures))
        return sorted(found, key=lambda p: (p != CHRONOS, p != LIMIT))

    def rounds(self):
        return len({number for rounds in self.figures.values() for number in rounds})

    def by_round(self, program, figure, config=".*", best=max):
        """Of each round the best value among the configurations that match as a whole."""
        rounds = defaultdict(list)
        for (p, f, c), values in self.figures.items():
            if p == program and f == figure and re.fullmatch(config, c):
                for number, v in values.items():
                    rounds[number] += v
        return {number: best(values) for number, values in rounds.items()}

    def value(self, program, figure, config=".*", best=max):
        rounds = self.by_round(program, figure, config, best)
        return median(rounds.values()) if rounds else None

    def ratio(self, above, below):
        """Of two selections (program, figure, config); None when no round has both."""
        left, right = self.by_round(*above), self.by_round(*below)
        both = [left[number] / right[number] for number in left if right.get(number)]
        return median(both) if both else None

    def best_appends(self, program, durable):
        """The best rate of each round over all batches and numbers of producers, an import included."""
        mark = "fsync" if durable else "no"
        rounds = defaultdict(list)
        for figure in ("append", "import"):
            for number, value in self.by_round(program, figure, rf"(.* )?durable={mark}( .*)?").items():
                rounds[number].append(value)
        return {number: max(values) for number, values in rounds.items()}

    def stored_bytes(self, program):
        return self.by_round(program, "stored_bytes_per_event", best=min)

    def machine(self):
        """What the figures were taken on: (what, value) each."""
        told = []
        for (_, figure, config), rounds in self.figures.items():
            if figure.startswith("machine_"):
                value = f"{median(sum(rounds.values(), [])):.3g} {self.units[figure]}"
                told.append((figure.removeprefix("machine_").replace("_", " "), config or value))
        for which in ("p50", "p99"):
            value = self.value(LIMIT, f"fsync_{which}", "append=4KiB")
            if value:
                told.append((f"fdatasync after 4 KiB, {which}", f"{shown(value)} us"))
        return told

    def configs(self, program, figure):
        return [c for (p, f, c) in self.figures if p == program and f == figure]


def title(program):
    """The name for readers."""
    names = {CHRONOS: "Chronos", LIMIT: "limit of the machine", "peer_sqlite": "SQLite", "peer_lmdb": "LMDB",
             "peer_rocksdb": "RocksDB", "peer_postgres": "PostgreSQL", "peer_redis": "Redis streams",
             "peer_nats": "NATS JetStream", "peer_umadb": "UmaDB", "peer_allsource": "AllSource",
             "peer_fts5": "SQLite FTS5", "peer_xapian": "Xapian", "peer_lucene": "Lucene",
             "peer_mcp_v1": "TypeScript SDK 1.32", "peer_mcp_v2": "TypeScript SDK 2.4",
             "peer_mcp_everything": "server-everything"}
    return names.get(program, program.removeprefix("peer_"))


def shown(value):
    if value is None:
        return "-"
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"
