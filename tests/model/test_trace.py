"""The way of a packet, as facts."""

from sgsim.model.trace import Step, Trace, TraceStep


def test_steps_are_kept_in_the_order_taken():
    trace = Trace()
    trace.add(Step.EXEMPT, "no")
    trace.add(Step.ROOM, "full", count=3, capacity=3)
    assert trace.steps == [TraceStep(Step.EXEMPT, "no", {}), TraceStep(Step.ROOM, "full", {"count": 3, "capacity": 3})]
