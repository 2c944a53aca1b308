"""What is installed: everything that a user needs, and nothing else."""

import zipfile
from pathlib import Path

import pytest
from hatchling.builders.wheel import WheelBuilder

import sgsim.data
from sgsim.data import DEMO_CAPTURE, DEMO_RULES, data_path, demo_path

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def names(tmp_path_factory) -> set[str]:
    """The files of the wheel that is built from this checkout."""
    directory = tmp_path_factory.mktemp("wheel")
    (wheel,) = WheelBuilder(str(ROOT)).build(directory=str(directory), versions=["standard"])
    with zipfile.ZipFile(wheel) as archive:
        return set(archive.namelist())


def bundled(folder: str) -> set[str]:
    """The files of a folder of data, as the wheel names them."""
    paths = (path for path in data_path(folder).rglob("*") if path.is_file())
    return {path.relative_to(ROOT).as_posix() for path in paths}


@pytest.mark.parametrize("folder", ["demo", "schemas", "report", "vectors"])
def test_the_wheel_has_every_bundled_file(names, folder):
    assert bundled(folder) <= names
    assert bundled(folder)


def test_captures_and_schemas_by_name(names):
    assert "sgsim/data/assumptions.json" in names
    assert {f"sgsim/data/demo/{name}" for name in (DEMO_CAPTURE, *DEMO_RULES, "README.md", "record.sh")} <= names
    for schema in ("replay-summary", "decision", "flow"):
        assert f"sgsim/data/schemas/{schema}.schema.json" in names


def test_the_wheel_has_every_module_and_nothing_of_the_workshop(names):
    modules = {path.relative_to(ROOT).as_posix() for path in Path(sgsim.__file__).parent.rglob("*.py")}
    assert modules <= names
    assert not [name for name in names if not name.startswith(("sgsim/", "sgsim-"))]
    assert not [name for name in names if "__pycache__" in name or name.endswith(".pyc")]


def test_the_bundled_files_are_where_the_package_says():
    assert demo_path(DEMO_CAPTURE).read_bytes()[:4] in {b"\x4d\x3c\xb2\xa1", b"\xd4\xc3\xb2\xa1"}
    assert Path(sgsim.data.__file__).parent == data_path()
