"""Tables about the conformance vectors, made from their files while the pages are built."""

import json
from typing import ClassVar

from facts import Facts, table, value_text
from sphinx.application import Sphinx
from sphinx.util.typing import ExtensionMetadata

from sgsim.conntrack.profile import DEFAULT_PROFILE
from sgsim.testing.vector_files import load_vectors

MOST_NAMED = 4
"""How many vectors of a statement are named."""


class VectorTopics(Facts):
    """`{vector-topics}`: the topics, and how many vectors and statements each has."""

    def markdown(self) -> str:
        """One row for each topic, and their sum."""
        topics = [topic for topic in load_vectors().topics if topic.vectors]
        rows = [
            [f"`{topic.topic}`", topic.title, str(len(topic.vectors)), str(len(topic.statements))] for topic in topics
        ]
        sums = [str(sum(int(row[column]) for row in rows)) for column in (2, 3)]
        return table(["Topic", "About", "Vectors", "Statements"], [*rows, ["all", "", *sums]])


def named(vectors: list[str]) -> str:
    """The first few of some vectors, and how many more there are."""
    more = f" and {len(vectors) - MOST_NAMED} more" if len(vectors) > MOST_NAMED else ""
    return ", ".join(f"`{name}`" for name in vectors[:MOST_NAMED]) + more


class VectorSettings(Facts):
    """`{vector-settings}`: for each choice of a profile and each of its values, the vectors that hinge on it."""

    def markdown(self) -> str:
        """One row for each value; timeouts have one row each."""
        found: dict[tuple[str, str], list[str]] = {}
        for vector in load_vectors().vectors:
            settings = dict(vector.options.profile.settings())
            for name in vector.hinges_on:
                value = settings[name].value
                found.setdefault((name, "" if isinstance(value, float) else value_text(value)), []).append(vector.name)
        order = [name for name, _ in DEFAULT_PROFILE.settings()]
        rows = [
            [f"`{name}`", value or "every profile's", str(len(vectors)), named(vectors)]
            for (name, value), vectors in sorted(found.items(), key=lambda item: (order.index(item[0][0]), item[0][1]))
        ]
        return table(["Setting", "Value", "Vectors", "Such as"], rows)


class VectorExample(Facts):
    """`{vector-example} TOPIC/ID`: a vector as its file has it, with the documents that it names."""

    required_arguments: ClassVar[int] = 1

    def markdown(self) -> str:
        """The lines of the file."""
        topic, _, vector_id = self.arguments[0].partition("/")
        (origin,) = (found.origin for found in load_vectors().topics if found.topic == topic)
        with open(origin, encoding="utf-8") as stream:  # noqa: PTH123  # a name that the loader gave
            content = json.load(stream)
        (vector,) = (found for found in content["vectors"] if found["id"] == vector_id)
        documents = {name: content["documents"][name] for name in vector["documents"]}
        steps = ",\n".join(f"      {json.dumps(step)}" for step in vector.pop("steps"))
        rest = ",\n".join(f"    {json.dumps(key)}: {json.dumps(value)}" for key, value in vector.items())
        heads = ",\n".join(f"    {json.dumps(key)}: {json.dumps(value)}" for key, value in documents.items())
        return f'```json\n{{\n  "documents": {{\n{heads}\n  }},\n  "vectors": [{{\n{rest},\n    "steps": [\n{steps}\n    ]\n  }}]\n}}\n```'


def setup(app: Sphinx) -> ExtensionMetadata:
    """Tell Sphinx the directives."""
    for name, directive in (
        ("vector-topics", VectorTopics),
        ("vector-settings", VectorSettings),
        ("vector-example", VectorExample),
    ):
        app.add_directive(name, directive)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
