"""Conformance suites of others judge our HTTP/2.

Usage: conformance.py server H2SPEC HTTP2_SERVER RUNTIME
       conformance.py grpc H2SPEC GREETER_SERVER
       conformance.py client H2SPECD HTTP2_CLIENT RUNTIME
       conformance.py httpwg HTTPWG HTTP2_SERVER RUNTIME
"""

import ctypes
import re
import socket
import subprocess
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path
from xml.etree import ElementTree

from check import Failure, check, equal, that
from program import Server

SERVER_CASES = 147
CLIENT_CASES = 57
HTTPWG_CASES = 107
# Seconds that a case waits for what does not come.
REACTION = 2
# Seconds that a whole suite may take.
SUITE = 100
# httpwg never opens a window: an answer has to fit the one that a stream begins with.
SMALL_BODY = 65535
# Below what Linux takes for outgoing connections.
PORTS = range(20000, 32000)
IO_URING_SETUP = 425

# h2spec asks with GET. A gRPC server answers that at its HEADERS, with 405 and nothing more.
NO_DATA = "waits for DATA, and the answer is HEADERS alone"
NOT_HELD = "holds answers back by a window of 0, and HEADERS need none"
ANSWERED = "goes on with a request that may be answered by then: what is late is let pass (RFC 9113 §5.1)"
NOT_FOR_GRPC = {
    "generic/2/2": NO_DATA,
    "generic/2/3": NO_DATA,
    "http2/4.2/2": ANSWERED,
    "http2/5.1/8": ANSWERED,
    "http2/5.1/9": ANSWERED,
    "http2/5.1.2/1": NOT_HELD,
    "http2/6.5.3/1": NO_DATA,
    "http2/6.9/2": ANSWERED,
    "http2/6.9.1/1": NO_DATA,
    "http2/6.9.1/3": ANSWERED,
    "http2/6.9.2/1": NO_DATA,
    "http2/6.9.2/2": NO_DATA,
    "http2/8.1/1": ANSWERED,
    "http2/8.1.2.1/3": ANSWERED,
    "http2/8.1.2.6/1": ANSWERED,
    "http2/8.1.2.6/2": ANSWERED,
}


def said_by(*command: str) -> str:
    """What a suite prints, without its colours. How it ends is not asked: its words say more."""
    done = subprocess.run(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=SUITE, check=False
    )
    return re.sub(r"\x1b\[[0-9;]*m", "", done.stdout.decode(errors="replace"))


def h2spec(tool: str, port: int) -> dict[str, str]:
    """Every case of h2spec by its number, and what is wrong with it: nothing, if all is well."""
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.xml"
        said = said_by(
            tool, "--strict", "--port", str(port), "--timeout", str(REACTION), "--junit-report", str(report)
        )
        that(report.exists(), f"no report: {said[-500:]}")
        found = {}
        for suite in ElementTree.parse(report).getroot():
            for place, case in enumerate(suite, start=1):
                wrong = " ".join(f"{part.tag}: {part.text}" for part in case)
                found[f"{suite.get('package')}/{place}"] = wrong and f"{case.get('classname')}: {wrong}"
        return found


def all_well(found: dict[str, str], excused: dict[str, str]) -> None:
    """Fails unless all cases were there and all but the excused ones are well."""
    equal(len(found), SERVER_CASES)
    wrong = [f"{case} {what}" for case, what in found.items() if what and case not in excused]
    that(not wrong, "; ".join(wrong))


def server(tool: str, program: str, runtime: str) -> None:
    """h2spec, strict, against bare HTTP/2."""
    with check(f"h2spec: {SERVER_CASES} of {SERVER_CASES} server cases on {runtime}"):
        with Server(program, "--runtime", runtime, "--addr", "127.0.0.1:0") as running:
            all_well(h2spec(tool, running.port), {})


def grpc(tool: str, program: str) -> None:
    """h2spec, strict, against the greeter."""
    cases = SERVER_CASES - len(NOT_FOR_GRPC)
    for case, why in NOT_FOR_GRPC.items():
        print(f"     not for gRPC: {case} {why}")
    with check(f"h2spec: {cases} server cases that hold for gRPC"):
        with Server(program, "--addr", "127.0.0.1:0", hostile=True) as running:
            all_well(h2spec(tool, running.port), NOT_FOR_GRPC)


def free_ports(count: int) -> int:
    """The first of some ports in a row that nobody uses."""
    for first in range(PORTS.start, PORTS.stop - count, count):
        with ExitStack() as stack:
            try:
                for port in range(first, first + count):
                    taken = stack.enter_context(socket.socket())
                    taken.bind(("127.0.0.1", port))
            except OSError:
                continue
            return first
    raise Failure(f"no {count} free ports in a row")


def client(tool: str, program: str, runtime: str) -> None:
    """h2specd against bare HTTP/2."""
    with check(f"h2spec: {CLIENT_CASES} of {CLIENT_CASES} client cases on {runtime}"):
        command = f"{program} --runtime {runtime}"
        first = str(free_ports(CLIENT_CASES))
        said = said_by(tool, "--from-port", first, "--timeout", str(REACTION), command)
        summary = f"{CLIENT_CASES} tests, {CLIENT_CASES} passed, 0 skipped, 0 failed"
        wrong = re.findall(r"× (.*)", said.partition("Failures:")[2])
        that(summary in said, "; ".join(wrong) or said[-500:])


def has_io_uring() -> bool:
    """Whether the system gives us an io_uring, which httpwg does everything with."""
    libc = ctypes.CDLL(None, use_errno=True)
    parameters = ctypes.create_string_buffer(120)
    descriptor: int = libc.syscall(IO_URING_SETUP, 1, parameters)
    if descriptor < 0:
        return False
    libc.close(descriptor)
    return True


def httpwg(tool: str, program: str, runtime: str) -> None:
    """httpwg against bare HTTP/2."""
    if not has_io_uring():
        print(f"skip httpwg on {runtime}: it needs io_uring, which this system refuses")
        return
    with check(f"httpwg: {HTTPWG_CASES} of {HTTPWG_CASES} cases on {runtime}"):
        address = f"127.0.0.1:{free_ports(1)}"
        patience = str(1000 * REACTION)
        command = (program, "--runtime", runtime, "--addr", address, "--body", str(SMALL_BODY))
        said = said_by(
            tool, "--connect-timeout", patience, "--frame-timeout", patience, "-a", address, "--", *command
        )
        wrong = re.findall(r"Test failed: (.*)|Message: *(.*)", said)
        that(f"Passed {HTTPWG_CASES}/{HTTPWG_CASES} tests" in said, f"{wrong or said[-500:]}")


if __name__ == "__main__":
    {"server": server, "grpc": grpc, "client": client, "httpwg": httpwg}[sys.argv[1]](*sys.argv[2:])
