"""From files to what they say: which files, which syntax, which form.

What a file is, is told by its content. A file that is none of the known documents is refused, never passed over.
"""

import json
import re
import stat
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from sgsim.documents.assumptions import Assumptions
from sgsim.documents.aws_json import COMMANDS, read_response, responses
from sgsim.documents.contents import Contents
from sgsim.documents.forms import AFTER, SIDES, is_plan, is_template, is_terraform
from sgsim.documents.json_syntax import JsonPlaces, read_json
from sgsim.documents.node import Document, Node, listed
from sgsim.documents.yaml_doc import KEYS, is_own_form, read_own_form
from sgsim.documents.yaml_syntax import read_yaml
from sgsim.errors import DocumentError, SgsimError

MOST_BYTES: Final = 1 << 30
"""Of a document: all that `aws ec2 describe-*` prints of the largest accounts is a tenth of it."""

_HALF: Final = re.compile(r"\\[uU](?:0000)?[dD][89a-fA-F]")
"""How a half of a surrogate pair is written, and each half of a whole one."""

_YAML_SUFFIXES: Final = frozenset({".yaml", ".yml"})
_SUFFIXES: Final = _YAML_SUFFIXES | {".json"}


def find_files(paths: Iterable[str | Path]) -> list[Path]:
    """List the files that some paths mean: files as they are, and the documents of directories, sorted by name.

    Raises:
        DocumentError: If a directory has no document.
    """
    files: dict[Path, Path] = {}
    for path in map(Path, paths):
        for file in _documents_in(path) if path.is_dir() else [path]:
            files.setdefault(file.resolve(), file)
    return list(files.values())


def _documents_in(directory: Path) -> list[Path]:
    try:
        files = sorted(file for file in directory.iterdir() if file.suffix.lower() in _SUFFIXES and file.is_file())
    except OSError as error:
        raise _at(directory, f"directory must be readable, got: {error.strerror}") from error
    if not files:
        raise _at(directory, f"directory must hold documents named *{', *'.join(sorted(_SUFFIXES))}, got none")
    return files


def _at(path: Path, text: str) -> DocumentError:
    error = DocumentError(text)
    error.add_note(str(path))
    return error


def _split_side(path: Path) -> tuple[Path, str]:
    """Read `FILE#before` and `FILE#after`; a file of exactly that name wins."""
    name, _, side = path.name.rpartition("#")
    return (path.with_name(name), side) if name and side in SIDES and not path.exists() else (path, "")


def read_file(path: Path, assumptions: Assumptions | None = None) -> list[Contents]:
    """Read all that a file says.

    Args:
        path: The file; `#before` or `#after` behind it says which side of a Terraform plan is meant.
        assumptions: What to take for values that a document leaves open.

    Raises:
        DocumentError: If it cannot be read, or is no document that we know.
        RuleError: If a rule in it says what no security group can say.
    """
    assumptions = Assumptions() if assumptions is None else assumptions
    file, side = _split_side(path)
    try:
        documents = list(_parse(file, str(path)))
        contents = [part for document in documents for part in _read(document.root, assumptions, side)]
    except SgsimError as error:
        error.add_note(str(path))
        raise
    except RecursionError as error:
        raise _at(path, "document must be nested less deep, got more levels than can be read") from error
    notes = documents[0].tally.notes(str(path))
    return [*contents, Contents(origin=str(path)).noting(notes)]


def read_roots(path: str | Path) -> list[Node]:
    """Parse a file that is no document about a network, such as one of tests: the root of each document in it.

    Raises:
        DocumentError: If it cannot be read; `naming_file` adds which.
    """
    return [document.root for document in _parse(Path(path), str(path))]


@contextmanager
def naming_file(path: str | Path) -> Iterator[None]:
    """Name a file in errors from inside, behind the place in it."""
    try:
        yield
    except SgsimError as error:
        error.add_note(str(path))
        raise


