"""One group as each form writes it: web servers behind a load balancer, with every kind of peer and service."""

from typing import Any

GROUP_ID = "sg-web"

YAML = """
    groups:
      sg-web:
        name: web
        description: Web servers
        vpc: vpc-1
        ingress:
          - {protocol: tcp, ports: 80, from: 0.0.0.0/0, description: http}
          - {protocol: tcp, ports: 443, from: sg-lb}
          - {protocol: udp, ports: 4000-4100, from: pl-1}
          - {protocol: icmp, icmp: {type: 8}, from: 10.0.0.0/8}
          - {protocol: icmpv6, from: "2001:db8::/32"}
          - {protocol: all, from: sg-web}
        egress:
          - {protocol: all, to: 0.0.0.0/0}
          - {protocol: 50, to: "2001:db8:1::/48"}
"""

DESCRIBE = {
    "SecurityGroups": [
        {
            "GroupId": GROUP_ID,
            "GroupName": "web",
            "Description": "Web servers",
            "VpcId": "vpc-1",
            "IpPermissions": [
                {
                    "IpProtocol": "tcp",
                    "FromPort": 80,
                    "ToPort": 80,
                    "IpRanges": [{"CidrIp": "0.0.0.0/0", "Description": "http"}],
                },
                {"IpProtocol": "tcp", "FromPort": 443, "ToPort": 443, "UserIdGroupPairs": [{"GroupId": "sg-lb"}]},
                {"IpProtocol": "udp", "FromPort": 4000, "ToPort": 4100, "PrefixListIds": [{"PrefixListId": "pl-1"}]},
                {"IpProtocol": "icmp", "FromPort": 8, "ToPort": -1, "IpRanges": [{"CidrIp": "10.0.0.0/8"}]},
                {"IpProtocol": "icmpv6", "Ipv6Ranges": [{"CidrIpv6": "2001:db8::/32"}]},
                {"IpProtocol": "-1", "UserIdGroupPairs": [{"GroupId": GROUP_ID}]},
            ],
            "IpPermissionsEgress": [
                {"IpProtocol": "-1", "IpRanges": [{"CidrIp": "0.0.0.0/0"}]},
                {"IpProtocol": "50", "Ipv6Ranges": [{"CidrIpv6": "2001:db8:1::/48"}]},
            ],
        }
    ]
}


def block(protocol: str, first: int, last: int, **peers: Any) -> dict[str, Any]:
    """A block of `aws_security_group` as plans and states write it, with all its nine keys."""
    return {
        "cidr_blocks": [],
        "description": "",
        "from_port": first,
        "ipv6_cidr_blocks": [],
        "prefix_list_ids": [],
        "protocol": protocol,
        "security_groups": [],
        "self": False,
        "to_port": last,
        **peers,
    }


ATTRIBUTES = {
    "id": GROUP_ID,
    "arn": "arn:aws:ec2:eu-central-1:123456789012:security-group/sg-web",
    "name": "web",
    "description": "Web servers",
    "vpc_id": "vpc-1",
    "ingress": [
        block("tcp", 80, 80, cidr_blocks=["0.0.0.0/0"], description="http"),
        block("tcp", 443, 443, security_groups=["sg-lb"]),
        block("udp", 4000, 4100, prefix_list_ids=["pl-1"]),
        block("icmp", 8, -1, cidr_blocks=["10.0.0.0/8"]),
        block("icmpv6", -1, -1, ipv6_cidr_blocks=["2001:db8::/32"]),
        block("-1", 0, 0, self=True),
    ],
    "egress": [
        block("-1", 0, 0, cidr_blocks=["0.0.0.0/0"]),
        block("50", 0, 0, ipv6_cidr_blocks=["2001:db8:1::/48"]),
    ],
}

STATE = {
    "version": 4,
    "terraform_version": "1.9.0",
    "serial": 3,
    "lineage": "b8a3",
    "outputs": {},
    "resources": [
        {
            "mode": "managed",
            "type": "aws_security_group",
            "name": "web",
            "provider": 'provider["registry.terraform.io/hashicorp/aws"]',
            "instances": [{"schema_version": 1, "attributes": ATTRIBUTES}],
        }
    ],
}


def resource(name: str, values: dict[str, Any], kind: str = "aws_security_group", **more: Any) -> dict[str, Any]:
    """A resource of `values` or `planned_values`."""
    return {"address": f"{kind}.{name}", "mode": "managed", "type": kind, "name": name, "values": values, **more}


def change(
    name: str,
    before: dict[str, Any] | None,
    after: dict[str, Any] | None,
    kind: str = "aws_security_group",
    unknown: Any = None,
    **more: Any,
) -> dict[str, Any]:
    """A member of `resource_changes`."""
    actions = ["create"] if before is None else ["delete"] if after is None else ["update"]
    return {
        "address": f"{kind}.{name}",
        "mode": "managed",
        "type": kind,
        "name": name,
        "change": {"actions": actions, "before": before, "after": after, "after_unknown": unknown or {}},
        **more,
    }


def plan(
    *changes: dict[str, Any], configuration: dict[str, Any] | None = None, prior: list[dict[str, Any]] | None = None
) -> dict[str, Any]:
    """A plan with these changes, as `terraform show -json` prints it."""
    return {
        "format_version": "1.2",
        "terraform_version": "1.9.0",
        "planned_values": {"root_module": {}},
        "resource_changes": list(changes),
        "prior_state": {"format_version": "1.0", "values": {"root_module": {"resources": prior or []}}},
        "configuration": {"root_module": configuration or {}},
    }


SHOWN_STATE = {
    "format_version": "1.0",
    "terraform_version": "1.9.0",
    "values": {"root_module": {"resources": [resource("web", ATTRIBUTES)]}},
}

PLAN = plan(change("web", None, ATTRIBUTES))

TEMPLATE = """
    AWSTemplateFormatVersion: 2010-09-09
    Parameters:
      Vpc: {Type: "AWS::EC2::VPC::Id", Default: vpc-1}
      LoadBalancers: {Type: "AWS::EC2::SecurityGroup::Id", Default: sg-lb}
    Resources:
      Web:
        Type: AWS::EC2::SecurityGroup
        Properties:
          GroupName: web
          GroupDescription: Web servers
          VpcId: !Ref Vpc
          SecurityGroupIngress:
            - {IpProtocol: tcp, FromPort: 80, ToPort: "80", CidrIp: 0.0.0.0/0, Description: http}
            - {IpProtocol: tcp, FromPort: 443, ToPort: 443, SourceSecurityGroupId: !Ref LoadBalancers}
            - {IpProtocol: udp, FromPort: 4000, ToPort: 4100, SourcePrefixListId: pl-1}
            - {IpProtocol: icmp, FromPort: 8, ToPort: -1, CidrIp: !Sub "${Net}/8"}
            - {IpProtocol: icmpv6, CidrIpv6: "2001:db8::/32"}
          SecurityGroupEgress:
            - {IpProtocol: "-1", CidrIp: 0.0.0.0/0}
            - {IpProtocol: 50, CidrIpv6: "2001:db8:1::/48"}
      FromItself:
        Type: AWS::EC2::SecurityGroupIngress
        Properties: {GroupId: !GetAtt Web.GroupId, IpProtocol: -1, SourceSecurityGroupId: !Ref Web}
"""
TEMPLATE = TEMPLATE.replace("    Resources:", "      Net: {Type: String, Default: 10.0.0.0}\n    Resources:", 1)
ASSUMED = ("Web=sg-web",)
"""What makes the template's group the one of the other forms."""
