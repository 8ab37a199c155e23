"""What a run and its workers tell each other through files."""

from smicnb.repro.runs import records
from smicnb.repro.runs.records import Listener, Pulse, Told


def test_a_worker_hears_that_its_run_ended_or_another_began(tmp_path):
    with Pulse(tmp_path / "pulse") as pulse:
        listener = Listener(pulse.path, pulse.run)
        assert listener()
        with Pulse(tmp_path / "pulse") as other:
            assert not listener()
            assert Listener(other.path, other.run)()
    assert not listener()


def test_a_run_that_gives_no_sign_of_life_for_long_is_over(tmp_path, monkeypatch):
    monkeypatch.setattr(records, "PATIENCE", 3)
    with Pulse(tmp_path / "pulse") as pulse:
        listener = Listener(pulse.path, pulse.run)
        assert [listener() for _ in range(4)] == [True, True, True, False]
        pulse.beat()
        assert listener()


def test_events_are_read_once_and_a_half_line_later(tmp_path):
    path = tmp_path / "events"
    told = Told(path)
    assert list(told) == []
    records.append_event(path, cell=0, state="running")
    with path.open("a") as file:
        file.write('{"cell": 0, ')
    assert list(told) == [{"cell": 0, "state": "running"}]
    with path.open("a") as file:
        file.write('"state": "done"}\n')
    assert list(told) == [{"cell": 0, "state": "done"}]
    records.append_event(tmp_path / "nowhere" / "events", cell=1)  # a disk that takes no more is no error
