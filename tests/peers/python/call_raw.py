"""nghttp and h2load, which know nothing of gRPC, call our greeter. Usage: call_raw.py GREETER_SERVER"""

import re
import subprocess
import sys
import tempfile
from pathlib import Path

from check import PATIENCE, check, equal, that
from helloworld_pb2 import HelloRequest
from program import Server

HEADERS = ("-H", "content-type: application/grpc", "-H", "te: trailers")
REQUESTS = 20_000


def output(*command: str) -> str:
    """What the tool prints."""
    done = subprocess.run(command, capture_output=True, text=True, timeout=6 * PATIENCE, check=True)
    return done.stdout


def main(greeter_server: str) -> None:
    """Runs it all."""
    with tempfile.TemporaryDirectory() as folder, Server(greeter_server, "--addr", "127.0.0.1:0") as server:
        message = HelloRequest(name="you").SerializeToString()
        body = Path(folder) / "body"
        body.write_bytes(b"\x00" + len(message).to_bytes(4) + message)
        url = f"http://127.0.0.1:{server.port}/helloworld.Greeter/SayHello"

        with check("nghttp: a greeting with its trailers"):
            said = output("nghttp", "-v", "-d", str(body), *HEADERS, url)
            for line in ":status: 200", "content-type: application/grpc", "grpc-status: 0", "Hello, you!":
                that(line in said, f"no {line!r}")
        with check("nghttp: padded frames"):
            said = output("nghttp", "-v", "--padding=200", "-d", str(body), *HEADERS, url)
            that("grpc-status: 0" in said, said)
        with check("nghttp: 18 KiB of header fields, in CONTINUATION, are refused with 431"):
            said = output("nghttp", "-v", "--continuation", "-d", str(body), *HEADERS, url)
            for line in ":status: 431", "grpc-status: 8":
                that(line in said, f"no {line!r} in {said[-500:]}")
        with check("nghttp: a small window and no header table"):
            small = ("--window-bits=4", "--connection-window-bits=4", "--header-table-size=0")
            said = output("nghttp", "-v", *small, "-d", str(body), *HEADERS, url)
            that("grpc-status: 0" in said, said)
        with check("nghttp: what is not gRPC is told so"):
            said = output("nghttp", "-v", f"http://127.0.0.1:{server.port}/")
            that(re.search(r":status: 4\d\d", said) is not None, said)
        for connections, streams in (1, 100), (10, 10), (50, 1):
            with check(
                f"h2load: {REQUESTS} greetings, {connections} connections, {streams} at a time on each"
            ):
                shape = ("-n", str(REQUESTS), "-c", str(connections), "-m", str(streams))
                said = output("h2load", *shape, "-d", str(body), *HEADERS, url)
                found = re.search(r"(\d+) succeeded, (\d+) failed, (\d+) errored, (\d+) timeout", said)
                that(found is not None, said)
                equal(found and found.groups(), (str(REQUESTS), "0", "0", "0"))


if __name__ == "__main__":
    main(sys.argv[1])
