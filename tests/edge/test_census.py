"""The census against real processes."""

from __future__ import annotations

import os
import socket
import sys
from typing import TYPE_CHECKING

import pytest
from children import HOSTILE, READY
from users import as_nobody

from devsup.edges.census import Process, census, listening

if TYPE_CHECKING:
    from pathlib import Path

    from children import Child, Nursery

RUN = f"12345678-{os.getpid():08x}"  # tests may run beside each other
MARKS = {"DEVSUP_RUN": RUN, "DEVSUP_SERVICE": "web.1", "DEVSUP_GENERATION": "3"}


def below(child: Child) -> dict[int, Process]:
    """A census of what its cage holds, the cage standing in for a guardian."""
    return {process.pid: process for process in census(RUN, lambda: {child.cage.pid: "web.1"})}


def test_a_marked_process_is_counted_with_its_service_and_generation(nursery: Nursery) -> None:
    child = nursery.start("sleep", env=MARKS)
    (found,) = census(RUN, dict)
    assert (found.pid, found.ppid) == (child.pid, child.cage.pid)
    assert (found.service, found.generation, found.run, found.lineage) == ("web.1", 3, RUN, None)
    assert found.command[2] == "sleep"


def test_the_mark_of_another_run_does_not_count(nursery: Nursery) -> None:
    nursery.start("sleep", env={**MARKS, "DEVSUP_RUN": "12345678-00000002"})
    assert census(RUN, dict) == ()


@pytest.mark.parametrize("generation", ["", "three", "-1", "²"])
def test_a_generation_that_is_no_number_is_none(nursery: Nursery, generation: str) -> None:
    nursery.start("sleep", env={**MARKS, "DEVSUP_GENERATION": generation})
    (found,) = census(RUN, dict)
    assert found.generation is None


def test_lineage_finds_what_has_overwritten_its_environment(nursery: Nursery) -> None:
    child = nursery.start("blank", env=MARKS)
    assert census(RUN, dict) == ()
    found = below(child)[child.pid]
    assert (found.lineage, found.run, found.generation) == ("web.1", None, None)


def test_what_another_run_below_a_guardian_says_is_none_of_this_run(nursery: Nursery) -> None:
    child = nursery.start("sleep", env={**MARKS, "DEVSUP_RUN": "87654321-00000002"})
    found = below(child)[child.pid]
    assert (found.lineage, found.run, found.generation) == ("web.1", None, None)


def test_lineage_finds_a_daemon_that_has_cleared_its_environment(nursery: Nursery) -> None:
    child = nursery.start("daemon", "--clear", env=MARKS)
    assert below(child).keys() == {child.pid}


def test_lineage_finds_a_process_whose_main_thread_has_ended(nursery: Nursery) -> None:
    child = nursery.start("headless")
    assert below(child).keys() == {child.pid}


def test_zombies_are_not_counted(nursery: Nursery) -> None:
    child = nursery.start("zombies", env=MARKS)
    assert below(child).keys() == {child.pid}


def test_a_stopped_process_is_counted(nursery: Nursery) -> None:
    child = nursery.start("stopped", env=MARKS)
    assert child.pid in below(child)


def test_guardians_and_what_is_above_them_do_not_count(nursery: Nursery) -> None:
    line = f"{sys.executable} {HOSTILE} sleep $0 & wait"
    inner = nursery.cage("env", f"DEVSUP_RUN={RUN}", "sh", "-c", line, READY)
    assert {each.pid for each in census(RUN, dict)} == {inner.leader, inner.pid}
    assert census(RUN, lambda: {inner.pid: "web.1"}) == ()


def test_who_guards_is_asked_when_everybody_was_seen(nursery: Nursery) -> None:
    """A process that is seen has a guardian by then; one that starts meanwhile is not seen."""
    assert census(RUN, lambda: {nursery.start("sleep").cage.pid: "web.1"}) == ()


def test_a_fork_chain_does_not_disturb_the_census(nursery: Nursery) -> None:
    steady = nursery.start("sleep", env=MARKS)
    nursery.start("forks", env=MARKS)
    for _ in range(20):
        assert steady.pid in {process.pid for process in census(RUN, dict)}


def test_each_process_that_shares_a_listening_socket_listens(nursery: Nursery) -> None:
    child = nursery.start("listen")
    with socket.create_server(("127.0.0.1", 0)) as server:
        own = server.getsockname()[1]
        assert listening([child.pid, os.getpid()]) == {
            child.pid: (child.port,),
            os.getpid(): (own,),
        }


def test_an_ipv6_listener_is_seen() -> None:
    with socket.create_server(("::1", 0), family=socket.AF_INET6) as server:
        assert listening([os.getpid()]) == {os.getpid(): (server.getsockname()[1],)}


def test_a_listening_unix_socket_counts_as_port_0_and_a_connected_one_not_at_all(
    tmp_path: Path,
) -> None:
    with socket.socket(socket.AF_UNIX) as server, socket.socket(socket.AF_UNIX) as client:
        server.bind(str(tmp_path / "socket"))
        assert listening([os.getpid()]) == {os.getpid(): ()}
        server.listen()
        client.connect(str(tmp_path / "socket"))
        assert listening([os.getpid()]) == {os.getpid(): (0,)}


def test_a_client_of_a_port_does_not_listen_on_it(nursery: Nursery) -> None:
    child = nursery.start("listen")
    with socket.create_connection(("127.0.0.1", child.port)):
        assert listening([os.getpid()]) == {os.getpid(): ()}


def test_a_process_that_is_gone_listens_on_nothing(nursery: Nursery) -> None:
    child = nursery.start("listen")
    child.end()
    assert listening([child.pid]) == {child.pid: ()}


@pytest.mark.root
def test_a_user_who_may_not_look_into_a_process_gets_no_error(nursery: Nursery) -> None:
    child = nursery.start("listen", env=MARKS)
    outcome = as_nobody(lambda: f"{listening([child.pid])} {census(RUN, dict)}")
    assert outcome == f"{{{child.pid}: ()}} ()"
