"""grpcio calls our peer server: every turn a call may take. Usage: call_peer.py COMMAND..."""

import queue
import signal
import sys
import threading
import time
from collections.abc import Iterable, Iterator, Sequence

import grpc
from google.protobuf import any_pb2
from google.rpc import error_details_pb2, status_pb2
from grpc_status import rpc_status

from check import PATIENCE, check, equal, fails_with, soon, that
from peer_pb2 import Answer, Ask, Outcome, Seen, WitnessRequest
from peer_pb2_grpc import AbsentStub, PeerStub
from program import Server
from relay import Relay

MIB = 1024 * 1024
EVERY_BYTE = bytes(range(256))
METADATA = (
    ("initial-text", "one"),
    ("initial-text", "two, and a comma"),
    ("initial-data-bin", EVERY_BYTE),
    ("initial-data-bin", b"\x00"),
    ("trailing-text", "three"),
    ("trailing-data-bin", b"\xff\x00"),
    ("trailing-data-bin", EVERY_BYTE[::-1]),
)
GZIP_ANSWERS = (("answer-encoding", "gzip"),)


def begins(prefix: str, metadata: Iterable[tuple[str, str | bytes]]) -> list[tuple[str, str | bytes]]:
    """The entries whose key begins with the prefix, in order."""
    return [(key, value) for key, value in metadata if key.startswith(prefix)]


class Asks:
    """A stream of asks that the test feeds while the call runs."""

    def __init__(self) -> None:
        self._queue: queue.Queue[Ask | None] = queue.Queue()

    def put(self, ask: Ask) -> None:
        """Sends one more."""
        self._queue.put(ask)

    def end(self) -> None:
        """Half-closes."""
        self._queue.put(None)

    def __iter__(self) -> Iterator[Ask]:
        return self

    def __next__(self) -> Ask:
        ask = self._queue.get(timeout=2 * PATIENCE)
        if ask is None:
            raise StopIteration
        return ask


