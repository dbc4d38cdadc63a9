"""grpcio's servers of the services of the tutorials."""

import math
import threading
from collections.abc import Iterable, Iterator
from itertools import pairwise

import grpc

import hello_service_pb2_grpc
import inventory_pb2_grpc
from displacement_pb2 import Displacement, DisplacementResponse, PathResponse, Point
from displacement_pb2_grpc import DisplacementServiceServicer, add_DisplacementServiceServicer_to_server
from feed_pb2 import Delivery, Receipt
from feed_pb2_grpc import FeatureFeedServicer, add_FeatureFeedServicer_to_server
from hello_service_pb2 import HelloRequest, HelloResponse
from inventory_pb2 import AddItemResponse, Filter, GetItemRequest, HelloReply, Item
from inventory_pb2 import HelloRequest as Visitor

LANGUAGES = ("Hello", "Hallo", "Bonjour", "Hola", "Ciao")


class DisplacementService(DisplacementServiceServicer):
    """Distances in a plane."""

    def computeDisplacement(
        self, request: Displacement, context: grpc.ServicerContext
    ) -> DisplacementResponse:
        for end in ("start", "end"):
            if not request.HasField(end):
                context.abort(grpc.StatusCode.INVALID_ARGUMENT, f"the displacement has no {end}")
        return DisplacementResponse(distance=distance(request.start, request.end))

    def measurePath(
        self, request_iterator: Iterable[Point], context: grpc.ServicerContext
    ) -> PathResponse:
        points = list(request_iterator)
        return PathResponse(points=len(points), distance=sum(distance(*pair) for pair in pairwise(points)))


def distance(start: Point, end: Point) -> float:
    """By Pythagoras."""
    return math.hypot(end.x - start.x, end.y - start.y)


class HelloService(hello_service_pb2_grpc.HelloServiceServicer):
    """Greetings in four kinds of method."""

    def SayHello(self, request: HelloRequest, context: grpc.ServicerContext) -> HelloResponse:
        return reply("Hello", request.greeting)

    def LotsOfReplies(self, request: HelloRequest, context: grpc.ServicerContext) -> Iterator[HelloResponse]:
        return (reply(hello, request.greeting) for hello in LANGUAGES)

    def LotsOfGreetings(
        self, request_iterator: Iterable[HelloRequest], context: grpc.ServicerContext
    ) -> HelloResponse:
        return reply("Hello", ", ".join(request.greeting for request in request_iterator))

    def BidiHello(
        self, request_iterator: Iterable[HelloRequest], context: grpc.ServicerContext
    ) -> Iterator[HelloResponse]:
        return (reply("Hello", request.greeting) for request in request_iterator)


def reply(hello: str, greeting: str) -> HelloResponse:
    """A whole sentence."""
    return HelloResponse(reply=f"{hello}, {greeting}!")


class Inventory(inventory_pb2_grpc.InventoryServicer):
    """A store of items."""

    def __init__(self) -> None:
        self._quantities: dict[str, int] = {}
        self._lock = threading.Lock()

    def SayHello(self, request: Visitor, context: grpc.ServicerContext) -> HelloReply:
        items = len(self._quantities)
        store = {0: "The store is empty.", 1: "There is 1 item in the store."}.get(
            items, f"There are {items} items in the store."
        )
        return HelloReply(message=f"Hello, {request.name}! {store}")

    def AddItem(self, request: Item, context: grpc.ServicerContext) -> AddItemResponse:
        with self._lock:
            if request.name in self._quantities:
                message = f'there is an item "{request.name}" already'
                context.abort(grpc.StatusCode.ALREADY_EXISTS, message)
            self._quantities[request.name] = request.quantity
            return AddItemResponse(items=len(self._quantities))

    def GetItem(self, request: GetItemRequest, context: grpc.ServicerContext) -> Item:
        if request.name not in self._quantities:
            context.abort(grpc.StatusCode.NOT_FOUND, f'there is no item "{request.name}"')
        return Item(name=request.name, quantity=self._quantities[request.name])

    def ListItems(self, request: Filter, context: grpc.ServicerContext) -> Iterator[Item]:
        for name, quantity in sorted(self._quantities.items()):
            if name.startswith(request.name_prefix):
                yield Item(name=name, quantity=quantity)


class FeatureFeed(FeatureFeedServicer):
    """Deliveries, each counted once."""

    def __init__(self) -> None:
        self._ids: set[str] = set()
        self._lock = threading.Lock()

    def Deliver(self, request: Delivery, context: grpc.ServicerContext) -> Receipt:
        if not request.id or not request.feature.HasField("location"):
            context.abort(grpc.StatusCode.INVALID_ARGUMENT, "a delivery needs an id, and a feature a location")
        with self._lock:
            repeated = request.id in self._ids
            self._ids.add(request.id)
            return Receipt(received=len(self._ids), repeated=repeated)


def add_tutorials_to_server(server: grpc.Server) -> None:
    """All of them."""
    add_DisplacementServiceServicer_to_server(DisplacementService(), server)
    add_FeatureFeedServicer_to_server(FeatureFeed(), server)
    hello_service_pb2_grpc.add_HelloServiceServicer_to_server(HelloService(), server)
    inventory_pb2_grpc.add_InventoryServicer_to_server(Inventory(), server)
