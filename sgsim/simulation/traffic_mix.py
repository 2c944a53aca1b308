"""Mixes of synthetic traffic, written in YAML.

```yaml
seed: 7
duration: 10min
parts:
  shop:  {scenario: web, rate: 200, servers: [sg-web]}
  names: {scenario: dns, clients: all}
  odd:   {protocol: udp, port: 4500, rate: 5, request_bytes: 100..200}
```

Each part is a scenario with other settings, or settings alone.
"""

from pathlib import Path
from typing import Final

from sgsim.documents.files import read_roots
from sgsim.documents.node import Node
from sgsim.errors import ConfigError, DocumentError, SgsimError
from sgsim.sources.synthetic import Synthetic, mix

ENDINGS: Final = (".yaml", ".yml")
KEYS: Final = ("seed", "duration", "parts")


def load_mix(path: str | Path, *, seed: int | None = None, duration: str | None = None) -> Synthetic:
    """Read a mix.

    Args:
        path: A YAML file.
        seed: In place of the one that it gives.
        duration: In place of the one that it gives.

    Raises:
        DocumentError: If it cannot be read, or is no mix.
        ConfigError: If a setting is none, or its value not right.
    """
    path = Path(path)
    try:
        return _read_mix(_root(path), path.stem, seed, duration)
    except SgsimError as error:
        error.add_note(str(path))
        raise


def _root(path: Path) -> Node:
    roots = read_roots(path)
    if len(roots) != 1:
        raise DocumentError(f"mix must be one document, got {len(roots)}")
    return roots[0]


def _read_mix(root: Node, name: str, seed: int | None, duration: str | None) -> Synthetic:
    root.refuse_unknown(KEYS)
    parts = []
    for key, node in root.entries("parts"):
        try:
            parts.append(mix({"name": key, **node.mapping()}, name=key))
        except ConfigError as error:
            error.add_note(node.place)
            raise
    if not parts:
        raise root.error("parts must have at least one part, got none")
    seed_node, duration_node = root.get("seed"), root.get("duration")
    with (duration_node or root).at():
        given = duration if duration_node is None or duration is not None else duration_node.value
        return mix(
            *parts,
            seed=seed if seed is not None else 1 if seed_node is None else seed_node.as_whole_number(),
            duration=given,
            name=name,
        )
