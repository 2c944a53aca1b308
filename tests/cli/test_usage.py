import json


def test_usage_in_each_form(sgsim, web):
    text = sgsim("usage", *web, "web.pcap")
    assert (text.exit_code, text.stderr) == (0, "")
    assert "Rules that were hit" in text.stdout
    assert json.loads(sgsim("usage", *web, "--format", "json", "web.pcap").stdout)["rules"][0]["hits"] == 1
    assert sgsim("usage", *web, "--format", "csv", "web.pcap").stdout.startswith("rule_id,group_id,direction,text,")


def test_input_that_breaks_off_is_reported_up_to_the_break(sgsim, web, here):
    (here / "cut.pcap").write_bytes((here / "web.pcap").read_bytes()[:-10])
    result = sgsim("usage", *web, "cut.pcap")
    assert result.exit_code == 2
    assert "Rules that were hit" in result.stdout
    assert "cut.pcap" in result.stderr


def test_bad_input_is_one_line(refused, web):
    assert "nowhere.pcap" in refused("usage", *web, "nowhere.pcap")