def read_value(value: object, origin: str) -> list[Contents]:
    """Read all that a document says that is parsed already: plain dictionaries, lists and scalars.

    Raises:
        DocumentError: If it is no document that we know.
        RuleError: If a rule in it says what no security group can say.
    """
    document = Document(origin, value, JsonPlaces(""))
    try:
        contents = list(_read(document.root, Assumptions(), ""))
    except SgsimError as error:
        error.add_note(origin)
        raise
    return [*contents, Contents(origin=origin).noting(document.tally.notes(origin))]


def _parse(path: Path, origin: str) -> Iterator[Document]:
    text = _text(path)
    suffix = path.suffix.lower()
    is_json = suffix == ".json" or (suffix not in _YAML_SUFFIXES and text.lstrip().startswith(("{", "[")))
    documents = read_json(text, origin) if is_json else read_yaml(text, origin)
    return map(_checked, documents) if _HALF.search(text) else documents


def _checked(document: Document) -> Document:
    """A document whose texts can all be written, as halves of surrogate pairs cannot."""
    for path, text in _texts(document.value, ()):
        if any("\ud800" <= character <= "\udfff" for character in text):
            raise Node(document, text, path).error(f"text must be whole characters, got half of one: {text!a}")
    return document


def _texts(value: object, path: tuple[str | int, ...]) -> Iterator[tuple[tuple[str | int, ...], str]]:
    """Every text in a value, keys too, and where it stands."""
    if isinstance(value, str):
        yield path, value
    elif isinstance(value, dict):
        for key, member in value.items():
            yield path, key
            yield from _texts(member, (*path, key))
    elif isinstance(value, list):
        for index, member in enumerate(value):
            yield from _texts(member, (*path, index))


def _text(path: Path) -> str:
    """The text of a file; PowerShell writes UTF-16 where other shells write UTF-8."""
    try:
        content = _content(path)
        return content.decode(json.detect_encoding(content)).removeprefix("\ufeff")
    except OSError as error:
        raise DocumentError(f"document must be a readable file, got: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise DocumentError("document must be text in UTF-8 or UTF-16, got other bytes") from error


def _content(path: Path) -> bytes:
    """All bytes of a file or a pipe; a device such as /dev/zero has no end, and neither may what fills a pipe."""
    mode = path.stat().st_mode
    if not (stat.S_ISREG(mode) or stat.S_ISFIFO(mode) or stat.S_ISDIR(mode)):
        raise DocumentError("document must be a file or a pipe, got a device or socket")
    with path.open("rb") as stream:
        content = stream.read(MOST_BYTES + 1)
    if len(content) > MOST_BYTES:
        raise DocumentError(f"document must have at most {MOST_BYTES:,} bytes, got more")
    return content


def _read(root: Node, assumptions: Assumptions, side: str) -> Iterator[Contents]:
    if side and not is_plan(root):
        raise root.error(f"document must be a Terraform plan to have a side, got {_what(root)} for #{side}")
    found = responses(root)
    if found is not None:
        for response in found:
            yield from read_response(response)
    elif is_terraform(root):
        from sgsim.documents.terraform import read_terraform  # noqa: PLC0415  # one form, one import

        yield read_terraform(root, assumptions, side or AFTER)
    elif is_template(root):
        from sgsim.documents.cloudformation import read_template  # noqa: PLC0415  # as above

        yield read_template(root, assumptions)
    elif is_own_form(root):
        yield read_own_form(root)
    else:
        raise root.error(
            f"document must be one of: output of aws ec2 {', '.join(COMMANDS)}; a Terraform plan (terraform show -json) or "
            f"state; a CloudFormation template; or sgsim's own form ({', '.join(KEYS)}), got {_what(root)}"
        )


def _what(root: Node) -> str:
    if not isinstance(root.value, dict):
        return "nothing" if root.value is None else root.shown
    return f"an object with keys {listed(root.value, 5)}" if root.value else "an object without keys"
