"""What a plan does not know is found where the configuration refers to one thing, and nowhere else."""

import pytest
from documents.five_forms import block, change, plan
from documents.test_terraform import group, refusal, texts

from sgsim.documents import load

NEW = {"id": True}


def new(name, unknown=None, **values):
    """A group that does not exist yet."""
    after = {key: value for key, value in group(**values).items() if key != "id"}
    return change(name, None, after, unknown={**NEW, **(unknown or {})})


def configured(name, kind="aws_security_group", **expressions):
    return {"type": kind, "name": name, "mode": "managed", "expressions": expressions}


def refers(*names):
    return {"references": list(names)}


def test_a_rule_refers_to_a_group_that_does_not_exist_yet(write):
    ingress = [block("tcp", 443, 443, security_groups=None)]
    expressions = {
        "from_port": {"constant_value": 443},
        "security_groups": refers("aws_security_group.lb.id", "aws_security_group.lb"),
    }
    web = new("web", {"ingress": [{"security_groups": True}]}, ingress=ingress)
    write(
        "plan.json",
        plan(new("lb"), web, configuration={"resources": [configured("lb"), configured("web", ingress=[expressions])]}),
    )
    found = load("plan.json")
    assert texts(found, "aws_security_group.web") == ["tcp 443 from aws_security_group.lb"]
    assert any(
        "aws_security_group.web.ingress[0].security_groups is aws_security_group.lb" in note.text
        for note in found.notes
    )
    named = load("plan.json", assume=["aws_security_group.lb=sg-1"])
    assert texts(named, "aws_security_group.web") == ["tcp 443 from sg-1"]
    assert list(named.groups) == ["sg-1", "aws_security_group.web"]


def test_blocks_of_one_set_are_told_apart_by_what_is_known_of_them(write):
    ingress = [block("tcp", port, port, security_groups=None) for port in (22, 443)]
    blocks = [
        {
            "from_port": {"constant_value": 443},
            "security_groups": refers("aws_security_group.lb.id", "aws_security_group.lb"),
        },
        {
            "from_port": {"constant_value": 22},
            "security_groups": refers("aws_security_group.admin.id", "aws_security_group.admin"),
        },
    ]
    web = new("web", {"ingress": [{"security_groups": True}, {"security_groups": True}]}, ingress=ingress)
    resources = [configured("lb"), configured("admin"), configured("web", ingress=blocks)]
    write("plan.json", plan(new("lb"), new("admin"), web, configuration={"resources": resources}))
    assert texts(load("plan.json"), "aws_security_group.web") == [
        "tcp 22 from aws_security_group.admin",
        "tcp 443 from aws_security_group.lb",
    ]


def rule(name, **values):
    given = {"ip_protocol": "tcp", "from_port": 5432, "to_port": 5432, **values}
    unknown = {"security_group_id": True, "referenced_security_group_id": True}
    return change(name, None, given, "aws_vpc_security_group_ingress_rule", unknown=unknown)


def test_references_lead_through_modules(write):
    """A module's output leads into it, its variable leads out of it."""
    kind = "aws_vpc_security_group_ingress_rule"
    inner = rule("db")
    inner |= {"address": f"module.db.{kind}.db", "module_address": "module.db"}
    child = new("this")
    child |= {"address": "module.db.aws_security_group.this", "module_address": "module.db"}
    expressions = {
        "security_group_id": refers("aws_security_group.this.id", "aws_security_group.this"),
        "referenced_security_group_id": refers("var.client"),
    }
    module = {
        "resources": [configured("this"), configured("db", kind, **expressions)],
        "outputs": {"id": {"expression": refers("aws_security_group.this.id", "aws_security_group.this")}},
    }
    call = {"module": module, "expressions": {"client": refers("module.app.id", "module.app")}}
    app = new("that")
    app |= {"address": "module.app.aws_security_group.that", "module_address": "module.app"}
    other = {
        "module": {
            "resources": [configured("that")],
            "outputs": {"id": {"expression": refers("aws_security_group.that.id", "aws_security_group.that")}},
        }
    }
    write("plan.json", plan(child, app, inner, configuration={"module_calls": {"db": call, "app": other}}))
    assert texts(load("plan.json"), "module.db.aws_security_group.this") == [
        "tcp 5432 from module.app.aws_security_group.that"
    ]


def test_the_same_key_of_a_loop_is_meant(write):
    kind = "aws_vpc_security_group_ingress_rule"
    groups, rules = [], []
    for key in ("a", "b"):
        one = new("tier")
        one |= {"address": f'aws_security_group.tier["{key}"]', "index": key}
        groups.append(one)
        made = rule("self")
        made |= {"address": f'{kind}.self["{key}"]', "index": key}
        rules.append(made)
    looped = refers("aws_security_group.tier", "each.key")
    resources = [
        configured("tier"),
        configured("self", kind, security_group_id=looped, referenced_security_group_id=looped),
    ]
    write("plan.json", plan(*groups, *rules, configuration={"resources": resources}))
    found = load("plan.json")
    for key in ("a", "b"):
        assert texts(found, f'aws_security_group.tier["{key}"]') == [f'tcp 5432 from aws_security_group.tier["{key}"]']


def test_a_reference_to_several_is_refused_where_one_is_asked_for(write):
    kind = "aws_vpc_security_group_ingress_rule"
    groups = []
    for key in (0, 1):
        one = new("tier")
        one |= {"address": f"aws_security_group.tier[{key}]", "index": key}
        groups.append(one)
    splat = refers("aws_security_group.tier")
    resources = [configured("tier"), configured("x", kind, security_group_id=splat, referenced_security_group_id=splat)]
    write("plan.json", plan(*groups, rule("x"), configuration={"resources": resources}))
    found = load("plan.json", assume=[f"{kind}.x.security_group_id=sg-1"])
    (only,) = found.groups["sg-1"].rules
    assert str(only.peer) == "aws_security_group.tier"
    assert any("error where a verdict hinges on them: aws_security_group.tier" in note.text for note in found.notes)


