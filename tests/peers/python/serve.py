"""A grpcio server of everything our clients call: the services of the examples and the peer service.

Usage: serve.py PLACES.json. Prints `listening on ADDR:PORT` and serves until it is ended.
"""

import json
import math
import sys
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from pathlib import Path

import grpc
from google.rpc import status_pb2
from grpc_status import rpc_status

from helloworld_pb2 import HelloReply, HelloRequest
from helloworld_pb2_grpc import GreeterServicer, add_GreeterServicer_to_server
from peer_pb2 import Answer, Ask, Seen, WitnessRequest
from peer_pb2_grpc import PeerServicer, add_PeerServicer_to_server
from relay import Relay
from route_guide_pb2 import Feature, Point, Rectangle, RouteNote, RouteSummary
from route_guide_pb2_grpc import RouteGuideServicer, add_RouteGuideServicer_to_server
from tutorials import add_tutorials_to_server

YEAR = 365 * 24 * 3600.0
CODES = {code.value[0]: code for code in grpc.StatusCode}


class Greeter(GreeterServicer):
    """The greeter."""

    def SayHello(self, request: HelloRequest, context: grpc.ServicerContext) -> HelloReply:
        return HelloReply(message=f"Hello, {request.name}!")

    def SayHelloAgain(self, request: HelloRequest, context: grpc.ServicerContext) -> HelloReply:
        return HelloReply(message=f"Hello again, {request.name}!")


def metres_between(start: Point, end: Point) -> float:
    """The great circle between two points, by the haversine formula."""
    latitude, to_latitude = math.radians(start.latitude / 1e7), math.radians(end.latitude / 1e7)
    east = math.radians((end.longitude - start.longitude) / 1e7)
    a = (
        math.sin((to_latitude - latitude) / 2) ** 2
        + math.cos(latitude) * math.cos(to_latitude) * math.sin(east / 2) ** 2
    )
    return 2 * 6_371_000 * math.atan2(math.sqrt(a), math.sqrt(1 - a))


class RouteGuide(RouteGuideServicer):
    """The route guide."""

    def __init__(self, places: Path) -> None:
        self._features = [Feature(**place) for place in json.loads(places.read_text())]
        self._names = {(f.location.latitude, f.location.longitude): f.name for f in self._features}
        self._notes: dict[tuple[int, int], list[RouteNote]] = defaultdict(list)
        self._lock = threading.Lock()

    def GetFeature(self, request: Point, context: grpc.ServicerContext) -> Feature:
        return Feature(name=self._name(request), location=request)

    def ListFeatures(self, request: Rectangle, context: grpc.ServicerContext) -> Iterator[Feature]:
        south, north = sorted((request.lo.latitude, request.hi.latitude))
        west, east = sorted((request.lo.longitude, request.hi.longitude))
        for feature in self._features:
            at = feature.location
            if feature.name and south <= at.latitude <= north and west <= at.longitude <= east:
                yield feature

    def RecordRoute(self, request_iterator: Iterable[Point], context: grpc.ServicerContext) -> RouteSummary:
        begun, points = time.monotonic(), list(request_iterator)
        way = sum(metres_between(start, end) for start, end in pairwise(points))
        return RouteSummary(
            point_count=len(points),
            feature_count=sum(1 for point in points if self._name(point)),
            distance=int(way),
            elapsed_time=int(time.monotonic() - begun),
        )

    def RouteChat(
        self, request_iterator: Iterable[RouteNote], context: grpc.ServicerContext
    ) -> Iterator[RouteNote]:
        for note in request_iterator:
            with self._lock:
                here = self._notes[note.location.latitude, note.location.longitude]
                earlier = list(here)
                here.append(note)
            yield from earlier

    def _name(self, point: Point) -> str:
        return self._names.get((point.latitude, point.longitude), "")


