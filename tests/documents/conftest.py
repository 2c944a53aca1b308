"""Documents are written where the test runs, so that messages name them shortly."""

import json
from collections.abc import Callable
from pathlib import Path
from textwrap import dedent

import pytest

Write = Callable[..., Path]


@pytest.fixture
def write(tmp_path, monkeypatch) -> Write:
    """Write a document into the current directory: a text as it is, anything else as JSON."""
    monkeypatch.chdir(tmp_path)

    def _write(name: str, content: object) -> Path:
        path = Path(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(content, bytes):
            path.write_bytes(content)
        else:
            path.write_text(dedent(content) if isinstance(content, str) else json.dumps(content), encoding="utf-8")
        return path

    return _write
