"""The cases of gRPC's interoperability suite over grpcio, client and server, with the flags of the suite.

Usage: interop_peer.py server --port=PORT [--use_tls=true --tls_cert_file=FILE --tls_key_file=FILE]
       interop_peer.py client --server_port=PORT --test_case=CASE [--server_host=HOST] [--soak_iterations=N]
                              [--use_tls=true --use_test_ca=true --ca_file=FILE --server_host_override=NAME]
"""

import argparse
import os
import pkgutil
import queue
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent import futures
from pathlib import Path

import grpc
from check import Failure, equal, fails_with, that

# The stubs' package lies inside of grpcio's own, and in another folder.
grpc.__path__ = pkgutil.extend_path(grpc.__path__, "grpc")
from grpc.testing import empty_pb2, messages_pb2, test_pb2_grpc  # noqa: E402

INITIAL = ("x-grpc-test-echo-initial", "test_initial_metadata_value")
TRAILING = ("x-grpc-test-echo-trailing-bin", b"\xab\xab\xab")
LARGE_REQUEST, LARGE_RESPONSE = 271828, 314159
REQUESTS, RESPONSES = (27182, 8, 1828, 45904), (31415, 9, 2653, 58979)
MESSAGE = "test status message"
SPECIAL = "\t\ntest with whitespace\r\nand Unicode BMP ☺ and non-BMP 😈\t\n"
# Calls of concurrent_large_unary, and those of them that are under way at a time: each has a thread.
CONCURRENT, THREADS = 1000, 100
PICKS = 100


def payload(size: int) -> messages_pb2.Payload:
    """So many zeros."""
    return messages_pb2.Payload(body=bytes(size))


class TestService(test_pb2_grpc.TestServiceServicer):
    """Does what requests ask for."""

    def _begin(self, context: grpc.ServicerContext) -> None:
        """Sends metadata back."""
        for name, value in context.invocation_metadata():
            if name == INITIAL[0]:
                context.send_initial_metadata(((name, value),))
            elif name == TRAILING[0]:
                context.set_trailing_metadata(((name, value),))

    def _end(self, context: grpc.ServicerContext, status: messages_pb2.EchoStatus) -> None:
        """Ends the call, if that is asked for."""
        if status.code:
            codes = {code.value[0]: code for code in grpc.StatusCode}
            context.abort(codes[status.code], status.message)

    def EmptyCall(self, request: empty_pb2.Empty, context: grpc.ServicerContext) -> empty_pb2.Empty:
        self._begin(context)
        return empty_pb2.Empty()

    def UnaryCall(
        self, request: messages_pb2.SimpleRequest, context: grpc.ServicerContext
    ) -> messages_pb2.SimpleResponse:
        self._begin(context)
        self._end(context, request.response_status)
        if request.response_compressed.value:
            context.set_compression(grpc.Compression.Gzip)
        server_id = f"process {os.getpid()}" if request.fill_server_id else ""
        return messages_pb2.SimpleResponse(payload=payload(request.response_size), server_id=server_id)

    def _respond(
        self, request: messages_pb2.StreamingOutputCallRequest, context: grpc.ServicerContext
    ) -> Iterator[messages_pb2.StreamingOutputCallResponse]:
        for wanted in request.response_parameters:
            time.sleep(wanted.interval_us / 1e6)
            if not wanted.compressed.value:
                context.disable_next_message_compression()
            yield messages_pb2.StreamingOutputCallResponse(payload=payload(wanted.size))
        self._end(context, request.response_status)

    def StreamingOutputCall(
        self, request: messages_pb2.StreamingOutputCallRequest, context: grpc.ServicerContext
    ) -> Iterator[messages_pb2.StreamingOutputCallResponse]:
        # All of a call's messages or none can be compressed: those that shall not be are taken out.
        if any(wanted.compressed.value for wanted in request.response_parameters):
            context.set_compression(grpc.Compression.Gzip)
        self._begin(context)
        yield from self._respond(request, context)

    def StreamingInputCall(
        self, requests: Iterable[messages_pb2.StreamingInputCallRequest], context: grpc.ServicerContext
    ) -> messages_pb2.StreamingInputCallResponse:
        self._begin(context)
        size = sum(len(request.payload.body) for request in requests)
        return messages_pb2.StreamingInputCallResponse(aggregated_payload_size=size)

    def FullDuplexCall(
        self, requests: Iterable[messages_pb2.StreamingOutputCallRequest], context: grpc.ServicerContext
    ) -> Iterator[messages_pb2.StreamingOutputCallResponse]:
        self._begin(context)
        for request in requests:
            yield from self._respond(request, context)


