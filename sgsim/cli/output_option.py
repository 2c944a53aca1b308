"""Texts and rules, written where an option says."""

from pathlib import Path
from typing import Final

from sgsim.errors import ConfigError
from sgsim.rules.inventory import Inventory

OUTPUT_OPTION: Final = "--output"

RULE_ENDINGS: Final = (".yaml", ".yml", ".json")
"""Ends of names of files of rules: sgsim's own form, and that of `aws ec2 describe-*`."""


def write_text(path: Path, text: str, what: str = OUTPUT_OPTION) -> None:
    """Write a file under a temporary name first, so that nobody finds half of it; a device or pipe stays what it is.

    Args:
        path: The file.
        text: What is to be in it.
        what: What a message calls the file: the option that names it.

    Raises:
        ConfigError: If it cannot be written.
    """
    is_file = path.is_file() or not path.exists()
    target = path.with_name(f".{path.name}.partial") if is_file else path
    try:
        target.write_text(text, encoding="utf-8", errors="backslashreplace", newline="\n")
        if is_file:
            target.replace(path)
    except OSError as error:
        if is_file:
            target.unlink(missing_ok=True)
        raise ConfigError(f"{what} must be a file that can be written, got {str(path)!r}: {error.strerror}") from error


def check_rule_ending(output: str | None) -> None:
    """Refuse a file of rules whose name does not say its form.

    Raises:
        ConfigError: If it ends in none of `RULE_ENDINGS`.
    """
    if output is not None and Path(output).suffix not in RULE_ENDINGS:
        listed = f"{', '.join(RULE_ENDINGS[:-1])} or {RULE_ENDINGS[-1]}"
        raise ConfigError(f"{OUTPUT_OPTION} must end in {listed}, got {output!r}")


def write_rules(path: Path, inventory: Inventory) -> None:
    """Write rules in the form that the file's name ends in.

    Raises:
        ConfigError: If it cannot be written.
    """
    from sgsim.documents.aws_writer import write_describe  # noqa: PLC0415  # only who writes waits for it
    from sgsim.documents.yaml_writer import write_yaml  # noqa: PLC0415  # as above

    write_text(path, write_describe(inventory) if path.suffix == ".json" else write_yaml(inventory))