class PeerCall:
    """One call of the peer service."""

    def __init__(self, context: grpc.ServicerContext, cut_short: Callable[[], None]) -> None:
        self.asks = 0
        self._context = context
        self._cut_short = cut_short
        self._ended = False
        self._gone = threading.Event()
        context.add_callback(self._terminated)
        metadata = context.invocation_metadata()
        if ("answer-encoding", "gzip") in metadata:
            context.set_compression(grpc.Compression.Gzip)
        context.set_trailing_metadata([entry for entry in metadata if entry[0].startswith("trailing-")])
        context.send_initial_metadata([entry for entry in metadata if entry[0].startswith("initial-")])

    def wait(self, ask: Ask) -> None:
        """Waits as asked, but not for a caller who is gone."""
        self._gone.wait(ask.delay_ms / 1000)

    def answer(self, ask: Ask) -> Answer:
        """The answer to an ask."""
        left = self._context.time_remaining()
        return Answer(
            payload=bytes(ask.answer_size) or ask.payload,
            asks=self.asks,
            # Without a deadline grpcio tells the time to the end of days.
            time_left_ms=int(left * 1000) if left is not None and left < YEAR else 0,
        )

    def end(self) -> None:
        """Notes that the handler got to its end."""
        self._ended = True

    def end_of_asks(self) -> None:
        """Ends the call after its last ask, unless the caller went away.

        grpcio ends the iterator alike for a caller who half-closed and for one who cancelled, and tells the
        difference a moment later.
        """
        if not self._gone.wait(0.1):
            self.end()

    def end_as_asked(self, ask: Ask) -> None:
        """Ends the call here, if the ask says so."""
        if not ask.HasField("outcome"):
            return
        self.end()
        if ask.outcome.details:
            rich = status_pb2.Status.FromString(ask.outcome.details)
            self._context.abort_with_status(rpc_status.to_status(rich))
        self._context.abort(CODES[ask.outcome.code], ask.outcome.message)

    def _terminated(self) -> None:
        self._gone.set()
        if not self._ended:
            self._cut_short()


class Peer(PeerServicer):
    """The peer service, as peer.proto tells it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._begun = 0
        self._cut_short = 0
        self.relay: Relay | None = None

    def Unary(self, request: Ask, context: grpc.ServicerContext) -> Answer:
        call = self._begin(context)
        call.asks += 1
        call.wait(request)
        call.end_as_asked(request)
        call.end()
        return call.answer(request)

    def Download(self, request: Ask, context: grpc.ServicerContext) -> Iterator[Answer]:
        call = self._begin(context)
        call.asks += 1
        for _ in range(request.answers):
            call.wait(request)
            yield call.answer(request)
        call.end_as_asked(request)
        call.end()

    def Upload(self, request_iterator: Iterable[Ask], context: grpc.ServicerContext) -> Answer:
        call, last, payload = self._begin(context), Ask(), b""
        for last in request_iterator:
            call.asks += 1
            call.end_as_asked(last)
            payload += last.payload
        call.wait(last)
        call.end_of_asks()
        answer = call.answer(last)
        answer.payload = payload
        return answer

    def Chat(self, request_iterator: Iterable[Ask], context: grpc.ServicerContext) -> Iterator[Answer]:
        call = self._begin(context)
        for ask in request_iterator:
            call.asks += 1
            call.wait(ask)
            yield call.answer(ask)
            call.end_as_asked(ask)
        call.end_of_asks()

    def Witness(self, request: WitnessRequest, context: grpc.ServicerContext) -> Seen:
        bytes_in, bytes_out = self.relay.counted() if self.relay else (0, 0)
        with self._lock:
            return Seen(
                begun=self._begun,
                cut_short=self._cut_short,
                bytes_in=bytes_in,
                bytes_out=bytes_out,
                connections=self.relay.connections if self.relay else 0,
            )

    def _begin(self, context: grpc.ServicerContext) -> PeerCall:
        with self._lock:
            self._begun += 1
        return PeerCall(context, self._one_was_cut_short)

    def _one_was_cut_short(self) -> None:
        with self._lock:
            self._cut_short += 1


def main(places: Path) -> None:
    """Serves behind a relay that counts the bytes."""
    server = grpc.server(ThreadPoolExecutor(max_workers=64))
    peer = Peer()
    add_GreeterServicer_to_server(Greeter(), server)
    add_RouteGuideServicer_to_server(RouteGuide(places), server)
    add_PeerServicer_to_server(peer, server)
    add_tutorials_to_server(server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    peer.relay = Relay(port)
    print(f"listening on 127.0.0.1:{peer.relay.port}", flush=True)
    server.wait_for_termination()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
