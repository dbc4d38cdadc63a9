"""grpcio calls our servers of the tutorials' services. Usage: call_tutorials.py FOLDER_OF_PROGRAMS"""

import math
import sys
from pathlib import Path
from queue import Queue

import grpc

import hello_service_pb2
from check import PATIENCE, check, equal, fails_with
from displacement_pb2 import Displacement, PathResponse, Point
from displacement_pb2_grpc import DisplacementServiceStub
from feed_pb2 import Delivery, Receipt
from feed_pb2_grpc import FeatureFeedStub
from hello_service_pb2_grpc import HelloServiceStub
from inventory_pb2 import Filter, GetItemRequest, HelloRequest, Item
from inventory_pb2_grpc import InventoryStub
from program import Server
from route_guide_pb2 import Feature
from route_guide_pb2 import Point as Place
from tutorials import LANGUAGES


def displacement(channel: grpc.Channel) -> None:
    """Distances, and the errors of a displacement that lacks an end."""
    stub = DisplacementServiceStub(channel)
    start, end = Point(x=1, y=2), Point(x=4, y=6)
    with check("computeDisplacement"):
        equal(stub.computeDisplacement(Displacement(start=start, end=end), timeout=PATIENCE).distance, 5.0)
    with check("computeDisplacement from end to end of the plane"):
        widest = Displacement(start=Point(x=-(2**31)), end=Point(x=2**31 - 1))
        equal(stub.computeDisplacement(widest, timeout=PATIENCE).distance, float(2**32))
    for lacking in ("start", "end"):
        with check(f"computeDisplacement without {lacking}"):
            request = Displacement(start=start, end=end)
            request.ClearField(lacking)
            error = fails_with(
                grpc.StatusCode.INVALID_ARGUMENT,
                lambda request=request: stub.computeDisplacement(request, timeout=PATIENCE),
            )
            equal(error.details(), f"the displacement has no {lacking}")
    with check("measurePath"):
        path = [Point(x=step, y=step) for step in range(1001)]
        response = stub.measurePath(iter(path), timeout=PATIENCE)
        equal((response.points, round(response.distance, 6)), (1001, round(1000 * math.sqrt(2), 6)))
    with check("measurePath of no points"):
        equal(stub.measurePath(iter([]), timeout=PATIENCE), PathResponse())


def hello(channel: grpc.Channel) -> None:
    """All four kinds of method, in no package."""
    stub = HelloServiceStub(channel)

    def from_(greeting: str) -> hello_service_pb2.HelloRequest:
        return hello_service_pb2.HelloRequest(greeting=greeting)

    with check("SayHello, in no package"):
        equal(stub.SayHello(from_("you"), timeout=PATIENCE).reply, "Hello, you!")
    with check("LotsOfReplies"):
        replies = [response.reply for response in stub.LotsOfReplies(from_("you"), timeout=PATIENCE)]
        equal(replies, [f"{hello}, you!" for hello in LANGUAGES])
    with check("LotsOfGreetings"):
        greetings = (from_(name) for name in "abc")
        equal(stub.LotsOfGreetings(greetings, timeout=PATIENCE).reply, "Hello, a, b, c!")
    with check("LotsOfGreetings without end"):
        endless = (from_("x" * 1000) for _ in iter(int, 1))
        fails_with(
            grpc.StatusCode.RESOURCE_EXHAUSTED, lambda: stub.LotsOfGreetings(endless, timeout=PATIENCE)
        )
    with check("BidiHello, each reply before the next greeting"):
        names: Queue[str] = Queue()
        replies = stub.BidiHello((from_(name) for name in iter(names.get, "")), timeout=PATIENCE)
        for name in "abc":
            names.put(name)
            equal(next(replies).reply, f"Hello, {name}!")
        names.put("")
        equal(list(replies), [])


def inventory(channel: grpc.Channel) -> None:
    """Items, and every refusal with its code."""
    stub = InventoryStub(channel)
    with check("SayHello of an empty store"):
        reply = stub.SayHello(HelloRequest(name="you"), timeout=PATIENCE)
        equal(reply.message, "Hello, you! The store is empty.")
    with check("AddItem, GetItem, ListItems"):
        items = [Item(name=f"item {number:04}", quantity=number) for number in range(1000)]
        for count, item in enumerate(items, start=1):
            equal(stub.AddItem(item, timeout=PATIENCE).items, count)
        equal(stub.GetItem(GetItemRequest(name="item 0007"), timeout=PATIENCE), items[7])
        equal(list(stub.ListItems(Filter(), timeout=PATIENCE)), items)
        equal(list(stub.ListItems(Filter(name_prefix="item 01"), timeout=PATIENCE)), items[100:200])
    for code, message, call in (
        (
            grpc.StatusCode.ALREADY_EXISTS,
            'there is an item "item 0007" already',
            lambda: stub.AddItem(Item(name="item 0007"), timeout=PATIENCE),
        ),
        (
            grpc.StatusCode.INVALID_ARGUMENT,
            "an item needs a name",
            lambda: stub.AddItem(Item(quantity=1), timeout=PATIENCE),
        ),
        (
            grpc.StatusCode.NOT_FOUND,
            'there is no item "plum"',
            lambda: stub.GetItem(GetItemRequest(name="plum"), timeout=PATIENCE),
        ),
    ):
        with check(f"{code.name}: {message}"):
            equal(fails_with(code, call).details(), message)
    with check("the store is bounded"):

        def add_forever() -> None:
            for number in range(100_000):
                stub.AddItem(Item(name=f"more {number}"), timeout=PATIENCE)

        error = fails_with(grpc.StatusCode.RESOURCE_EXHAUSTED, add_forever)
        equal(error.details(), "the store is full: it has 10000 items")


def feed(channel: grpc.Channel) -> None:
    """Deliveries, each counted once."""
    stub = FeatureFeedStub(channel)
    feature = Feature(name="here", location=Place(latitude=1, longitude=2))
    with check("Deliver, counted once"):
        for id_, received, repeated in ("a", 1, False), ("b", 2, False), ("a", 2, True):
            receipt = stub.Deliver(Delivery(id=id_, feature=feature), timeout=PATIENCE)
            equal(receipt, Receipt(received=received, repeated=repeated))
    for refused, message in (
        (Delivery(feature=feature), "the delivery has no id"),
        (Delivery(id="c"), "the delivery has no feature"),
        (Delivery(id="c", feature=Feature(name="x")), "the feature has no location"),
        (
            Delivery(id="c", feature=Feature(location=Place(latitude=900000001))),
            "90.0000001, 0 is not on the globe",
        ),
    ):
        with check(f"INVALID_ARGUMENT: {message}"):
            error = fails_with(
                grpc.StatusCode.INVALID_ARGUMENT,
                lambda refused=refused: stub.Deliver(refused, timeout=PATIENCE),
            )
            equal(error.details(), message)


def main(programs: Path) -> None:
    """Runs it all."""
    for name, calls in (
        ("displacement", displacement),
        ("hello", hello),
        ("inventory", inventory),
        ("feed", feed),
    ):
        with Server(str(programs / f"{name}_server"), "--addr", "127.0.0.1:0") as server:
            with grpc.insecure_channel(f"127.0.0.1:{server.port}") as channel:
                calls(channel)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
