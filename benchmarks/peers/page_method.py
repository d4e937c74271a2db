"""Tell how the comparison was made, and what of it did not run."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

from benchmarks.peers.rows import not_ok, titles
from deeprnn_edge.report.markup import Rows, Section, Table, number, paragraph, render_table, section

_METHOD = (
    "Each entry runs in a process of its own on the same weights and the same input. It first has to answer as "
    "Keras does, within the tolerance that its row states; then all of a workload are timed in alternating blocks, so "
    "that a busy moment of the machine falls on each of them. A time is that of one call on ready arrays; reading a "
    "file, the first call and the process's memory stand by themselves under starts and memory. Rows marked noisy "
    "have a spread above 10 % between their blocks: the machine was busy or changed its pace, and they are rough."
)


def method_section(result: Mapping[str, Any]) -> Section:
    """Tell what was measured and how, on which machine, with which versions."""
    machine, workloads = result["machine"], result["workloads"]
    cpu = machine["cpu"]
    facts = {
        "workloads": f"{len(workloads)}, {'the whole sweep' if result['sweep'] else 'the seed models alone'}",
        "entries": "; ".join(titles(workloads).values()),
        "blocks": f"{result['blocks']} of each entry, alternating",
        "time": f"{result['seconds_per_contender']:g} s for each entry of a workload",
        "whole run": f"{result['seconds'] / 60:.1f} minutes",
        "seed": f"{result['seed']}",
        "processor": f"{cpu['model']}, {cpu['logical_cores']} logical cores",
        "system": f"{machine.get('os') or '–'}, {machine.get('kernel') or '–'}",
        "Python": machine["python"],
        "C compiler": machine.get("compiler") or "none found",
        **{f"package {name}": version or "not installed" for name, version in machine["packages"].items()},
    }
    rows: Rows = [[name, str(fact)] for name, fact in facts.items()]
    table = render_table(Table("The run and its machine", ["what", "value"], rows))
    return section("method", "How it was measured", paragraph(_METHOD), table)


def problems_section(result: Mapping[str, Any]) -> Section:
    """List every entry that did not run, or did not answer as Keras does: a row for each reason."""
    workloads = result["workloads"]
    found: dict[tuple[str, str, str], list[str]] = {}
    for workload, row in not_ok(workloads):
        reason = row["problem"] or "no reason was given"
        found.setdefault((row["title"], row["status"], reason), []).append(workload["title"])
    if not found:
        return section("problems", "What did not run", paragraph("Every entry ran on each of its workloads."))
    taken = Counter(row["title"] for workload in workloads for row in workload["contenders"])
    rows: Rows = [
        [title, status, reason, number(len(where)), _where(where, taken[title])]
        for (title, status, reason), where in sorted(found.items())
    ]
    columns = ["entry", "status", "why", "workloads", "which"]
    return section(
        "problems",
        "What did not run",
        paragraph(
            "Missing ones are not installed here; unsupported ones are refused by the route that would make their "
            "file; failed ones raised an error; those that differ did not answer as Keras does, and were not timed."
        ),
        render_table(Table("Entries without a time, by reason", columns, rows)),
    )


def _where(names: list[str], all_of_them: int) -> str:
    return "all" if len(names) == all_of_them else "; ".join(names)
