"""The one table of our processes, and the children it stands for."""

from importlib.util import find_spec
from pathlib import Path

from local.child import Child
from local.ports import Ports
from local.processes import PROCESSES, children


def all_children(workers: int) -> tuple[dict[str, Child], Ports]:
    ports = Ports({}, {})
    made = [child for row in PROCESSES for child in children(row, workers, {"FROM": "outside"}, Path("/data"), ports)]
    ports.close()
    return {child.name: child for child in made}, ports


def test_every_process_is_a_module_that_exists() -> None:
    for row in PROCESSES:
        module = row.module[0]
        spec = find_spec(module)
        assert spec is not None, module
        assert spec.submodule_search_locations is None or find_spec(f"{module}.__main__") is not None, module


def test_every_child_has_a_port_of_its_own_and_is_told_it() -> None:
    made, ports = all_children(workers=2)
    addresses = {child.address for child in made.values()}
    assert len(addresses) == len(made)
    for row in PROCESSES:
        for child in (child for child in made.values() if child.group == row.name):
            assert child.environment[row.port_variable] == str(ports.numbers[child.name])
            assert child.environment["FROM"] == "outside"


def test_each_worker_of_a_stage_has_a_slot_that_is_its_own() -> None:
    made, _ = all_children(workers=2)
    assert made["validate-0"].environment["VALENCE_WORKER_SLOT"] == "0"
    assert made["validate-1"].environment["VALENCE_WORKER_SLOT"] == "1"
    assert "validate-2" not in made
    assert "api" in made


def test_the_stand_in_is_told_where_the_model_listens_and_where_its_data_lies() -> None:
    made, ports = all_children(workers=1)
    told = made["sagemaker"].environment
    assert told["VALENCE_MODEL_URL"] == f"http://127.0.0.1:{ports.numbers['model']}"
    assert told["VALENCE_SAGEMAKER_DATA_DIR"] == "/data/sagemaker"
