"""What the benchmarks found: rows of a table, and one JSON line of the same."""
import json
import statistics


class Figures:
    def __init__(self):
        self.rows = []

    def add(self, name, ours, unit, *, bare=None, ratios=(), target=None, of="ours", note=""):
        """One row. `target` is the most that `ours`, or the median of `ratios` (of="ratio"), may be."""
        ratio = statistics.median(ratios) if ratios else None
        judged = ratio if of == "ratio" else ours
        row = {"name": name, "ours": ours, "unit": unit, "bare": bare, "ratio": ratio,
               "spread": [min(ratios), max(ratios)] if ratios else None, "target": target, "of": of,
               "met": None if target is None else judged <= target, "note": note}
        self.rows.append({key: rounded(value) for key, value in row.items()})
        print(line(self.rows[-1]), flush=True)

    def print_json(self):
        print(json.dumps({"figures": self.rows}, separators=(",", ":")))

    def missed(self):
        return [row["name"] for row in self.rows if row["met"] is False]


def rounded(value):
    if isinstance(value, list):
        return [rounded(one) for one in value]
    return float(f"{value:.4g}") if isinstance(value, float) else value


def number(value):
    return "" if value is None else f"{value:g}"


HEAD = f"{'scenario':<44} {'ours':>9} {'bare':>9} {'':<16} {'ratio':>6} {'spread':<13} {'target':<14}"


def line(row):
    spread = f"{row['spread'][0]:.2f}-{row['spread'][1]:.2f}" if row["spread"] else ""
    ratio = "" if row["ratio"] is None else f"{row['ratio']:.2f}"
    target = "" if row["target"] is None else f"{'ratio ' if row['of'] == 'ratio' else ''}<= {number(row['target'])}"
    met = {None: "", True: "met", False: "MISSED"}[row["met"]]
    return (f"{row['name']:<44} {number(row['ours']):>9} {number(row['bare']):>9} {row['unit']:<16} {ratio:>6} {spread:<13} "
            f"{target:<14} {met:<6} {row['note']}").rstrip()
