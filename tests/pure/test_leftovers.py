"""Who is found among all processes: as tables."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from seen import KEY, RECORD, ROOT, RUN, UID, seen

from devsup.pure.evidence import Project, Why
from devsup.pure.leftovers import Demand, Finding, View, WhyNot, find
from devsup.pure.sighting import Identity, Sighting

PROJECT = Project(root=ROOT, key=KEY, uid=UID, record=RECORD, ports=frozenset({8000}))
OTHER_RUN = "87654321-00000001"
STRAYS = Demand(strays=True)


def view(*seen_ones: Sighting, spared: tuple[int, ...] = (), **listening: int) -> View:
    ports = {int(pid.removeprefix("p")): (port,) for pid, port in listening.items()}
    everybody = {each.row.pid: each for each in seen_ones}
    return View(everybody, ports, frozenset(spared))


def whys(looked: View, demand: Demand) -> dict[int, tuple[Why, str | None]]:
    findings, _ = find(looked, PROJECT, demand)
    return {each.pid: (each.why, each.service) for each in findings}


def why_nots(looked: View, demand: Demand) -> dict[int | None, WhyNot]:
    _, foreign = find(looked, PROJECT, demand)
    return {each.pid: each.why for each in foreign}


def test_a_finding_tells_who_why_and_where_it_listens() -> None:
    looked = view(seen(70, run=RUN, service="web.1", ppid=3), p70=5000)
    expected = Finding(Identity(70, 200.0), 3, "web.1", Why.MARK, (5000,), ("/usr/bin/sleep", "60"))
    assert find(looked, PROJECT, Demand()) == ((expected,), ())


def test_findings_come_in_the_order_of_their_pids() -> None:
    looked = view(seen(90, run=RUN), seen(70, run=RUN), seen(80, run=RUN))
    assert [*whys(looked, Demand())] == [70, 80, 90]


# ---- lineage


def test_what_a_finding_started_goes_too_at_any_depth_with_its_service() -> None:
    looked = view(
        seen(70, run=RUN, service="web.1"),
        seen(71, ppid=70, directory="/"),
        seen(72, ppid=71, uid=0, directory="/"),
        seen(73, ppid=1),
    )
    assert whys(looked, Demand()) == {
        70: (Why.MARK, "web.1"),
        71: (Why.CHILD, "web.1"),
        72: (Why.CHILD, "web.1"),
    }


def test_the_spared_stay_and_so_does_what_only_they_started() -> None:
    """`devsup kill` in a marked shell: neither the shell nor the editor that it started goes."""
    looked = view(seen(70, run=RUN), seen(71, ppid=70, run=RUN), seen(72, ppid=71), spared=(71,))
    assert whys(looked, Demand()) == {70: (Why.MARK, None)}


def test_a_circle_of_parents_does_not_hang() -> None:
    looked = view(seen(70, ppid=71), seen(71, ppid=70))
    assert whys(looked, replace(STRAYS, supervisor=Identity(5, 0.0))) == {}


def test_whoever_was_found_once_stays_found_by_identity() -> None:
    ours = seen(70, run=RUN, service="web.1")
    found, _ = find(view(ours), PROJECT, Demand())
    later = view(replace(ours, marks=seen().marks), seen(80, ppid=70))
    known = replace(later, known={each.identity: each for each in found})
    assert whys(known, Demand()) == {70: (Why.MARK, "web.1"), 80: (Why.CHILD, "web.1")}
    recycled = replace(known, sightings={70: seen(70, started=300.0)})
    assert whys(recycled, Demand()) == {}


# ---- the running supervisor


def test_everything_below_the_zygote_is_the_supervisors_with_the_service_of_its_own_mark() -> None:
    looked = view(
        seen(50, started=100.0, terminal=True),
        seen(51, ppid=50, run=f"{KEY}-00000002", cleared=True),
        seen(60, ppid=51, run=RUN, service="web.1"),
        seen(61, ppid=60),
        seen(62, ppid=61, run=OTHER_RUN, service="inner.1"),
        seen(99),
    )
    demand = Demand(supervisor=Identity(50, 100.0))
    assert whys(looked, demand) == {
        50: (Why.SUPERVISOR, None),
        51: (Why.SUPERVISED, None),
        60: (Why.SUPERVISED, "web.1"),
        61: (Why.SUPERVISED, "web.1"),
        62: (Why.SUPERVISED, "web.1"),
    }


def test_what_a_shell_had_started_before_it_became_the_supervisor_is_not() -> None:
    above: dict[str, Any] = {"run": OTHER_RUN, "service": "shell.1"}
    looked = view(seen(50, started=100.0, **above), seen(51, ppid=50, started=99.0, **above))
    assert whys(looked, Demand(supervisor=Identity(50, 100.0))) == {50: (Why.SUPERVISOR, None)}


# ---- strays


def test_strays_are_left_alone_unless_they_are_asked_for() -> None:
    looked = view(seen(70), p70=8000)
    assert whys(looked, Demand()) == {}
    assert whys(looked, STRAYS) == {70: (Why.PORT, None)}


@pytest.mark.parametrize("where", ["itself", "above"])
def test_what_another_project_runs_is_no_stray(where: str) -> None:
    mark = {"run": OTHER_RUN}
    itself: dict[str, Any] = mark if where == "itself" else {}
    above: dict[str, Any] = mark if where == "above" else {}
    looked = view(seen(69, **above), seen(70, ppid=69, **itself), p70=8000)
    assert whys(looked, STRAYS) == {}
    assert why_nots(looked, Demand(port=8000)) == {70: WhyNot.ANOTHER_PROJECT}


def test_what_a_stray_started_goes_too() -> None:
    looked = view(seen(70), seen(71, ppid=70, command=("python", "-c", "spawn")), p70=8000)
    assert whys(looked, STRAYS) == {70: (Why.PORT, None), 71: (Why.CHILD, None)}


# ---- the port asked for


def test_its_owner_goes_when_it_works_in_the_project() -> None:
    looked = view(seen(70), p70=9999)
    assert whys(looked, Demand(port=9999)) == {70: (Why.PORT, None)}


def test_its_owner_goes_by_force_when_it_works_elsewhere_but_not_what_it_started() -> None:
    looked = view(seen(70, directory="/"), seen(71, ppid=70, directory="/"), p70=9999)
    assert whys(looked, Demand(port=9999)) == {}
    assert why_nots(looked, Demand(port=9999)) == {70: WhyNot.ELSEWHERE}
    forced = Demand(port=9999, force=True)
    assert whys(looked, forced) == {70: (Why.FORCED, None)}
    assert why_nots(looked, forced) == {}


def test_force_reaches_neither_another_user_nor_ourselves() -> None:
    looked = view(seen(70, uid=0), seen(71), spared=(71,), p70=9999, p71=9999)
    forced = Demand(port=9999, force=True)
    assert whys(looked, forced) == {}
    assert why_nots(looked, forced) == {70: WhyNot.ANOTHER_USER, 71: WhyNot.OURSELVES}


def test_other_ports_do_not_matter() -> None:
    looked = view(seen(70), seen(71, directory="/"), p70=9998, p71=9998)
    assert find(looked, PROJECT, Demand(strays=True, port=9999, force=True)) == ((), ())