def serve(flags: argparse.Namespace) -> None:
    """Serves until the process ends."""
    server = grpc.server(futures.ThreadPoolExecutor(THREADS))
    test_pb2_grpc.add_TestServiceServicer_to_server(TestService(), server)
    address = f"127.0.0.1:{flags.port}"
    if flags.use_tls:
        pair = (Path(flags.tls_key_file).read_bytes(), Path(flags.tls_cert_file).read_bytes())
        server.add_secure_port(address, grpc.ssl_server_credentials([pair]))
    else:
        server.add_insecure_port(address)
    server.start()
    server.wait_for_termination()


def large() -> messages_pb2.SimpleRequest:
    """The large request."""
    return messages_pb2.SimpleRequest(payload=payload(LARGE_REQUEST), response_size=LARGE_RESPONSE)


def output(*sizes: int, size: int = 0) -> messages_pb2.StreamingOutputCallRequest:
    """Asks for a response of each of these sizes."""
    wanted = [messages_pb2.ResponseParameters(size=size) for size in sizes]
    return messages_pb2.StreamingOutputCallRequest(response_parameters=wanted, payload=payload(size))


class Fed(Iterator[messages_pb2.StreamingOutputCallRequest]):
    """Requests that are given while the call runs; it ends with the `with` block, lest its thread waits for ever."""

    def __init__(self) -> None:
        self._queue: queue.SimpleQueue[messages_pb2.StreamingOutputCallRequest | None] = queue.SimpleQueue()

    def send(self, request: messages_pb2.StreamingOutputCallRequest | None) -> None:
        """Sends a request; nothing says that none follows."""
        self._queue.put(request)

    def __enter__(self) -> "Fed":
        return self

    def __exit__(self, *error: object) -> None:
        self.send(None)

    def __next__(self) -> messages_pb2.StreamingOutputCallRequest:
        request = self._queue.get()
        if request is None:
            raise StopIteration
        return request


class Cases:
    """The cases, by the names that the suite has for them."""

    def __init__(self, flags: argparse.Namespace) -> None:
        self._flags = flags
        self._channel = channel(flags)
        self._stub = test_pb2_grpc.TestServiceStub(self._channel)

    def empty_unary(self) -> None:
        equal(self._stub.EmptyCall(empty_pb2.Empty()), empty_pb2.Empty())

    def large_unary(self) -> None:
        self._one_large(self._stub)

    @staticmethod
    def _one_large(stub: test_pb2_grpc.TestServiceStub) -> None:
        equal(len(stub.UnaryCall(large()).payload.body), LARGE_RESPONSE)

    def concurrent_large_unary(self) -> None:
        with futures.ThreadPoolExecutor(THREADS) as pool:
            for done in [pool.submit(self.large_unary) for _ in range(CONCURRENT)]:
                done.result()

    def pick_first_unary(self) -> None:
        request = messages_pb2.SimpleRequest(payload=payload(1), response_size=1, fill_server_id=True)
        ids = {self._stub.UnaryCall(request).server_id for _ in range(PICKS)}
        that(len(ids) == 1 and "" not in ids, f"ids of the server: {ids}")

    def client_compressed_unary(self) -> None:
        def call(claims: bool, compressed: bool) -> messages_pb2.SimpleResponse:
            request = large()
            request.expect_compressed.value = claims
            kind = grpc.Compression.Gzip if compressed else grpc.Compression.NoCompression
            return self._stub.UnaryCall(request, compression=kind)

        fails_with(grpc.StatusCode.INVALID_ARGUMENT, lambda: call(True, False))
        for compressed in (True, False):
            equal(len(call(compressed, compressed).payload.body), LARGE_RESPONSE)

    def client_streaming(self) -> None:
        requests = (messages_pb2.StreamingInputCallRequest(payload=payload(size)) for size in REQUESTS)
        equal(self._stub.StreamingInputCall(requests).aggregated_payload_size, 74922)

    def server_streaming(self) -> None:
        responses = self._stub.StreamingOutputCall(output(*RESPONSES))
        equal(tuple(len(response.payload.body) for response in responses), RESPONSES)

    def ping_pong(self) -> None:
        with Fed() as requests:
            responses = self._stub.FullDuplexCall(requests)
            for request, response in zip(REQUESTS, RESPONSES, strict=True):
                requests.send(output(response, size=request))
                equal(len(next(responses).payload.body), response)
        equal(list(responses), [])

    def empty_stream(self) -> None:
        equal(list(self._stub.FullDuplexCall(iter(()))), [])

    def custom_metadata(self) -> None:
        metadata = (INITIAL, TRAILING)
        _, call = self._stub.UnaryCall.with_call(large(), metadata=metadata)
        self._came_back(call)
        request = output(LARGE_RESPONSE, size=LARGE_REQUEST)
        stream = self._stub.FullDuplexCall(iter((request,)), metadata=metadata)
        equal([len(response.payload.body) for response in stream], [LARGE_RESPONSE])
        self._came_back(stream)

    @staticmethod
    def _came_back(call: grpc.Call) -> None:
        that(INITIAL in call.initial_metadata(), f"initial metadata: {call.initial_metadata()}")
        that(TRAILING in call.trailing_metadata(), f"trailing metadata: {call.trailing_metadata()}")

    def status_code_and_message(self) -> None:
        self._unary_ending(MESSAGE)
        request = messages_pb2.StreamingOutputCallRequest(response_status=_unknown(MESSAGE))
        error = fails_with(grpc.StatusCode.UNKNOWN, lambda: list(self._stub.FullDuplexCall(iter((request,)))))
        equal(error.details(), MESSAGE)

    def special_status_message(self) -> None:
        self._unary_ending(SPECIAL)

    def _unary_ending(self, message: str) -> None:
        request = messages_pb2.SimpleRequest(response_status=_unknown(message))
        error = fails_with(grpc.StatusCode.UNKNOWN, lambda: self._stub.UnaryCall(request))
        equal(error.details(), message)

    def unimplemented_method(self) -> None:
        empty = empty_pb2.Empty()
        fails_with(grpc.StatusCode.UNIMPLEMENTED, lambda: self._stub.UnimplementedCall(empty))

    def unimplemented_service(self) -> None:
        stub = test_pb2_grpc.UnimplementedServiceStub(self._channel)
        fails_with(grpc.StatusCode.UNIMPLEMENTED, lambda: stub.UnimplementedCall(empty_pb2.Empty()))

    def cancel_after_begin(self) -> None:
        over = threading.Event()

        def never() -> Iterator[messages_pb2.StreamingInputCallRequest]:
            over.wait()
            yield from ()

        call = self._stub.StreamingInputCall.future(never())
        call.cancel()
        that(call.cancelled(), "the call is not cancelled")
        equal(call.code(), grpc.StatusCode.CANCELLED)
        over.set()

    def cancel_after_first_response(self) -> None:
        with Fed() as requests:
            responses = self._stub.FullDuplexCall(requests)
            requests.send(output(RESPONSES[0], size=REQUESTS[0]))
            equal(len(next(responses).payload.body), RESPONSES[0])
            responses.cancel()
            fails_with(grpc.StatusCode.CANCELLED, lambda: next(responses))

    def timeout_on_sleeping_server(self) -> None:
        with Fed() as requests:
            requests.send(output(size=REQUESTS[0]))
            responses = self._stub.FullDuplexCall(requests, timeout=0.001)
            fails_with(grpc.StatusCode.DEADLINE_EXCEEDED, lambda: next(responses))

    def rpc_soak(self) -> None:
        for _ in range(self._flags.soak_iterations):
            self.large_unary()

    def channel_soak(self) -> None:
        for _ in range(self._flags.soak_iterations):
            with channel(self._flags) as another:
                self._one_large(test_pb2_grpc.TestServiceStub(another))

    def long_lived_channel(self) -> None:
        self.rpc_soak()


