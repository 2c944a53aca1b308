"""What an analysis found, for programs: its fields as they are, behind the members that every document has.

The schemas are in `sgsim/data/schemas`, one for each command.
"""

import json
from typing import Any, Final

from attrs import asdict

from sgsim import __version__

SCHEMA_VERSION: Final = 1


def analysis_document(found: Any, **more: Any) -> dict[str, Any]:  # noqa: ANN401  # any attrs class
    """An analysis as plain values."""
    return {"schema_version": SCHEMA_VERSION, "tool": "sgsim", "version": __version__, **asdict(found), **more}


def analysis_json(found: Any, **more: Any) -> str:  # noqa: ANN401  # any attrs class
    """An analysis as one JSON document."""
    return json.dumps(analysis_document(found, **more), indent=2, ensure_ascii=False) + "\n"