def four_kinds(stub: PeerStub) -> None:
    """What each kind of call is for."""
    for size in 0, 1, 1000, 70_000, MIB:
        with check(f"unary, {size} bytes both ways"):
            payload = (EVERY_BYTE * (size // 256 + 1))[:size]
            equal(stub.Unary(Ask(payload=payload), timeout=PATIENCE).payload, payload)
    with check("server streaming, 100 answers"):
        answers = stub.Download(Ask(payload=b"again", answers=100), timeout=PATIENCE)
        equal([answer.payload for answer in answers], [b"again"] * 100)
    with check("server streaming, no answer"):
        equal(list(stub.Download(Ask(), timeout=PATIENCE)), [])
    with check("server streaming, 64 MiB in answers of 1 MiB"):
        answers = stub.Download(Ask(answer_size=MIB, answers=64), timeout=3 * PATIENCE)
        equal([len(answer.payload) for answer in answers], [MIB] * 64)
    with check("client streaming, 100 asks"):
        answer = stub.Upload((Ask(payload=bytes([n])) for n in range(100)), timeout=PATIENCE)
        equal((answer.asks, answer.payload), (100, bytes(range(100))))
    with check("client streaming, no ask"):
        answer = stub.Upload(iter(()), timeout=PATIENCE)
        equal((answer.asks, answer.payload), (0, b""))
    with check("bidirectional, each ask after the answer before"):
        asks = Asks()
        answers = stub.Chat(asks, timeout=PATIENCE)
        for n in range(1, 21):
            asks.put(Ask(payload=bytes([n])))
            answer = next(answers)
            equal((answer.asks, answer.payload), (n, bytes([n])))
        asks.end()
        equal(list(answers), [])
    with check("bidirectional, all asks at once"):
        answers = stub.Chat((Ask(payload=bytes([n])) for n in range(200)), timeout=PATIENCE)
        equal([answer.payload for answer in answers], [bytes([n]) for n in range(200)])
    with check("bidirectional, no ask"):
        equal(list(stub.Chat(iter(()), timeout=PATIENCE)), [])
    with check("1,000 unary calls at once"):
        calls = [stub.Unary.future(Ask(payload=str(n).encode()), timeout=3 * PATIENCE) for n in range(1000)]
        equal([call.result().payload for call in calls], [str(n).encode() for n in range(1000)])


def metadata(stub: PeerStub) -> None:
    """Both kinds of metadata, text and bytes, and when they come."""
    initial, trailing = begins("initial-", METADATA), begins("trailing-", METADATA)
    with check("metadata of a unary call"):
        _, call = stub.Unary.with_call(Ask(), metadata=METADATA, timeout=PATIENCE)
        equal(begins("initial-", call.initial_metadata()), initial)
        equal(begins("trailing-", call.trailing_metadata()), trailing)
    with check("metadata of a stream"):
        call = stub.Chat(iter([Ask(), Ask()]), metadata=METADATA, timeout=PATIENCE)
        equal(begins("initial-", call.initial_metadata()), initial)
        equal(len(list(call)), 2)
        equal(begins("trailing-", call.trailing_metadata()), trailing)
    with check("trailing metadata beside an error"):
        ask = Ask(outcome=Outcome(code=5, message="nowhere"))
        error = fails_with(
            grpc.StatusCode.NOT_FOUND, lambda: stub.Unary(ask, metadata=METADATA, timeout=PATIENCE)
        )
        equal(begins("trailing-", error.trailing_metadata()), trailing)
    with check("initial metadata seen before the answer"):
        begun = time.monotonic()
        call = stub.Download(Ask(answers=1, delay_ms=1000), metadata=METADATA, timeout=PATIENCE)
        equal(begins("initial-", call.initial_metadata()), initial)
        that(time.monotonic() - begun < 0.8, "initial metadata waited for the answer")
        equal(len(list(call)), 1)
        that(time.monotonic() - begun >= 1, "the answer did not wait")
    with check("initial metadata seen before the first ask"):
        asks = Asks()
        call = stub.Chat(asks, metadata=METADATA, timeout=PATIENCE)
        equal(begins("initial-", call.initial_metadata()), initial)
        asks.end()
        equal(list(call), [])


def statuses(channel: grpc.Channel, stub: PeerStub) -> None:
    """Codes, messages and details."""
    with check("all 16 error codes, with a message that is not ASCII"):
        message = "naïve 100% \u2013 two\nlines \U0001f980"
        for code in grpc.StatusCode:
            number, _ = code.value
            if number == 0:
                continue
            ask = Ask(outcome=Outcome(code=number, message=message))
            error = fails_with(code, lambda ask=ask: stub.Unary(ask, timeout=PATIENCE))
            equal(error.details(), message)
    with check("an error after three answers"):
        received: list[Answer] = []
        outcome = Outcome(code=10, message="enough")
        call = stub.Download(Ask(answers=3, outcome=outcome), timeout=PATIENCE)
        error = fails_with(grpc.StatusCode.ABORTED, lambda: received.extend(call))
        equal(error.details(), "enough")
    with check("an error in the middle of a stream of asks"):

        def three() -> Iterator[Ask]:
            yield Ask()
            yield Ask(outcome=Outcome(code=9, message="no more"))
            time.sleep(0.2)
            yield Ask()

        fails_with(grpc.StatusCode.FAILED_PRECONDITION, lambda: stub.Upload(three(), timeout=PATIENCE))
    with check("rich status"):
        detail = any_pb2.Any()
        detail.Pack(
            error_details_pb2.BadRequest(field_violations=[{"field": "payload", "description": "too dull"}])
        )
        rich = status_pb2.Status(code=3, message="look closer", details=[detail])
        outcome = Outcome(code=rich.code, message=rich.message, details=rich.SerializeToString())
        error = fails_with(
            grpc.StatusCode.INVALID_ARGUMENT, lambda: stub.Unary(Ask(outcome=outcome), timeout=PATIENCE)
        )
        equal(rpc_status.from_call(error), rich)
    with check("a service and a method that do not exist"):
        fails_with(grpc.StatusCode.UNIMPLEMENTED, lambda: AbsentStub(channel).Call(Ask(), timeout=PATIENCE))
        missing = channel.unary_unary("/unwired.peer.Peer/Missing")
        fails_with(grpc.StatusCode.UNIMPLEMENTED, lambda: missing(b"", timeout=PATIENCE))
    with check("an ask that is no message"):
        raw = channel.unary_unary("/unwired.peer.Peer/Unary")
        fails_with(grpc.StatusCode.INTERNAL, lambda: raw(b"\xff\xff\xff", timeout=PATIENCE))
    with check("two requests in a unary call"):
        twice = channel.stream_unary("/unwired.peer.Peer/Unary")
        fails_with(grpc.StatusCode.UNIMPLEMENTED, lambda: twice(iter([b"", b""]), timeout=PATIENCE))


def early_ends(stub: PeerStub) -> None:
    """Deadlines and cancellation: the caller gives up, and the server is told."""

    def seen() -> Seen:
        return stub.Witness(WitnessRequest(), timeout=PATIENCE)

    with check("the server knows what is left of the deadline"):
        left = stub.Unary(Ask(), timeout=5).time_left_ms
        # A caller may round what it tells the server up.
        that(3000 < left <= 5100, f"{left} ms of 5 s")
        equal(stub.Unary(Ask()).time_left_ms, 0)
    with check("a deadline passes in a unary call"):
        before, begun = seen(), time.monotonic()
        ask = Ask(delay_ms=int(PATIENCE * 2000))
        fails_with(grpc.StatusCode.DEADLINE_EXCEEDED, lambda: stub.Unary(ask, timeout=0.3))
        that(0.25 < time.monotonic() - begun < 2, "it passed early or late")
        soon(lambda: seen().cut_short == before.cut_short + 1, "the handler was not told")
    with check("a deadline passes between answers"):
        before = seen()
        call = stub.Download(Ask(answers=1000, delay_ms=50), timeout=0.4)
        received: list[Answer] = []
        fails_with(grpc.StatusCode.DEADLINE_EXCEEDED, lambda: received.extend(call))
        that(1 <= len(received) <= 8, f"{len(received)} answers came first")
        soon(lambda: seen().cut_short == before.cut_short + 1, "the handler was not told")
    with check("the caller cancels a unary call"):
        before = seen()
        call = stub.Unary.future(Ask(delay_ms=int(PATIENCE * 2000)), timeout=PATIENCE)
        soon(lambda: seen().begun == before.begun + 1, "the call never began")
        call.cancel()
        soon(lambda: seen().cut_short == before.cut_short + 1, "the handler was not told")
    with check("the caller cancels a download"):
        before = seen()
        call = stub.Download(Ask(answers=1_000_000, answer_size=1000), timeout=PATIENCE)
        next(call)
        call.cancel()
        fails_with(grpc.StatusCode.CANCELLED, lambda: list(call))
        soon(lambda: seen().cut_short == before.cut_short + 1, "the handler was not told")
    with check("the caller cancels a conversation"):
        before, asks = seen(), Asks()
        call = stub.Chat(asks, timeout=PATIENCE)
        asks.put(Ask())
        next(call)
        call.cancel()
        fails_with(grpc.StatusCode.CANCELLED, lambda: list(call))
        soon(lambda: seen().cut_short == before.cut_short + 1, "the handler was not told")
        asks.end()
    with check("the server cancels a conversation"):
        before, asks = seen(), Asks()
        call = stub.Chat(asks, timeout=PATIENCE)
        asks.put(Ask(payload=b"first"))
        equal(next(call).payload, b"first")
        asks.put(Ask(outcome=Outcome(code=1, message="stop")))
        error = fails_with(grpc.StatusCode.CANCELLED, lambda: list(call))
        equal(error.details(), "stop")
        equal(seen().cut_short, before.cut_short)
        asks.end()


def compression(port: int) -> None:
    """gzip both ways, weighed on the wire."""
    relay = Relay(port)
    with grpc.insecure_channel(f"127.0.0.1:{relay.port}") as channel:
        stub = PeerStub(channel)
        stub.Unary(Ask(), timeout=PATIENCE)

        def weighed(
            ask: Ask, encoding: grpc.Compression, metadata: Sequence[tuple[str, str]] = ()
        ) -> tuple[int, int]:
            before = relay.counted()
            answer = stub.Unary(ask, metadata=metadata, compression=encoding, timeout=PATIENCE)
            equal(answer.payload, bytes(ask.answer_size) or ask.payload)
            after = relay.counted()
            return after[0] - before[0], after[1] - before[1]

        with check("neither way compressed"):
            sent, received = weighed(Ask(payload=bytes(MIB)), grpc.Compression.NoCompression)
            that(sent > MIB and received > MIB, f"{sent} bytes sent, {received} received")
        with check("gzip to the server"):
            sent, received = weighed(Ask(payload=bytes(MIB)), grpc.Compression.Gzip)
            that(sent < MIB / 8 and received > MIB, f"{sent} bytes sent, {received} received")
        with check("gzip from the server"):
            sent, received = weighed(Ask(answer_size=MIB), grpc.Compression.NoCompression, GZIP_ANSWERS)
            that(received < MIB / 8, f"{received} bytes received")
        with check("gzip both ways, in streams"):
            before = relay.counted()
            answers = stub.Chat(
                iter([Ask(payload=bytes(MIB))] * 4),
                metadata=GZIP_ANSWERS,
                compression=grpc.Compression.Gzip,
                timeout=PATIENCE,
            )
            equal([answer.payload for answer in answers], [bytes(MIB)] * 4)
            sent, received = (after - b for after, b in zip(relay.counted(), before, strict=True))
            that(sent < MIB / 2 and received < MIB / 2, f"{sent} bytes sent, {received} received")
        with check("deflate to the server"):
            sent, received = weighed(Ask(payload=bytes(MIB)), grpc.Compression.Deflate)
            that(sent < MIB / 8, f"{sent} bytes sent")
        with check("a small message that inflates beyond the limit"):
            ask = Ask(payload=bytes(64 * MIB))
            fails_with(
                grpc.StatusCode.RESOURCE_EXHAUSTED,
                lambda: stub.Unary(ask, compression=grpc.Compression.Gzip, timeout=PATIENCE),
            )


def limits(port: int) -> None:
    """Nobody takes more than 4 MiB who did not say so."""
    with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
        stub = PeerStub(channel)
        with check("an ask just under 4 MiB"):
            equal(
                stub.Unary(Ask(payload=bytes(4 * MIB - 16), answer_size=1), timeout=PATIENCE).payload, b"\x00"
            )
        with check("an ask over 4 MiB is refused by the server"):
            ask = Ask(payload=bytes(4 * MIB + 1))
            fails_with(grpc.StatusCode.RESOURCE_EXHAUSTED, lambda: stub.Unary(ask, timeout=PATIENCE))
        with check("an answer just under 4 MiB"):
            size = 4 * MIB - 32
            equal(len(stub.Unary(Ask(answer_size=size), timeout=PATIENCE).payload), size)
        with check("an answer over 4 MiB is refused by the client"):
            ask = Ask(answer_size=4 * MIB + 1)
            fails_with(grpc.StatusCode.RESOURCE_EXHAUSTED, lambda: stub.Unary(ask, timeout=PATIENCE))
        with check("the connection goes on after that"):
            equal(stub.Unary(Ask(payload=b"still here"), timeout=PATIENCE).payload, b"still here")


def drain(peer_server: list[str]) -> None:
    """A server asked to stop finishes what it began."""
    with check("SIGTERM lets a running call end, then exits 0"), Server(*peer_server) as server:
        with grpc.insecure_channel(f"127.0.0.1:{server.port}") as channel:
            stub = PeerStub(channel)
            call = stub.Unary.future(Ask(payload=b"late", delay_ms=1000), timeout=PATIENCE)
            soon(lambda: stub.Witness(WitnessRequest(), timeout=PATIENCE).begun == 1, "the call never began")
            threading.Timer(0.1, lambda: server.send(signal.SIGTERM)).start()
            equal(call.result().payload, b"late")
            equal(server.wait().exit_code, 0)


def main(peer_server: list[str]) -> None:
    """Runs it all."""
    with Server(*peer_server) as server:
        with grpc.insecure_channel(f"127.0.0.1:{server.port}") as channel:
            stub = PeerStub(channel)
            four_kinds(stub)
            metadata(stub)
            statuses(channel, stub)
            early_ends(stub)
        compression(server.port)
        limits(server.port)
    drain(peer_server)


if __name__ == "__main__":
    main(sys.argv[1:])
