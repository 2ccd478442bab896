"""The graph of services: whose numbers it shows, and what it says of a service that is away."""

from oddsock.clients.kubernetes.objects import Deployment, FaultObject
from oddsock.clients.sockshop.counters import Sample, read_samples
from oddsock.console.flow import SAMPLES_MAX, WAYS, WINDOW_S, Counts, Edge, Flow, Node, Rate, draw

PAYMENT = ("orders", "payment")


def deployments(**counts: int) -> list[Deployment]:
    names = {"front_end": "front-end", **{name: name for name in counts}}
    return [
        Deployment(name=names[name], replicas=count, ready=count, available=count) for name, count in counts.items()
    ]


def counted(pending: int, failed: int) -> dict[str, list[Sample]]:
    text = f'shop_orders_by_status_total{{status="PENDING"}} {pending}\nshop_orders_failed_total {failed}\n'
    return {"orders": list(read_samples(text))}


def node(flow: Flow, name: str) -> Node:
    return next(one for one in flow.nodes if one.name == name)


def edge(flow: Flow, caller: str, callee: str) -> Edge:
    return next(one for one in flow.edges if (one.caller, one.callee) == (caller, callee))


def test_a_rate_is_the_growth_between_two_looks() -> None:
    counts = Counts()
    counts.add(0.0, counted(10, 1))
    assert counts.rate(*PAYMENT) is None

    counts.add(10.0, counted(30, 6))

    assert counts.rate(*PAYMENT) == Rate(calls=2.0, errors=0.5)


def test_a_process_that_began_anew_counts_from_zero() -> None:
    counts = Counts()
    counts.add(0.0, counted(100, 100))
    counts.add(10.0, counted(20, 0))

    assert counts.rate(*PAYMENT) == Rate(calls=2.0, errors=0.0)


def test_old_looks_are_forgotten_and_there_are_never_more_than_there_is_room_for() -> None:
    counts = Counts()
    for second in range(200):
        counts.add(float(second), counted(second, 0))

    assert counts.window_s <= WINDOW_S
    for step in range(SAMPLES_MAX * 2):
        counts.add(199 + step / 1000, counted(199, 0))
    assert len(counts._looks) <= SAMPLES_MAX


def test_a_service_that_stopped_answering_has_no_rate_any_more() -> None:
    counts = Counts()
    counts.add(0.0, counted(0, 0))
    counts.add(1.0, counted(5, 0))
    counts.add(2.0, {"orders": None})

    assert counts.rate(*PAYMENT) is None


def test_requests_of_probes_and_scrapes_are_no_calls() -> None:
    text = (
        'http_request_duration_seconds_count{method="GET",path="/health",status_code="200"} 62\n'
        'http_request_duration_seconds_count{method="GET",path="/metrics",status_code="200"} 7\n'
        'http_request_duration_seconds_count{method="POST",path="/orders",status_code="201"} 2\n'
        'http_request_duration_seconds_count{method="POST",path="/orders",status_code="500"} 3\n'
        'http_request_duration_seconds_count{method="POST",path="/orders",status_code="406"} 4\n'
    )
    way = next(one for one in WAYS if (one.caller, one.callee) == ("front-end", "orders"))
    samples = list(read_samples(text))

    assert sum(one.value for one in samples if way.calls(one)) == 9
    assert sum(one.value for one in samples if way.errors(one)) == 7


def test_a_service_scaled_to_zero_is_off_and_the_way_to_it_is_cut() -> None:
    flow = draw(deployments(orders=1, payment=0), [], {}, ["payment"], Counts())

    assert (node(flow, "payment").state, node(flow, "orders").state) == ("off", "well")
    assert edge(flow, "orders", "payment").state == "cut"


def test_a_service_that_is_available_and_does_not_answer_is_silent() -> None:
    flow = draw(deployments(orders=1, payment=1), [], {"payment": "no answer in time"}, [], Counts())

    assert node(flow, "payment").state == "silent"
    assert "no answer in time" in node(flow, "payment").sentence


def test_a_fault_in_force_is_named_at_its_target() -> None:
    slow = FaultObject(name="a", type="latency", target="payment", state="Active")
    flow = draw(deployments(orders=1, payment=1), [slow], {}, [], Counts())

    assert (node(flow, "payment").state, "latency" in node(flow, "payment").sentence) == ("hurt", True)


def test_a_gateway_that_nobody_started_is_not_drawn_and_one_that_somebody_broke_is() -> None:
    shop = deployments(payment=1, gateway=0)

    assert "gateway" not in [one.name for one in draw(shop, [], {}, [], Counts()).nodes]
    assert "gateway" in [one.name for one in draw(shop, [], {}, ["gateway"], Counts()).nodes]


def test_errors_make_a_way_red_although_its_service_is_well() -> None:
    counts = Counts()
    counts.add(0.0, counted(0, 0))
    counts.add(1.0, counted(5, 5))

    assert edge(draw(deployments(orders=1, payment=1), [], {}, [], counts), *PAYMENT).state == "erring"


def test_no_shop_has_no_graph() -> None:
    assert draw([], [], {}, [], Counts()).nodes == []
