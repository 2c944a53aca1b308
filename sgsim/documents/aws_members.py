"""The members of AWS's objects that we know.

Those that readers use stand first; the others say nothing that a security group's verdict depends on. Everything else
is counted as unknown, so that a new member of the API is noticed.

Source: `[aws-api]`, member names as in botocore.
"""

from typing import Final


def _names(used: str, unused: str = "") -> frozenset[str]:
    return frozenset((used + " " + unused).split())


RESPONSE: Final = _names("NextToken", "ResponseMetadata Return")
"""What may stand beside the list that a response is about."""

SECURITY_GROUP: Final = _names(
    "GroupId GroupName IpPermissions IpPermissionsEgress OwnerId VpcId Description", "SecurityGroupArn Tags"
)
IP_PERMISSION: Final = _names("IpProtocol FromPort ToPort IpRanges Ipv6Ranges PrefixListIds UserIdGroupPairs")
IP_RANGE: Final = _names("CidrIp Description")
IPV6_RANGE: Final = _names("CidrIpv6 Description")
PREFIX_LIST_ID: Final = _names("PrefixListId Description")
GROUP_PAIR: Final = _names("GroupId GroupName UserId PeeringStatus VpcPeeringConnectionId Description", "VpcId")
SECURITY_GROUP_RULE: Final = _names(
    "SecurityGroupRuleId GroupId GroupOwnerId IsEgress IpProtocol FromPort ToPort CidrIpv4 CidrIpv6 PrefixListId "
    "ReferencedGroupInfo Description",
    "SecurityGroupRuleArn Tags",
)
STALE_GROUP: Final = _names("GroupId StaleIpPermissions StaleIpPermissionsEgress", "GroupName VpcId Description")

NETWORK_INTERFACE: Final = _names(
    "NetworkInterfaceId PrivateIpAddress PrivateIpAddresses Ipv6Address Ipv6Addresses Ipv4Prefixes Ipv6Prefixes Groups "
    "Attachment Association SubnetId VpcId ConnectionTrackingConfiguration",
    "AssociatedSubnets AvailabilityZone AvailabilityZoneId DenyAllIgwTraffic Description InterfaceType MacAddress "
    "NetworkInterfaceArn Operator OutpostArn OwnerId PrivateDnsName PublicDnsName PublicIpDnsNameOptions RequesterId "
    "RequesterManaged SourceDestCheck Status TagSet Tags",
)
INTERFACE_ADDRESS: Final = _names("PrivateIpAddress Association", "Primary PrivateDnsName")
IPV6_ADDRESS: Final = _names("Ipv6Address", "IsPrimaryIpv6 PublicIpv6DnsName")
CONNECTION_TRACKING: Final = _names("TcpEstablishedTimeout UdpStreamTimeout UdpTimeout")
INSTANCE: Final = _names(
    "InstanceId InstanceType NetworkInterfaces",
    "AmiLaunchIndex Architecture BlockDeviceMappings BootMode CapacityReservationId CapacityReservationSpecification "
    "ClientToken CpuOptions CurrentInstanceBootMode EbsOptimized ElasticGpuAssociations "
    "ElasticInferenceAcceleratorAssociations EnaSupport EnclaveOptions HibernationOptions Hypervisor IamInstanceProfile "
    "ImageId InstanceLifecycle Ipv6Address KernelId KeyName LaunchTime Licenses MaintenanceOptions MetadataOptions "
    "Monitoring NetworkPerformanceOptions Operator OutpostArn Placement Platform PlatformDetails PrivateDnsName "
    "PrivateDnsNameOptions PrivateIpAddress ProductCodes PublicDnsName PublicIpAddress RamdiskId RootDeviceName "
    "RootDeviceType SecurityGroups SourceDestCheck SpotInstanceRequestId SriovNetSupport State StateReason "
    "StateTransitionReason SubnetId Tags TpmSupport UsageOperation UsageOperationUpdateTime VirtualizationType VpcId",
)
RESERVATION: Final = _names("Instances", "Groups OwnerId RequesterId ReservationId")

PREFIX_LIST: Final = _names(
    "PrefixListId PrefixListName MaxEntries OwnerId Cidrs",
    "AddressFamily IpamPrefixListResolverSyncEnabled IpamPrefixListResolverTargetId PrefixListArn State StateMessage Tags "
    "Version",
)
PREFIX_LIST_ENTRY: Final = _names("Cidr", "Description")

VPC: Final = _names(
    "VpcId CidrBlock CidrBlockAssociationSet Ipv6CidrBlockAssociationSet",
    "BlockPublicAccessStates DhcpOptionsId EncryptionControl InstanceTenancy IsDefault OwnerId State Tags",
)
SUBNET: Final = _names(
    "SubnetId VpcId CidrBlock Ipv6CidrBlockAssociationSet",
    "AssignIpv6AddressOnCreation AvailabilityZone AvailabilityZoneId AvailableIpAddressCount BlockPublicAccessStates "
    "CustomerOwnedIpv4Pool DefaultForAz EnableDns64 EnableLniAtDeviceIndex Ipv6Native MapCustomerOwnedIpOnLaunch "
    "MapPublicIpOnLaunch OutpostArn OwnerId PrivateDnsNameOptionsOnLaunch State SubnetArn Tags Type",
)
NETWORK_ACL: Final = _names("NetworkAclId VpcId Associations Entries Tags", "IsDefault OwnerId")
NETWORK_ACL_ASSOCIATION: Final = _names("SubnetId", "NetworkAclAssociationId NetworkAclId")
NETWORK_ACL_ENTRY: Final = _names(
    "RuleNumber RuleAction Protocol Egress CidrBlock Ipv6CidrBlock PortRange IcmpTypeCode"
)
