"""grpcio calls our greeter and our route guide. Usage: call_examples.py FOLDER_OF_PROGRAMS PLACES.json"""

import json
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from pathlib import Path

import grpc

from check import PATIENCE, check, equal, that
from helloworld_pb2 import HelloRequest
from helloworld_pb2_grpc import GreeterStub
from program import Server
from route_guide_pb2 import Feature, Point, Rectangle, RouteNote
from route_guide_pb2_grpc import RouteGuideStub
from serve import metres_between

BERKSHIRE = Point(latitude=409146138, longitude=-746188906)
AROUND_NEW_YORK = (400000000, -750000000, 420000000, -730000000)


def greeter(server: Server) -> None:
    """Both greetings."""
    with grpc.insecure_channel(f"127.0.0.1:{server.port}") as channel:
        stub = GreeterStub(channel)
        with check("SayHello"):
            equal(stub.SayHello(HelloRequest(name="you"), timeout=PATIENCE).message, "Hello, you!")
        with check("SayHelloAgain"):
            equal(
                stub.SayHelloAgain(HelloRequest(name="J\u00fcrgen"), timeout=PATIENCE).message,
                "Hello again, J\u00fcrgen!",
            )


def route_guide(server: Server, places: list[Feature]) -> None:
    """All four methods."""
    named = [feature for feature in places if feature.name]
    with grpc.insecure_channel(f"127.0.0.1:{server.port}") as channel:
        stub = RouteGuideStub(channel)
        with check("GetFeature, every place"):
            calls = [stub.GetFeature.future(feature.location, timeout=PATIENCE) for feature in places]
            equal([call.result() for call in calls], places)
        with check("GetFeature where nothing is"):
            nowhere = Point(latitude=1, longitude=2)
            equal(stub.GetFeature(nowhere, timeout=PATIENCE), Feature(name="", location=nowhere))
        south, west, north, east = AROUND_NEW_YORK
        inside = [
            feature
            for feature in named
            if south <= feature.location.latitude <= north and west <= feature.location.longitude <= east
        ]
        that(len(inside) > 30, "the list has too few places around New York")
        for corners in (
            (south, west, north, east),
            (north, east, south, west),
            (south, east, north, west),
            (north, west, south, east),
        ):
            with check(f"ListFeatures between the corners {corners}"):
                area = Rectangle(
                    lo=Point(latitude=corners[0], longitude=corners[1]),
                    hi=Point(latitude=corners[2], longitude=corners[3]),
                )
                equal(list(stub.ListFeatures(area, timeout=PATIENCE)), inside)
        with check("ListFeatures of one point"):
            equal([f.location for f in stub.ListFeatures(Rectangle(lo=BERKSHIRE, hi=BERKSHIRE))], [BERKSHIRE])
        with check("RecordRoute"):
            way = [feature.location for feature in places] + [Point(latitude=1, longitude=2)]
            summary = stub.RecordRoute(iter(way), timeout=PATIENCE)
            metres = sum(metres_between(start, end) for start, end in pairwise(way))
            equal((summary.point_count, summary.feature_count), (len(way), len(named)))
            that(abs(summary.distance - metres) <= 1, f"{summary.distance} m instead of {metres} m")
            that(0 <= summary.elapsed_time <= PATIENCE, f"{summary.elapsed_time} s")
        with check("RouteChat, notes of an earlier caller"):

            def note(latitude: int, message: str) -> RouteNote:
                return RouteNote(location=Point(latitude=latitude, longitude=7), message=message)

            first = [note(1, "a"), note(2, "b"), note(1, "c"), note(1, "d")]
            heard = [answer.message for answer in stub.RouteChat(iter(first), timeout=PATIENCE)]
            equal(heard, ["a", "a", "c"])
            heard = [answer.message for answer in stub.RouteChat(iter([note(1, "e")]), timeout=PATIENCE)]
            equal(heard, ["a", "c", "d"])
        with check("RouteChat, many callers at one place"):

            def heard_by_one(_: int) -> int:
                notes = [RouteNote(location=Point(latitude=9), message="hi")] * 5
                return len(list(stub.RouteChat(iter(notes), timeout=PATIENCE)))

            with ThreadPoolExecutor(10) as callers:
                # Nobody hears a note twice or misses one: before the nth there were n, whoever wrote them.
                equal(sum(callers.map(heard_by_one, range(10))), sum(range(50)))


def main(programs: Path, places: Path) -> None:
    """Runs it all."""
    with Server(str(programs / "greeter_server"), "--addr", "127.0.0.1:0") as server:
        greeter(server)
    with Server(str(programs / "route_guide_server"), "--addr", "127.0.0.1:0") as server:
        route_guide(server, [Feature(**place) for place in json.loads(places.read_text())])
    with check("a list of places of one's own"), tempfile.TemporaryDirectory() as folder:
        mine = Path(folder) / "mine.json"
        mine.write_text('[{"location": {"latitude": 5, "longitude": 6}, "name": "mine"}]')
        program = str(programs / "route_guide_server")
        with Server(program, "--addr", "127.0.0.1:0", "--db", str(mine)) as server:
            with grpc.insecure_channel(f"127.0.0.1:{server.port}") as channel:
                stub = RouteGuideStub(channel)
                equal(stub.GetFeature(Point(latitude=5, longitude=6), timeout=PATIENCE).name, "mine")
                equal(stub.GetFeature(BERKSHIRE, timeout=PATIENCE).name, "")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
