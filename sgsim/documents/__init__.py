"""Rules as others write them: AWS's JSON output and our own YAML form, both read into one `Inventory`.

Read `load` for what is done with documents, `node` for how a place in one is kept, then one reader: `aws_groups`.
"""

from sgsim.documents.load import load, load_sides
from sgsim.documents.options import parse_interface_option, parse_members_option, parse_path_option

__all__ = ["load", "load_sides", "parse_interface_option", "parse_members_option", "parse_path_option"]