def _unknown(message: str) -> messages_pb2.EchoStatus:
    return messages_pb2.EchoStatus(code=grpc.StatusCode.UNKNOWN.value[0], message=message)


def channel(flags: argparse.Namespace) -> grpc.Channel:
    """A channel to the server that the flags name."""
    target = f"{flags.server_host}:{flags.server_port}"
    if not flags.use_tls:
        return grpc.insecure_channel(target)
    roots = Path(flags.ca_file).read_bytes() if flags.use_test_ca else None
    name = (("grpc.ssl_target_name_override", flags.server_host_override),)
    options = name if flags.server_host_override else ()
    return grpc.secure_channel(target, grpc.ssl_channel_credentials(roots), options)


def call(flags: argparse.Namespace) -> int:
    """Runs one case."""
    case: Callable[[], None] | None = getattr(Cases(flags), flags.test_case, None)
    if case is None:
        print(f"there is no case {flags.test_case}", file=sys.stderr)
        return 2
    try:
        case()
    except (Failure, grpc.RpcError) as error:
        print(f"{flags.test_case}: {error}", file=sys.stderr)
        return 1
    return 0


def parse() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    programs = parser.add_subparsers(dest="program", required=True)
    server = programs.add_parser("server")
    server.add_argument("--port", type=int, required=True)
    server.add_argument("--tls_cert_file")
    server.add_argument("--tls_key_file")
    client = programs.add_parser("client")
    client.add_argument("--server_host", default="localhost")
    client.add_argument("--server_port", type=int, required=True)
    client.add_argument("--server_host_override")
    client.add_argument("--test_case", required=True)
    client.add_argument("--use_test_ca", type="true".__eq__, default=False)
    client.add_argument("--ca_file")
    client.add_argument("--soak_iterations", type=int, default=10)
    for program in (server, client):
        program.add_argument("--use_tls", type="true".__eq__, default=False)
    return parser.parse_args()


if __name__ == "__main__":
    asked = parse()
    if asked.program == "server":
        serve(asked)
    else:
        sys.exit(call(asked))
