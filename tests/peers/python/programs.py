"""What every example program promises whoever starts it: what it prints, when it ends and how.

Usage: programs.py FOLDER_OF_PROGRAMS COMMAND_OF_A_GRPCIO_SERVER...
"""

import signal
import socket
import sys
import tempfile
from pathlib import Path

from check import check, equal, that
from program import Result, Server, run

TUTORIALS = ("displacement", "hello", "inventory")
SERVERS = ("greeter_server", "route_guide_server", "feed_server", *(f"{name}_server" for name in TUTORIALS))
CLIENTS = ("greeter_client", "route_guide_client", *(f"{name}_client" for name in TUTORIALS))
GREETINGS = "Greeter client received: Hello, you!\nGreeter client received: Hello again, you!\n"
HEADINGS = [
    f"-------------- {method} --------------"
    for method in ("GetFeature", "ListFeatures", "RecordRoute", "RouteChat")
]


def one_line_on_stderr(result: Result, exit_code: int, *words: str) -> None:
    """Fails unless the program said what is wrong in one line, and nothing else."""
    equal(result.exit_code, exit_code)
    equal(result.stdout, "")
    that(result.stderr.count("\n") == 1, f"not one line: {result.stderr!r}")
    for word in words:
        that(word in result.stderr, f"no {word!r} in {result.stderr!r}")


def servers(programs: Path) -> None:
    """Listening, and ending."""
    for name in SERVERS:
        program = str(programs / name)
        for number in signal.SIGTERM, signal.SIGINT:
            with check(f"{name} ends with 0 at {number.name}"):
                with Server(program, "--addr", "127.0.0.1:0") as server:
                    that(server.address == f"127.0.0.1:{server.port}", server.address)
                    equal(server.stop(number).exit_code, 0)
        with check(f"{name} on [::] takes IPv4 as well"):
            with Server(program, "--addr", "[::]:0") as server:
                socket.create_connection(("127.0.0.1", server.port)).close()
        with check(f"{name}: a port in use is one line and exit 1"):
            with socket.create_server(("127.0.0.1", 0)) as holder:
                address = f"127.0.0.1:{holder.getsockname()[1]}"
                one_line_on_stderr(run(program, "--addr", address), 1, address)
        with check(f"{name}: no address at all is one line"):
            result = run(program, "--addr", "nonsense")
            one_line_on_stderr(result, result.exit_code, "nonsense")
            that(result.exit_code != 0, "exit 0")
    program = str(programs / "route_guide_server")
    with check("route_guide_server refuses a broken list with line and reason"):
        with tempfile.TemporaryDirectory() as folder:
            broken = Path(folder) / "broken.json"
            broken.write_text('[\n  {"location": {"latitude": 1}, "name": "x"}\n]')
            one_line_on_stderr(run(program, "--db", str(broken)), 1, str(broken), "longitude", "line 2")
            one_line_on_stderr(run(program, "--db", str(broken) + ".not"), 1, str(broken) + ".not")


def clients(programs: Path, grpcio_server: list[str]) -> None:
    """Calling, our server and grpcio's, with the same answers."""
    with (
        Server(*grpcio_server) as theirs,
        Server(str(programs / SERVERS[0]), "--addr", "127.0.0.1:0") as ours,
    ):
        program = str(programs / "greeter_client")
        for whose, server in ("ours", ours), ("grpcio", theirs):
            with check(f"greeter_client calls {whose}"):
                result = run(program, "--addr", f"http://localhost:{server.port}", "--name", "J\u00fcrgen")
                equal(result, Result(0, GREETINGS.replace("you", "J\u00fcrgen"), ""))
            with check(f"greeter_client calls {whose}, without a name"):
                result = run(program, "--addr", f"http://127.0.0.1:{server.port}")
                equal(result, Result(0, GREETINGS, ""))
    with (
        Server(*grpcio_server) as theirs,
        Server(str(programs / SERVERS[1]), "--addr", "127.0.0.1:0") as ours,
    ):
        program = str(programs / "route_guide_client")
        said: dict[str, str] = {}
        for whose, server in ("ours", ours), ("grpcio", theirs):
            with check(f"route_guide_client calls {whose}"):
                result = run(program, "--addr", f"http://127.0.0.1:{server.port}")
                equal((result.exit_code, result.stderr), (0, ""))
                equal([line for line in result.stdout.splitlines() if line in HEADINGS], HEADINGS)
                that(
                    "Berkshire Valley Management Area Trail, Jefferson, NJ, USA" in result.stdout,
                    result.stdout,
                )
                said[whose] = result.stdout
        with check("route_guide_client hears the same from both"):
            equal(said["ours"], said["grpcio"])
    for name in TUTORIALS:
        with (
            Server(*grpcio_server) as theirs,
            Server(str(programs / f"{name}_server"), "--addr", "127.0.0.1:0") as ours,
            check(f"{name}_client hears the same from ours and from grpcio"),
        ):
            heard = [
                run(str(programs / f"{name}_client"), "--addr", f"http://127.0.0.1:{server.port}")
                for server in (ours, theirs)
            ]
            equal((heard[0].exit_code, heard[0].stderr), (0, ""))
            that(heard[0].stdout != "", "it said nothing")
            equal(heard[1], heard[0])
    for name in CLIENTS:
        with check(f"{name}: no server is one line and exit 1"):
            with socket.create_server(("127.0.0.1", 0)) as holder:
                port = holder.getsockname()[1]
            one_line_on_stderr(run(str(programs / name), "--addr", f"http://127.0.0.1:{port}"), 1, str(port))


def command_line(programs: Path) -> None:
    """Help and mistakes."""
    for name in SERVERS + CLIENTS:
        with check(f"{name} --help"):
            result = run(str(programs / name), "--help")
            equal((result.exit_code, result.stderr), (0, ""))
            that("--addr" in result.stdout, result.stdout)
        with check(f"{name}: an unknown option is one line and exit 2"):
            one_line_on_stderr(run(str(programs / name), "--colour"), 2, "--colour")


if __name__ == "__main__":
    folder = Path(sys.argv[1])
    servers(folder)
    clients(folder, sys.argv[2:])
    command_line(folder)
