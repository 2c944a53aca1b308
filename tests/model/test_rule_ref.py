"""How a decision names a rule."""

from builders import rule


def test_a_rule_is_named_by_id_group_and_words():
    ref = rule("tcp 443 from 0.0.0.0/0", rule_id="sgr-1", description="web").ref()
    actual = (ref.rule_id, ref.group_id, str(ref.direction), ref.text, ref.description)
    assert actual == ("sgr-1", "sg-web", "ingress", "tcp 443 from 0.0.0.0/0", "web")
