"""The fields of VPC flow log records, as data: names, versions, and types in Parquet.

A record is one direction of a five-tuple at one interface within a window of time. Which fields it has, and in which
order, is up to whoever made the flow log; `sgsim.sources.flow_log_format` reads that.

Source: `[aws-flr]`. Version 6 is that of Transit Gateway flow logs (`[aws-tgw-fl]`), which have fields of
their own and no security groups.
"""

import enum
from typing import Final

from attrs import frozen


class FieldType(enum.Enum):
    """What a field holds in Parquet; in text everything is text."""

    INT32 = "INT_32"
    INT64 = "INT_64"
    STRING = "STRING"


@frozen
class FlowLogField:
    """One field."""

    name: str
    """As formats and header lines write it: `log-status`."""
    version: int
    """The version of flow logs that brought it."""
    type: FieldType = FieldType.STRING

    @property
    def column(self) -> str:
        """Its name in Parquet: `log_status`."""
        return self.name.replace("-", "_")


_INT32, _INT64 = FieldType.INT32, FieldType.INT64

FLOW_LOG_FIELDS: Final[tuple[FlowLogField, ...]] = (
    FlowLogField("version", 2, _INT32),
    FlowLogField("account-id", 2),
    FlowLogField("interface-id", 2),
    FlowLogField("srcaddr", 2),
    FlowLogField("dstaddr", 2),
    FlowLogField("srcport", 2, _INT32),
    FlowLogField("dstport", 2, _INT32),
    FlowLogField("protocol", 2, _INT32),
    FlowLogField("packets", 2, _INT64),
    FlowLogField("bytes", 2, _INT64),
    FlowLogField("start", 2, _INT64),
    FlowLogField("end", 2, _INT64),
    FlowLogField("action", 2),
    FlowLogField("log-status", 2),
    FlowLogField("vpc-id", 3),
    FlowLogField("subnet-id", 3),
    FlowLogField("instance-id", 3),
    FlowLogField("tcp-flags", 3, _INT32),
    FlowLogField("type", 3),
    FlowLogField("pkt-srcaddr", 3),
    FlowLogField("pkt-dstaddr", 3),
    FlowLogField("region", 4),
    FlowLogField("az-id", 4),
    FlowLogField("sublocation-type", 4),
    FlowLogField("sublocation-id", 4),
    FlowLogField("pkt-src-aws-service", 5),
    FlowLogField("pkt-dst-aws-service", 5),
    FlowLogField("flow-direction", 5),
    FlowLogField("traffic-path", 5, _INT32),
    FlowLogField("ecs-cluster-arn", 7),
    FlowLogField("ecs-cluster-name", 7),
    FlowLogField("ecs-container-instance-arn", 7),
    FlowLogField("ecs-container-instance-id", 7),
    FlowLogField("ecs-container-id", 7),
    FlowLogField("ecs-second-container-id", 7),
    FlowLogField("ecs-service-name", 7),
    FlowLogField("ecs-task-definition-arn", 7),
    FlowLogField("ecs-task-arn", 7),
    FlowLogField("ecs-task-id", 7),
    FlowLogField("reject-reason", 8),
    FlowLogField("resource-id", 9),
    FlowLogField("encryption-status", 10, _INT32),
    FlowLogField("instance-tag", 11),
    FlowLogField("instance-tag-2", 11),
    FlowLogField("interface-tag", 11),
    FlowLogField("interface-tag-2", 11),
    FlowLogField("asg-tag", 11),
    FlowLogField("asg-tag-2", 11),
    FlowLogField("interface-type", 11),
    FlowLogField("next-hop-interface-id", 11),
    FlowLogField("next-hop-subnet-id", 11),
    FlowLogField("next-hop-az-id", 11),
    FlowLogField("next-hop-vpc-id", 11),
    FlowLogField("next-hop-interface-type", 11),
)
"""Every field of VPC flow logs, in the order of the documentation."""

DEFAULT_FIELDS: Final = tuple(field.name for field in FLOW_LOG_FIELDS if field.version == 2)
"""The default format: the fields of version 2 in their order."""

NO_VALUE: Final = "-"
"""What stands in text where a field does not apply or could not be computed."""

FIELDS_BY_NAME: Final = {field.name: field for field in FLOW_LOG_FIELDS}
FIELDS_BY_COLUMN: Final = {field.column: field for field in FLOW_LOG_FIELDS}


class TcpFlagsField(enum.IntFlag):
    """The bits of `tcp-flags`, joined over the window of a record.

    ACK alone is 0: its bit appears only together with SYN, so 18 says that a SYN-ACK was among the packets.
    """

    FIN = 1
    SYN = 2
    RST = 4
    SYN_ACK = 18