def test_inline_rules_that_nobody_gives_are_none_and_noted(write):
    web = new("web", {"ingress": True, "egress": True})
    del web["change"]["after"]["ingress"], web["change"]["after"]["egress"]
    write("plan.json", plan(web, configuration={"resources": [configured("web")]}))
    found = load("plan.json")
    assert texts(found, "aws_security_group.web") == []
    assert any("are taken as empty: aws_security_group.web.ingress, " in note.text for note in found.notes)


def test_inline_rules_that_an_expression_gives_are_refused(write):
    web = new("web", {"ingress": True})
    del web["change"]["after"]["ingress"]
    write("plan.json", plan(web, configuration={"resources": [configured("web", ingress=refers("local.rules"))]}))
    assert refusal("plan.json").startswith("plan.json, aws_security_group.web.ingress: value must be known, got ")


def shared(*blocks, references, groups=("lb", "admin")):
    """A plan in which all ingress blocks have one expression; a block is a port, and the known groups or None."""
    ingress = [block("tcp", port, port, security_groups=known) for port, known in blocks]
    missing = [{"security_groups": True} if known is None else {} for _, known in blocks]
    resources = [*map(configured, groups), configured("web", ingress=refers(*references))]
    return plan(
        *map(new, groups), new("web", {"ingress": missing}, ingress=ingress), configuration={"resources": resources}
    )


LB = ("aws_security_group.lb.id", "aws_security_group.lb")
ADMIN = ("aws_security_group.admin.id", "aws_security_group.admin")


def test_blocks_with_one_expression_are_told_by_what_is_left(write):
    """Terraform writes one list of references for all `ingress` blocks of a group."""
    write(
        "plan.json",
        shared((443, None), (22, ["sg-old"]), references=("var.port", "aws_vpc.main.cidr_block", "aws_vpc.main", *LB)),
    )
    assert texts(load("plan.json"), "aws_security_group.web") == [
        "tcp 443 from aws_security_group.lb",
        "tcp 22 from sg-old",
    ]
    write("plan.json", shared((443, None), (22, None), references=LB))
    assert texts(load("plan.json"), "aws_security_group.web") == [
        "tcp 443 from aws_security_group.lb",
        "tcp 22 from aws_security_group.lb",
    ]


def test_blocks_with_one_expression_that_may_mean_either_are_not_guessed(write):
    write("plan.json", shared((443, None), (22, None), references=(*LB, *ADMIN)))
    found = load("plan.json")
    assert texts(found, "aws_security_group.web") == [
        "tcp 443 from aws_security_group.web.ingress[0].security_groups",
        "tcp 22 from aws_security_group.web.ingress[1].security_groups",
    ]
    assumed = [
        f"aws_security_group.web.ingress[{index}].security_groups={name}" for index, name in enumerate(("a", "b"))
    ]
    assert texts(load("plan.json", assume=assumed), "aws_security_group.web") == ["tcp 443 from a", "tcp 22 from b"]


def test_a_local_among_the_references_may_hide_a_group(write):
    write("plan.json", shared((443, None), references=("local.group", *LB)))
    (rule,) = load("plan.json").groups["aws_security_group.web"].rules
    assert str(rule.peer) != "aws_security_group.lb"


LISTED = {"constant_value": 443}


@pytest.mark.parametrize(
    ("module", "place"),
    [
        (5, "configuration.root_module"),
        ({"resources": 5}, "configuration.root_module.resources"),
        ({"resources": [5]}, "configuration.root_module.resources[0]"),
        ({"resources": [{"expressions": 5}]}, "configuration.root_module.resources[0].expressions"),
        (
            {"resources": [{"expressions": {"ingress": 5}}]},
            "configuration.root_module.resources[0].expressions.ingress",
        ),
        (
            {"resources": [{"expressions": {"ingress": {"references": 5}}}]},
            "configuration.root_module.resources[0].expressions.ingress.references",
        ),
        ({"module_calls": {"web": 5}}, "configuration.root_module.module_calls.web"),
        ({"outputs": {"id": {"expression": 5}}}, "configuration.root_module.outputs.id.expression"),
    ],
)
def test_a_configuration_of_another_shape_is_refused_with_its_place(write, module, place):
    document = plan(new("web"), configuration=module)
    assert refusal(write("plan.json", document)).startswith(f"plan.json, {place}: ")


def test_what_is_null_in_a_configuration_is_not_there(write):
    nothing = {"resources": None, "module_calls": {"web": {"expressions": None, "module": None}}, "outputs": None}
    ingress = [block("tcp", 443, 443, security_groups=None)]
    blocks = [{"from_port": LISTED, "security_groups": None, "self": {"references": None}}]
    given = {"resources": [{**configured("web", ingress=blocks, egress=None), "mode": None}], "module_calls": None}
    for each in (nothing, given):
        write(
            "plan.json", plan(new("web", {"ingress": [{"security_groups": True}]}, ingress=ingress), configuration=each)
        )
        (rule,) = load("plan.json").groups["aws_security_group.web"].rules
        assert str(rule.peer) == "aws_security_group.web.ingress[0].security_groups"


def test_what_is_unknown_must_have_the_shape_of_the_values(write):
    whole = change("web", None, group(), unknown=True)
    assert refusal(write("plan.json", plan(whole))).startswith("plan.json, resource_changes[0].change.after_unknown: ")
    write("plan.json", plan(change("web", None, group(), unknown=False)))
    assert list(load("plan.json").groups) == ["sg-web"]
