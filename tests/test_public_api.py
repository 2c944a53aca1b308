"""The names that `import sgsim` offers, and that they cost nothing until they are used."""

import re
import subprocess
import sys
from importlib import import_module
from importlib.metadata import version
from pathlib import Path
from pkgutil import iter_modules

import pytest

import sgsim

PACKAGE = Path(sgsim.__file__).parent
TESTS = Path(__file__).parent
API_PAGE = TESTS.parent / "docs" / "python-api.md"


@pytest.mark.parametrize("name", sorted(set(sgsim.__all__) - {"__version__"}))
def test_every_public_name_is_there_under_its_own_name(name):
    value = getattr(sgsim, name)
    if name in sgsim._MODULES:
        assert value is import_module(sgsim._MODULES[name])
        return
    assert value is getattr(import_module(sgsim._HOME_OF[name]), name)
    assert getattr(value, "__name__", name) == name


def test_the_table_has_every_public_name_once():
    homes = [name for names in sgsim._HOMES.values() for name in names] + list(sgsim._MODULES)
    assert sorted([*homes, "__version__"]) == sorted(sgsim.__all__)


def test_no_public_name_is_that_of_a_package():
    assert not set(sgsim.__all__) & {module.name for module in iter_modules([str(PACKAGE)])}


@pytest.mark.parametrize("name", sorted(set(sgsim.__all__) - {"__version__", "synthetic"}))
def test_every_public_name_is_on_the_page(name):
    assert re.search(rf"^\.\. (auto|py:)\w+:: {name}$", API_PAGE.read_text("utf-8"), re.MULTILINE)


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="module 'sgsim' has no attribute 'nothing'"):
        _ = sgsim.nothing


def test_names_are_listed():
    assert set(sgsim.__all__) <= set(dir(sgsim))


def test_the_version_is_that_of_the_distribution():
    assert version("sgsim") == sgsim.__version__


def test_the_package_says_that_it_is_typed():
    assert (PACKAGE / "py.typed").is_file()


def test_importing_the_package_imports_nothing_of_it():
    code = "import sys, sgsim; print([name for name in sys.modules if name.startswith('sgsim.')])"
    result = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert result.stdout.strip() == "[]"


def test_tests_are_found_by_names_that_occur_once():
    """Pytest and mypy know a test file by its path below `tests`, which must then be no package."""
    assert list(TESTS.rglob("__init__.py")) == []


@pytest.mark.parametrize("given", ["groups.json", None, {"groups": {}}])
@pytest.mark.parametrize(
    "ask",
    [
        lambda given: sgsim.check(given, "tcp 198.51.100.7 -> 10.0.0.5:443"),
        lambda given: sgsim.explain(given, "tcp 198.51.100.7 -> 10.0.0.5:443"),
        lambda given: sgsim.explain_recorded(given, "web.pcap", 1),
        lambda given: sgsim.replay(given, "web.pcap"),
        lambda given: sgsim.usage(given, "web.pcap"),
        lambda given: sgsim.tighten(given, "web.pcap"),
        lambda given: sgsim.sweep(given, "web.pcap"),
        lambda given: sgsim.diff(given, sgsim.Inventory()),
        lambda given: sgsim.diff(sgsim.Inventory(), given),
        sgsim.lint,
        sgsim.quota,
        sgsim.Firewall,
    ],
)
def test_what_is_no_inventory_is_refused_in_words(ask, given):
    with pytest.raises(sgsim.ConfigError) as refusal:
        ask(given)
    assert str(refusal.value).endswith(f" must be an Inventory, as sgsim.load gives it, got {given!r}")


@pytest.mark.parametrize("given", [None, 5, b"tcp", ["tcp"]])
def test_what_is_no_packet_is_refused_in_words(given):
    for ask in (sgsim.check, sgsim.explain):
        with pytest.raises(sgsim.ConfigError) as refusal:
            ask(sgsim.Inventory(), given)
        assert str(refusal.value) == f"packet must be a text or a Packet, got {given!r}"
