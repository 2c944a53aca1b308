"""AWS's documents, recognised by the lists that they hold.

What the AWS CLI prints, as JSON or YAML, whole or page after page, and what boto3 recorders wrap it in.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Final

from sgsim.documents import aws_members as known
from sgsim.documents.aws_groups import read_security_group_rules, read_security_groups, read_stale_groups
from sgsim.documents.aws_interfaces import read_network_interfaces, read_reservations
from sgsim.documents.aws_network import read_subnets, read_vpcs
from sgsim.documents.aws_network_acls import read_network_acls
from sgsim.documents.aws_prefix_lists import read_entries, read_prefix_lists
from sgsim.documents.contents import Contents
from sgsim.documents.node import Node

READERS: Final[Mapping[str, Callable[[Node], Contents]]] = {
    "SecurityGroups": read_security_groups,
    "SecurityGroupRules": read_security_group_rules,
    "NetworkInterfaces": read_network_interfaces,
    "PrefixLists": read_prefix_lists,
    "Entries": read_entries,
    "Vpcs": read_vpcs,
    "Subnets": read_subnets,
    "NetworkAcls": read_network_acls,
    "Reservations": read_reservations,
    "StaleSecurityGroupSet": read_stale_groups,
}
"""For each list that we know, its reader."""

COMMANDS: Final = (
    "describe-security-groups", "describe-security-group-rules", "describe-network-interfaces",
    "describe-managed-prefix-lists", "describe-prefix-lists", "get-managed-prefix-list-entries", "describe-vpcs", "describe-subnets",
    "describe-network-acls", "describe-instances", "describe-stale-security-groups",
)  # fmt: skip
"""The commands of `aws ec2` whose output we read."""


def responses(root: Node) -> list[Node] | None:
    """The responses of AWS that a document consists of; None if it is something else.

    Raises:
        DocumentError: If it is a recorded response that reports a failure.
    """
    if isinstance(root.value, list) and root.value:
        pages = [responses(item) for item in root.each()]
        return [page for found in pages if found for page in found] if all(pages) else None
    if not isinstance(root.value, dict):
        return None
    if "status_code" in root.value and "data" in root.value:
        return responses(_recorded(root))
    return [root] if READERS.keys() & root.value.keys() else None


def _recorded(root: Node) -> Node:
    """The response inside what placebo, a recorder for boto3, writes."""
    data = root.need("data")
    failure = data.get("Error")
    if failure is not None:
        code, message = failure.text_or_none("Code"), failure.text_or_none("Message")
        raise failure.error(f"recorded response must be a success, got {code}: {message}")
    return data


def read_response(response: Node) -> Iterator[Contents]:
    """Read every list of one response.

    Raises:
        DocumentError: If it has another shape than the API gives.
        RuleError: If a rule says what no security group can say.
    """
    response.count_unknown(known.RESPONSE | READERS.keys())
    if response.get("NextToken") is not None:
        response.count("NextToken says that more pages follow which are not here", response.place or "document")
    for key, read in READERS.items():
        listing = response.get(key)
        if listing is not None:
            yield read(listing)
