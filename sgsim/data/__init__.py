"""Files that ship inside the package: the bundled capture, JSON schemas, conformance vectors, the page of the report."""

import json
from importlib.resources import files
from pathlib import Path
from typing import Any

DEMO_CAPTURE = "demo.pcap"
DEMO_RULES = ("groups.json", "interfaces.json")


def data_path(*parts: str) -> Path:
    """Where a bundled file lies."""
    return Path(str(files(__name__).joinpath(*parts)))


def demo_path(name: str) -> Path:
    """Where a file of the bundled example lies."""
    return data_path("demo", name)


def read_schema(name: str) -> dict[str, Any]:
    """The JSON schema of one kind of output, such as `replay-summary`."""
    schema: dict[str, Any] = json.loads(data_path("schemas", f"{name}.schema.json").read_text(encoding="utf-8"))
    return schema
