"""The feed client, over our server and over grpcio's. Usage: feed.py FEED_CLIENT FEED_SERVER COMMAND_OF_A_GRPCIO_SERVER...

Also what nothing but a real program shows: its input, its signals, a server that is gone for a moment.
"""

import json
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

from check import PATIENCE, check, equal, that
from program import Result, Server, run

BROKEN = "no feature at all"


def record(number: int) -> str:
    """A line of the input."""
    return json.dumps({"location": {"latitude": number, "longitude": -number}, "name": f"place {number}"})


class Feed:
    """A client that is fed line by line."""

    def __init__(self, program: str, port: int) -> None:
        self._process = subprocess.Popen(
            (program, "--addr", f"http://127.0.0.1:{port}"),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def send(self, line: str) -> None:
        """Gives it a line."""
        assert self._process.stdin is not None
        self._process.stdin.write(f"{line}\n")
        self._process.stdin.flush()

    def says(self) -> str:
        """What it says next."""
        assert self._process.stdout is not None
        return self._process.stdout.readline().rstrip("\n")

    def stop(self, number: signal.Signals) -> Result:
        """Sends a signal and waits for the end; the input stays open."""
        self._process.send_signal(number)
        assert self._process.stdout is not None and self._process.stderr is not None
        self._process.wait(timeout=PATIENCE)
        return Result(self._process.returncode, self._process.stdout.read(), self._process.stderr.read())

    def end(self) -> Result:
        """Ends the input and waits for the end."""
        stdout, stderr = self._process.communicate(timeout=PATIENCE)
        return Result(self._process.returncode, stdout, stderr)

    def __enter__(self) -> "Feed":
        return self

    def __exit__(self, *_: object) -> None:
        if self._process.poll() is None:
            self._process.kill()
            self._process.communicate()


def whole_files(client: str, whose: str, command: tuple[str, ...]) -> None:
    """A file from its beginning to its end, over a fresh server."""
    with tempfile.TemporaryDirectory() as folder, Server(*command) as server:
        file = Path(folder) / "features.jsonl"
        address = f"http://127.0.0.1:{server.port}"
        with check(f"{whose}: each line is received, with progress"):
            file.write_text("".join(f"{record(number)}\n" for number in range(1, 101)))
            result = run(client, "--addr", address, "--input", str(file))
            equal((result.exit_code, result.stderr), (0, ""))
            lines = result.stdout.splitlines()
            equal(lines[-2:], ["[100%] line 100: received, 100 in all: place 100", lines[-1]])
            that(lines[-1].startswith("100 features went through"), lines[-1])
        with check(f"{whose}: a broken line is told and does not stop the rest"):
            file.write_text(f"{record(1)}\n{BROKEN}\n\n{record(2)}")
            result = run(client, "--addr", address, "--input", str(file))
            equal((result.exit_code, result.stderr.count("\n")), (1, 1))
            lines = result.stdout.splitlines()
            that("line 2: broken: " in lines[1], lines[1])
            that("line 4: received, 102 in all" in lines[2], lines[2])


def line_by_line(client: str, server_program: str) -> None:
    """Signals, and a server that goes and comes back."""
    listen = (server_program, "--addr")
    for number in signal.SIGINT, signal.SIGTERM:
        with check(f"{number.name} ends the feed, which says how far it came"):
            with Server(*listen, "127.0.0.1:0") as server, Feed(client, server.port) as feed:
                feed.send(record(1))
                equal(feed.says(), "line 1: received, 1 in all: place 1")
                result = feed.stop(number)
                equal((result.exit_code, result.stderr), (0, ""))
                that(result.stdout.startswith("stopped: 1 features went through"), result.stdout)
    with check("a server that comes back is fed on"):
        with Server(*listen, "127.0.0.1:0") as server, Feed(client, server.port) as feed:
            feed.send(record(1))
            equal(feed.says(), "line 1: received, 1 in all: place 1")
            said = server.stop().stdout
            equal(said, "received 1 features\n")
            feed.send(record(2))
            said = feed.says()
            that("line 2: no answer (" in said, said)
            with Server(*listen, server.address):
                while "no answer" in said:
                    said = feed.says()
                equal(said, "line 2: received, 1 in all: place 2")
                result = feed.end()
            equal((result.exit_code, result.stderr), (0, ""))
            that(result.stdout.startswith("2 features went through"), result.stdout)
    with check("a server that stays away ends the feed in one line"):
        with Server(*listen, "127.0.0.1:0") as server, Feed(client, server.port) as feed:
            feed.send(record(1))
            feed.says()
            server.stop()
            feed.send(record(2))
            result = feed.end()
            equal((result.exit_code, result.stderr.count("\n")), (1, 1))
            that("line 2" in result.stderr, result.stderr)


def beginnings(client: str) -> None:
    """What the client says when it cannot begin."""
    for arguments, words in (
        (("--input", "/no/such/file"), "/no/such/file"),
        (("--input", "/dev/null", "--addr", "http://127.0.0.1:1"), "127.0.0.1:1"),
    ):
        with check(f"feed_client {' '.join(arguments)} is one line and exit 1"):
            result = run(client, *arguments)
            equal((result.exit_code, result.stdout, result.stderr.count("\n")), (1, "", 1))
            that(words in result.stderr, result.stderr)


def main(client: str, server: str, *grpcio_server: str) -> None:
    """Runs it all."""
    whole_files(client, "ours", (server, "--addr", "127.0.0.1:0"))
    whole_files(client, "grpcio", grpcio_server)
    line_by_line(client, server)
    beginnings(client)


if __name__ == "__main__":
    main(*sys.argv[1:])
