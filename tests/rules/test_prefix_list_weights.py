"""What prefix lists that AWS keeps count."""

from sgsim.rules.prefix_list_weights import WEIGHTS, weight_of


def test_every_documented_list_of_aws_has_one_weight():
    names = [
        "com.amazonaws.eu-central-1.s3",
        "com.amazonaws.global.ipv6.cloudfront.origin-facing",
        "com.amazonaws.us-east-1.ipv6.vpc-lattice",
    ]
    assert [weight_of(name) for name in names] == [1, 55, 10]
    assert weight_of("com.amazonaws.eu-central-1.s3x") is None
    assert len({pattern for pattern, _ in WEIGHTS}) == len(WEIGHTS)
