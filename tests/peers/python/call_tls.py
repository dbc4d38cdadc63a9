"""TLS between grpcio and the programs, both ways. Usage: call_tls.py FOLDER_OF_PROGRAMS"""

import sys
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import grpc

from certificates import Authority, Identity
from check import PATIENCE, check, equal, fails_with, that
from hello_service_pb2 import HelloRequest
from hello_service_pb2_grpc import HelloServiceStub
from program import Result, Server, run
from tutorials import add_tutorials_to_server


@contextmanager
def stub(server: Server, roots: Path, shown: Identity | None = None) -> Iterator[HelloServiceStub]:
    """grpcio as a client that trusts the roots, and shows a certificate if it has one."""
    credentials = grpc.ssl_channel_credentials(
        roots.read_bytes(),
        shown and shown.key.read_bytes(),
        shown and shown.certificate.read_bytes(),
    )
    with grpc.secure_channel(f"localhost:{server.port}", credentials) as channel:
        yield HelloServiceStub(channel)


def say_hello(hello: HelloServiceStub) -> str:
    """What is replied."""
    return hello.SayHello(HelloRequest(greeting="you"), timeout=PATIENCE).reply


def grpcio_calls(program: str, ours: Authority, strangers: Authority) -> None:
    """Whom our server takes, and who takes our server."""
    own = ours.sign("localhost")
    listen = (program, "--addr", "127.0.0.1:0", "--tls-cert", str(own.certificate), "--tls-key", str(own.key))
    with Server(*listen, hostile=True) as server:
        with check("grpcio trusts the server"), stub(server, ours.roots) as hello:
            equal(say_hello(hello), "Hello, you!")
        with check("grpcio does not trust the server"), stub(server, strangers.roots) as hello:
            fails_with(grpc.StatusCode.UNAVAILABLE, lambda: say_hello(hello))
        with check("grpcio speaks no TLS"):
            with grpc.insecure_channel(f"localhost:{server.port}") as channel:
                fails_with(grpc.StatusCode.UNAVAILABLE, lambda: say_hello(HelloServiceStub(channel)))
    with Server(*listen, "--tls-ca", str(ours.roots), hostile=True) as server:
        with check("the server trusts grpcio"), stub(server, ours.roots, ours.sign("client.test")) as hello:
            equal(say_hello(hello), "Hello, you!")
        with check("grpcio shows no certificate"), stub(server, ours.roots) as hello:
            fails_with(grpc.StatusCode.UNAVAILABLE, lambda: say_hello(hello))
        with check("grpcio shows a stranger's certificate"):
            with stub(server, ours.roots, strangers.sign("stranger.test")) as hello:
                fails_with(grpc.StatusCode.UNAVAILABLE, lambda: say_hello(hello))


@contextmanager
def grpcio_server(own: Identity, clients: Path | None) -> Iterator[int]:
    """grpcio as a server that wants its clients to have a certificate, if it is told of whom; its port."""
    server = grpc.server(ThreadPoolExecutor())
    add_tutorials_to_server(server)
    credentials = grpc.ssl_server_credentials(
        [(own.key.read_bytes(), own.certificate.read_bytes())],
        clients and clients.read_bytes(),
        clients is not None,
    )
    port = server.add_secure_port("127.0.0.1:0", credentials)
    server.start()
    try:
        yield port
    finally:
        server.stop(None)


def grpcio_is_called(program: str, ours: Authority, strangers: Authority) -> None:
    """Whom our client trusts, and who trusts our client."""

    def call(port: int, *arguments: str | Path) -> Result:
        return run(program, "--addr", f"https://127.0.0.1:{port}", *map(str, arguments))

    def fails(result: Result, *words: str) -> None:
        equal((result.exit_code, result.stdout, result.stderr.count("\n")), (1, "", 1))
        for word in words:
            that(word in result.stderr, f"no {word!r} in {result.stderr!r}")

    trusting = ("--tls-ca", ours.roots, "--tls-name", "localhost")
    with grpcio_server(ours.sign("localhost"), None) as port:
        with check("the client trusts grpcio"):
            result = call(port, *trusting)
            equal((result.exit_code, result.stderr), (0, ""))
            that("SayHello: Hello, you!" in result.stdout, result.stdout)
        with check("the client does not trust grpcio"):
            fails(call(port, "--tls-ca", strangers.roots, "--tls-name", "localhost"), "not among the roots")
        with check("the client wants another name"):
            fails(call(port, "--tls-ca", ours.roots, "--tls-name", "other.test"), "for another name")
    with grpcio_server(ours.sign("localhost"), ours.roots) as port:
        known, unknown = ours.sign("client.test"), strangers.sign("stranger.test")
        with check("grpcio trusts the client"):
            result = call(port, *trusting, "--tls-cert", known.certificate, "--tls-key", known.key)
            equal((result.exit_code, result.stderr), (0, ""))
        with check("grpcio does not trust the client"):
            fails(call(port, *trusting, "--tls-cert", unknown.certificate, "--tls-key", unknown.key))
        with check("the client has no certificate"):
            fails(call(port, *trusting))


def main(programs: Path) -> None:
    """Runs it all."""
    with tempfile.TemporaryDirectory() as folder:
        ours, strangers = Authority(Path(folder), "ours"), Authority(Path(folder), "strangers")
        grpcio_calls(str(programs / "hello_server"), ours, strangers)
        grpcio_is_called(str(programs / "hello_client"), ours, strangers)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
