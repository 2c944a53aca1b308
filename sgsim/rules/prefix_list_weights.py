"""What prefix lists that AWS keeps count against the quota of rules.

Source: `[aws-pl]`, AWS-managed prefix lists. A list of a customer counts its `MaxEntries`.
"""

import re
from typing import Final

WEIGHTS: Final = (
    (r"com\.amazonaws\.global\.(ipv6\.)?cloudfront\.origin-facing", 55),
    (r"com\.amazonaws\.[a-z0-9-]+\.dynamodb", 1),
    (r"com\.amazonaws\.[a-z0-9-]+\.s3", 1),
    (r"com\.amazonaws\.[a-z0-9-]+\.s3express", 6),
    (r"com\.amazonaws\.[a-z0-9-]+\.(ipv6\.)?ec2-instance-connect", 2),
    (r"com\.amazonaws\.global\.groundstation", 5),
    (r"com\.amazonaws\.[a-z0-9-]+\.(ipv6\.)?route53-healthchecks", 25),
    (r"com\.amazonaws\.[a-z0-9-]+\.(ipv6\.)?vpc-lattice", 10),
)
"""Patterns of names, and what each list counts."""


def weight_of(name: str) -> int | None:
    """What a list of AWS counts, by its name; None if it is none that AWS documents."""
    return next((weight for pattern, weight in WEIGHTS if re.fullmatch(pattern, name)), None)
