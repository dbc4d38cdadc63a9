"""Our servers behind nginx and HAProxy, as `proxies/` configures them.

Usage: proxies.py PROXY ROLLING_SERVER PEER_SERVER PEER_CLIENT, where PROXY is `nginx` or `haproxy`.
"""

import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from pathlib import Path
from types import TracebackType

import grpc

import call_peer
from check import PATIENCE, check, equal, soon, that
from helloworld_pb2 import HelloRequest
from helloworld_pb2_grpc import GreeterStub
from peer_pb2 import Ask, WitnessRequest
from peer_pb2_grpc import PeerStub
from program import Server

CONFIGS = Path(__file__).parent.parent / "proxies"
NGINX_MAIN = """
daemon off;
pid {folder}/nginx.pid;
error_log {folder}/error.log;
worker_processes 1;
events {{}}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    fastcgi_temp_path {folder}/fastcgi;
    proxy_temp_path {folder}/proxy;
    scgi_temp_path {folder}/scgi;
    uwsgi_temp_path {folder}/uwsgi;
    include {folder}/grpc.conf;
}}
"""


def free_port() -> int:
    """A port that nobody listens at now."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


class Proxy:
    """A proxy in front of two ports, from the moment it listens to the end of the `with` block."""

    def __init__(self, name: str, *servers: int) -> None:
        self.port = free_port()
        self._folder = tempfile.TemporaryDirectory()
        folder = self._folder.name
        config = (CONFIGS / {"nginx": "nginx.conf", "haproxy": "haproxy.cfg"}[name]).read_text()
        for theirs, ours in ((50050, self.port), (50051, servers[0]), (50052, servers[1])):
            that(f"127.0.0.1:{theirs}" in config, f"the configuration names no port {theirs}")
            config = config.replace(f"127.0.0.1:{theirs}", f"127.0.0.1:{ours}")
        if name == "nginx":
            Path(folder, "grpc.conf").write_text(config)
            Path(folder, "nginx.conf").write_text(NGINX_MAIN.format(folder=folder))
            command = ["nginx", "-p", folder, "-c", f"{folder}/nginx.conf", "-e", f"{folder}/error.log"]
        else:
            Path(folder, "haproxy.cfg").write_text(config)
            command = ["haproxy", "-db", "-q", "-f", f"{folder}/haproxy.cfg"]
        self._process = subprocess.Popen(command)
        soon(self._listens, f"{name} does not listen")

    def _listens(self) -> bool:
        that(self._process.poll() is None, "the proxy ended at once")
        try:
            socket.create_connection(("127.0.0.1", self.port)).close()
        except ConnectionRefusedError:
            return False
        return True

    def __enter__(self) -> "Proxy":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.send_signal(signal.SIGTERM)
        self._process.wait(timeout=PATIENCE)
        self._folder.cleanup()


def calls(name: str, peer_server: str) -> None:
    """Every turn a call may take, through the proxy."""
    with (
        Server(peer_server, hostile=True) as server,
        Proxy(name, server.port, server.port) as proxy,
        grpc.insecure_channel(f"127.0.0.1:{proxy.port}") as channel,
    ):
        stub = PeerStub(channel)
        call_peer.four_kinds(stub)
        call_peer.metadata(stub)
        with check("a deadline comes through to the server"):
            begun = time.monotonic()
            call = stub.Unary.future(Ask(delay_ms=60_000), timeout=0.5)
            equal(call.exception(timeout=PATIENCE).code(), grpc.StatusCode.DEADLINE_EXCEEDED)
            that(time.monotonic() - begun < PATIENCE, "it took too long")
            soon(lambda: stub.Witness(WitnessRequest(), timeout=PATIENCE).cut_short > 0, "it runs on")
        with check("cancelling comes through to the server"):
            cut_short = stub.Witness(WitnessRequest(), timeout=PATIENCE).cut_short
            call = stub.Unary.future(Ask(delay_ms=60_000))
            time.sleep(0.2)
            call.cancel()
            soon(
                lambda: stub.Witness(WitnessRequest(), timeout=PATIENCE).cut_short > cut_short, "it runs on"
            )


def restarts(name: str, rolling_server: str) -> None:
    """Calls without a pause while one of two servers is replaced, and then the other."""
    with check("no call fails while the servers behind are restarted one by one"):
        servers = [Server(rolling_server, "127.0.0.1:0", hostile=True) for _ in range(2)]
        ends: Counter[str] = Counter()
        with (
            Proxy(name, servers[0].port, servers[1].port) as proxy,
            grpc.insecure_channel(f"127.0.0.1:{proxy.port}") as channel,
        ):
            stub, over = GreeterStub(channel), threading.Event()

            def call_on() -> None:
                while not over.is_set():
                    try:
                        stub.SayHello(HelloRequest(name="you"), timeout=PATIENCE)
                        ends["OK"] += 1
                    except grpc.RpcError as error:
                        ends[f"{error.code()}: {error.details()}"] += 1
                    time.sleep(0.002)

            callers = [threading.Thread(target=call_on) for _ in range(4)]
            for caller in callers:
                caller.start()
            for index, server in enumerate(servers):
                time.sleep(2)
                following = Server(rolling_server, server.address, hostile=True)
                equal(server.stop().exit_code, 0)
                servers[index] = following
            time.sleep(2)
            over.set()
            for caller in callers:
                caller.join()
        for server in servers:
            server.stop()
        equal(set(ends), {"OK"})


def ours(name: str, peer_server: str, peer_client: str) -> None:
    """Our client in front, which makes checks of its own."""
    with Server(peer_server, hostile=True) as server, Proxy(name, server.port, server.port) as proxy:
        with check("our client comes to the end of its checks"):
            subprocess.run([peer_client, f"127.0.0.1:{proxy.port}"], check=True, timeout=10 * PATIENCE)


def main(name: str, rolling_server: str, peer_server: str, peer_client: str) -> None:
    """Runs it."""
    calls(name, peer_server)
    ours(name, peer_server, peer_client)
    restarts(name, rolling_server)


if __name__ == "__main__":
    main(*sys.argv[1:])
