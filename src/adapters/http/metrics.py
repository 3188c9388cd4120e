"""Counters and gauges in the text format of Prometheus."""

import threading
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from typing import Final, NamedTuple

CONTENT_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"

Labels = tuple[tuple[str, str], ...]


class Family(NamedTuple):
    """A metric that is counted elsewhere."""

    name: str
    help_text: str
    kind: str
    counts: Iterable[tuple[Labels, int]]


class Counter:
    """A counter for each combination of labels. Safe for many threads."""

    def __init__(self, name: str, help_text: str) -> None:
        self.name = name
        self.help_text = help_text
        self._lock = threading.Lock()
        self._counts: defaultdict[Labels, int] = defaultdict(int)

    def add(self, **labels: str) -> None:
        with self._lock:
            self._counts[tuple(sorted(labels.items()))] += 1

    def lines(self) -> Iterable[str]:
        with self._lock:
            counts = sorted(self._counts.items())
        yield from _lines(self.name, self.help_text, "counter", counts)


class Metrics:
    """The service's own counters, and gauges that are evaluated on each scrape."""

    def __init__(self, *sources: Callable[[], Iterable[Family]]) -> None:
        self._sources = sources
        self.received = Counter("bayar_webhook_requests_total", "Requests to the webhook address, by kind and outcome.")
        self.processed = Counter(
            "bayar_webhook_notifications_total", "Processed webhooks of the gateway, by kind and outcome."
        )

    def count_processed(self, kind: str, outcome: str) -> None:
        self.processed.add(kind=kind, outcome=outcome)

    def text(self, waiting: Mapping[str, int]) -> str:
        """All metrics. `waiting` is the number of gateway webhooks in each unfinished state."""
        gauge = [((("state", state),), number) for state, number in sorted(waiting.items())]
        name, help_text = "bayar_webhook_unfinished", "Webhooks of the gateway that wait, or are dead letters."
        lines = [*self.received.lines(), *self.processed.lines(), *_lines(name, help_text, "gauge", gauge)]
        for source in self._sources:
            for family in source():
                lines += _lines(*family)
        return "\n".join(lines) + "\n"


def _lines(name: str, help_text: str, kind: str, counts: Iterable[tuple[Labels, int]]) -> Iterable[str]:
    yield f"# HELP {name} {help_text}"
    yield f"# TYPE {name} {kind}"
    for labels, number in counts:
        written = ",".join(f'{label}="{_escaped(value)}"' for label, value in labels)
        yield f"{name}{{{written}}} {number}"


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


def gauge(name: str, help_text: str, number: int) -> str:
    """One number that goes up and down."""
    return "\n".join(_lines(name, help_text, "gauge", [((), number)])) + "\n"


def counter(name: str, help_text: str, number: int) -> str:
    """One number that only goes up."""
    return "\n".join(_lines(name, help_text, "counter", [((), number)])) + "\n"


def labelled(text: str, **labels: str) -> str:
    """The text with the labels added to each sample."""
    put = ",".join(f'{label}="{_escaped(value)}"' for label, value in labels.items())
    return "".join(_labelled(line, put) + "\n" for line in text.splitlines())


def merged(texts: Iterable[str]) -> str:
    """Merges several texts. The samples of each name stay together, as the format requires."""
    families: dict[str, list[str]] = {}
    for text in texts:
        name = ""
        for line in text.splitlines():
            if line.startswith("# "):
                name = line.split()[2]
            family = families.setdefault(name, [])
            if not (line.startswith("# ") and line in family):
                family.append(line)
    return "".join(f"{line}\n" for family in families.values() for line in family)


def _labelled(line: str, put: str) -> str:
    if line.startswith("#"):
        return line
    # Label values may hold braces and spaces. A name holds neither.
    name, brace, rest = line.partition("{")
    if not brace:
        name, _, number = line.partition(" ")
        return f"{name}{{{put}}} {number}"
    return f"{name}{{{put}{'' if rest.startswith('}') else ','}{rest}"
