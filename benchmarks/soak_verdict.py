"""The counts of a phase, and which of them are wrong."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise
from typing import Any

from benchmarks import findings
from benchmarks.kills import LEAST_IN_FLIGHT, Killer
from benchmarks.load import Load
from benchmarks.percentiles import percentile
from benchmarks.phases import Phase
from benchmarks.stand import Stand
from benchmarks.subscriber import Seen
from benchmarks.uploader import Uploader
from benchmarks.witnessed import redelivered
from schemas.status import Status

#: Of each kind of wrong so many are printed.
_EXAMPLES = 5
#: What a process may take after SIGTERM: its own grace of 10 s, and the way out.
LONGEST_STOP_SECONDS = 12.0


async def judge(phase: Phase, stand: Stand, load: Load, uploaders: list[Uploader], killer: Killer, seen: Seen) -> dict[str, Any]:
    """Count, print, and return the counts with `wrongs`, in words."""
    rows = await findings.uploads(stand, load.accepted)
    records = await findings.records(stand)
    invocations = await findings.invocations(stand)
    lag, unpublished, letters = await findings.lag(stand), await findings.unpublished(stand), await findings.kept_dead_letters(stand)

    came_again = redelivered(stand.data)
    latencies = [seen.ended[one][0] - rows[one]["moments"]["received"] for one in load.accepted if one in seen.ended and one in rows]
    struck = Counter(one.blow.child for one in killer.struck)
    stops = [one.seconds_to_end for one in killer.struck if one.blow.signal and one.blow.signal.name == "SIGTERM"]
    deaths = {status.name: status.restarts - struck[status.name] for status in stand.supervisor.status()}
    surplus = sum(invocations.values()) - len(invocations)
    invoke_kills = sum(number for child, number in struck.items() if child.startswith("invoke"))

    counts: dict[str, Any] = {
        "phase": phase.name,
        "accepted": len(load.accepted),
        "statuses": dict(Counter(row["status"] for row in rows.values())),
        "analyses": sum(row["analyses"] for row in rows.values()),
        "usage_rows": sum(row["usages"] for row in rows.values()),
        "seen_to_end": sum(one in seen.ended for one in load.accepted),
        "p50_seconds": round(percentile(latencies, 50), 3) if latencies else None,
        "p99_seconds": round(percentile(latencies, 99), 3) if latencies else None,
        "longest_seconds": round(max(latencies), 3) if latencies else None,
        "p99_seconds_by_hop": _hops([row["moments"] for row in rows.values()]),
        "blows": dict(struck),
        "least_in_flight_at_a_blow": min((one.in_flight for one in killer.struck), default=None),
        "longest_stop_after_sigterm_seconds": round(max(stops), 2) if stops else None,
        "longest_return_after_a_blow_seconds": round(max(killer.seconds_to_return, default=0.0), 2),
        "died_without_being_killed": {name: number for name, number in deaths.items() if number > 0},
        "redelivered": dict(came_again),
        "records_repeated": dict(+records.repeated),
        "dead_letters": records.dead_letters,
        "lag": lag,
        "unpublished": unpublished,
        "invocations_per_attempt": dict(Counter(invocations.values())),
        "surplus_invocations": surplus,
        "kills_of_invoke": invoke_kills,
        "sent_again_by_clients": dict(sum((uploader.interruptions for uploader in uploaders), Counter())),
        "streams_opened": seen.connections,
        "status_events_seen": seen.events,
    }
    wrongs = [f"upload {one} {wrong}" for one in load.accepted for wrong in findings.wrongs(rows.get(one))]
    wrongs += [f"upload {one} was never seen to end" for one in load.accepted if one not in seen.ended]
    wrongs += seen.faults + load.faults
    wrongs += [f"dead letter: {letter['stage']} {letter['reason']}: {letter['error']}" for letter in letters]

    def expect(right: bool, wrong: str) -> None:
        if not right:
            wrongs.append(wrong)

    expect(len(set(load.accepted)) >= phase.videos, f"{len(set(load.accepted))} uploads were accepted: at least {phase.videos} were to be")
    expect(records.dead_letters == len(letters) == 0, f"{records.dead_letters} dead letters on the topics, {len(letters)} kept")
    expect(not any(lag.values()), f"records that nobody has committed: {lag}")
    expect(unpublished == 0, f"{unpublished} rows are left in the outbox")
    expect(all(struck[child] >= phase.times for child in phase.children), f"not everybody was killed {phase.times} times: {dict(struck)}")
    expect(all(struck[server] for server in phase.servers), f"not every server was restarted: {dict(struck)}")
    expect(all(one.in_flight >= LEAST_IN_FLIGHT for one in killer.struck), f"a kill found fewer than {LEAST_IN_FLIGHT} videos in flight")
    expect(came_again.total() > 0, "no redelivery was seen: the kills have missed the work")
    expect(surplus <= invoke_kills, f"{surplus} invocations too many: at most one for each of {invoke_kills} kills of invoke")
    expect(max(stops, default=0.0) <= LONGEST_STOP_SECONDS, f"a process took {max(stops, default=0.0):.1f} s to stop after SIGTERM")
    if phase.p99_seconds is not None and latencies:
        p99 = percentile(latencies, 99)
        expect(p99 < phase.p99_seconds, f"the p99 was {p99:.2f} s: under {phase.p99_seconds:g} s is promised")
    _print(counts, wrongs)
    return {**counts, "wrongs": wrongs}


def _hops(moments: list[dict[str, float]]) -> dict[str, float]:
    """The p99 of each step from one status to the next, over the uploads that showed both: events may overtake each other."""
    found = {}
    for before, after in pairwise((Status.RECEIVED, Status.VALIDATED, Status.ANALYSING, Status.COMPLETED)):
        if seconds := [times[after] - times[before] for times in moments if before in times and after in times]:
            found[f"{before} to {after}"] = round(percentile(seconds, 99), 3)
    return found


def _print(counts: dict[str, Any], wrongs: list[str]) -> None:
    for name, value in counts.items():
        print(f"  {name.replace('_', ' '):36} {value}", flush=True)
    for wrong in wrongs[: _EXAMPLES * 4]:
        print(f"  WRONG: {wrong}")
    if len(wrongs) > _EXAMPLES * 4:
        print(f"  and {len(wrongs) - _EXAMPLES * 4} more")
