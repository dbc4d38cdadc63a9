"""grpcio calls a server that is restarted all the time. Usage: rolling.py PROGRAM

`UNWIRED_RESTARTS` says how many restarts, 5 by default.
"""

import os
import sys
import threading
import time

import grpc

from check import check, equal, that
from helloworld_pb2 import HelloRequest
from helloworld_pb2_grpc import GreeterStub
from program import Server

RATE = 1000
DEADLINE = 20.0
# Between two restarts, in seconds.
BETWEEN = 0.2


class Load:
    """1,000 calls a second, from the moment it is made until it is ended."""

    def __init__(self, channel: grpc.Channel) -> None:
        self._stub = GreeterStub(channel)
        self._over = threading.Event()
        self._lock = threading.Lock()
        self.made = self.done = 0
        self.failures: list[str] = []
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def _run(self) -> None:
        begun = time.monotonic()
        while not self._over.is_set():
            due = int((time.monotonic() - begun) * RATE)
            while self.made < due:
                self.made += 1
                call = self._stub.SayHello.future(HelloRequest(name="you"), timeout=DEADLINE)
                call.add_done_callback(self._ended)
            time.sleep(0.001)

    def _ended(self, call: grpc.Future) -> None:
        error = call.exception()
        with self._lock:
            self.done += 1
            if error is not None:
                self.failures.append(f"{error.code()}: {error.details()!r}")

    def end(self) -> None:
        """Makes no more calls, and waits for those that there are."""
        self._over.set()
        self._thread.join()
        end = time.monotonic() + 2 * DEADLINE
        while self.done < self.made and time.monotonic() < end:
            time.sleep(0.01)


def main(program: str) -> None:
    """Restarts the server, under load."""
    restarts = int(os.environ.get("UNWIRED_RESTARTS", "5"))
    with check(f"grpcio makes {RATE} calls a second over {restarts} rolling restarts, and none fails"):
        server = Server(program, "127.0.0.1:0")
        address = server.address
        with grpc.insecure_channel(address) as channel:
            load = Load(channel)
            for _ in range(restarts):
                time.sleep(BETWEEN)
                following = Server(program, address)
                equal(server.stop().exit_code, 0)
                server = following
            load.end()
        equal(server.stop().exit_code, 0)
        that(load.made > 0, "no call was made")
        equal(load.done, load.made)
        equal(load.failures, [])


if __name__ == "__main__":
    main(*sys.argv[1:])
