"""The cases of gRPC's interoperability suite, between ours and those of others, both ways, on each runtime.

Each peer has a name, a version and the command of its client. With `--peer` follows that of its server; with `--backoff` and
`--http2` the client is one for these cases alone.
"""

import argparse
import os
import shlex
import socket
import subprocess
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from string import ascii_lowercase

from check import Failure
from conformance import free_ports
from program import Server

NAME = "foo.test.google.fr"
TLS = "large_unary, TLS"
BACKOFF = "connection_backoff"
# Seconds: a case of a machine that does other things too, and the start of a server.
CASE, START = 90, 30
# Seconds of the case of connection backoff, and some more.
NINE_MINUTES = 540 + 60
# Seconds until what it waits is so long that a busy machine is not taken for a wrong client: the suite allows a tenth of a
# second and a fifth of the wait.
SHORT_WAITS = 45
PLAIN = ("--use_tls=false",)
# These have the suite's certificates with them, and no flags for others.
HAS_CERTIFICATES = ("grpc-java", "grpc-ruby")
# These have no limits of time in the cases that soak: they were written here.
IMPATIENT = ("grpcio", "grpc-js")
# How fast a call is, is nobody's business here.
SOAK = ("--soak_iterations=10",)
PATIENT = (
    "--soak_per_iteration_max_acceptable_latency_ms=60000",
    "--soak_overall_timeout_seconds=60",
    "--soak_min_time_ms_between_rpcs=20",
)

# Why a case is not run.
NO_CASE = "its client does not have the case"
ALL_OR_NONE = "it compresses all messages of a call or none"
DROPPED = (
    "its client cancels a call by dropping it, which leaves no status to look at: "
    "our server is watched in `tests/tests/tonic`"
)
BLIND = "it does not tell a program whether a message came compressed"
NO_COMPRESSION = "its server looks at no compression"
NO_COMPRESSION_IN = "its server compresses unary responses where it is asked to, and looks at no other compression"
NO_ID = "its server has no id to tell"
NO_WATCH = (
    "its server has no ReconnectService: our client is watched by our own, in `tests/interop/tests/ourselves.rs`"
)
COMPRESSION = (
    "client_compressed_unary",
    "server_compressed_unary",
    "client_compressed_streaming",
    "server_compressed_streaming",
)
SERVER_LACKS: dict[str, dict[str, str]] = {
    "grpc-go": {**dict.fromkeys(COMPRESSION, NO_COMPRESSION), "pick_first_unary": NO_ID},
    "grpcio": {"client_compressed_unary": BLIND, "client_compressed_streaming": BLIND},
    "grpc-js": dict.fromkeys(COMPRESSION, BLIND),
    "grpc-java": {
        "client_compressed_unary": NO_COMPRESSION_IN,
        "client_compressed_streaming": NO_COMPRESSION_IN,
        "server_compressed_streaming": NO_COMPRESSION_IN,
        "pick_first_unary": NO_ID,
    },
    "grpc-ruby": {
        **dict.fromkeys(COMPRESSION, NO_COMPRESSION),
        "pick_first_unary": NO_ID,
        "concurrent_large_unary": "its server has 30 threads, and refuses calls that find none free (`RpcServer`)",
    },
    "tonic": {
        "client_compressed_unary": BLIND,
        "client_compressed_streaming": BLIND,
        "server_compressed_streaming": ALL_OR_NONE,
    },
}
CLIENT_LACKS: dict[str, dict[str, str]] = {
    "grpc-go": dict.fromkeys((*COMPRESSION, "concurrent_large_unary", "long_lived_channel"), NO_CASE),
    "grpcio": {
        "server_compressed_unary": BLIND,
        "server_compressed_streaming": BLIND,
        "client_compressed_streaming": ALL_OR_NONE,
    },
    "grpc-js": {
        "server_compressed_unary": BLIND,
        "server_compressed_streaming": BLIND,
        "client_compressed_unary": NO_CASE,
        "client_compressed_streaming": NO_CASE,
    },
    "grpc-java": dict.fromkeys(("concurrent_large_unary", "long_lived_channel"), NO_CASE),
    "grpc-ruby": dict.fromkeys(
        (
            "concurrent_large_unary",
            "pick_first_unary",
            "server_compressed_unary",
            "server_compressed_streaming",
            "special_status_message",
            "rpc_soak",
            "channel_soak",
            "long_lived_channel",
        ),
        NO_CASE,
    ),
    "tonic": {
        "server_compressed_unary": BLIND,
        "server_compressed_streaming": BLIND,
        "client_compressed_streaming": ALL_OR_NONE,
        **dict.fromkeys(("cancel_after_begin", "cancel_after_first_response"), DROPPED),
        "timeout_on_sleeping_server": "its client says CANCELLED where its own deadline passes (`TimeoutExpired`)",
    },
}
# Programs that assert what their own library does not do any more.
OTHER_CODE = "its program expects UNKNOWN of its library, which makes INTERNAL of it (`toRPCErr`)"
OTHER_TEXT = "its program compares the message of the status with one that its library has not any more"
PADDING = dict.fromkeys(("data_frame_padding", "no_df_padding_sanity_test"), NO_CASE)
HTTP2_LACKS: dict[str, dict[str, str]] = {
    "grpc-go": {**PADDING, "rst_during_data": OTHER_CODE},
    "grpc-java": {
        **PADDING,
        **dict.fromkeys(("rst_after_header", "rst_during_data", "rst_after_data"), OTHER_TEXT),
    },
}


@dataclass
class Peer:
    """An implementation that is not ours."""

    name: str
    version: str
    client: list[str]
    server: list[str] = field(default_factory=list)

    @property
    def title(self) -> str:
        """How it is called in a table."""
        return f"{self.name} {self.version}"


@dataclass
class Column:
    """What one peer did: of each case what went wrong on which runtime, or why it was not run."""

    title: str
    failed: dict[str, dict[str, str]] = field(default_factory=dict)
    not_run: dict[str, str] = field(default_factory=dict)


def run(command: list[str]) -> str:
    """Runs a client to its end. Says what was wrong: nothing, if all is well."""
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
        return wrong_with(process, CASE)


def wrong_with(process: "subprocess.Popen[str]", patience: float) -> str:
    """What was wrong with a client, once it has ended: nothing, if all is well."""
    try:
        stdout, _ = process.communicate(timeout=patience)
    except subprocess.TimeoutExpired:
        process.kill()
        stdout, _ = process.communicate()
        return f"no end after {patience} s: {brief(stdout)}"
    return f"ended with {process.returncode}: {brief(stdout)}" if process.returncode else ""


def brief(text: str) -> str:
    """What somebody said, in one line: where it begins, and where it ends."""
    said = " ".join(text.split())
    return said if len(said) <= 400 else f"{said[:200]} ... {said[-200:]}"


@contextmanager
def listening(command: list[str], port: int) -> Iterator[None]:
    """A server of somebody else's, from the moment it listens."""
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        end = time.monotonic() + START
        while True:
            try:
                socket.create_connection(("127.0.0.1", port), timeout=1).close()
                break
            except OSError as error:
                if process.poll() is not None or time.monotonic() > end:
                    raise Failure(f"{command[0]} does not listen") from error
                time.sleep(0.05)
        yield
    finally:
        process.terminate()
        try:
            process.wait(START)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


class Matrix:
    """Everybody against everybody. What is asked of it may be asked at the same time."""

    def __init__(self, programs: str, certificates: str, runtimes: list[str]) -> None:
        self._programs = Path(programs)
        folder = Path(certificates)
        self._trust = ["--use_tls=true", "--use_test_ca=true", f"--server_host_override={NAME}"]
        self._ca = [f"--ca_file={folder / 'ca.pem'}"]
        self._shown = [f"--tls_cert_file={folder / 'server1.pem'}", f"--tls_key_file={folder / 'server1.key'}"]
        self._runtimes = runtimes
        names = [self._ours("interop_client"), *call(1, "all")]
        listed = subprocess.run(names, capture_output=True, text=True, check=True)
        self.cases = listed.stdout.split()

    def _ours(self, program: str) -> str:
        return str(self._programs / program)

    def grpc_cases(self) -> list[str]:
        """The cases that every server takes part in."""
        return [*self.cases[: self.cases.index(BACKOFF) + 1], TLS]

    def http2_cases(self) -> list[str]:
        """The cases that have servers of their own."""
        return self.cases[self.cases.index(BACKOFF) + 1 :]

    def _report(self, column: Column, runtime: str, case: str, wrong: str) -> None:
        what = f"{column.title}, {runtime}: {case}"
        # In one piece, lest the lines of others come between.
        print(f"FAIL {what}: {wrong}\n" if wrong else f"ok   {what}\n", end="", flush=True)
        if wrong:
            column.failed.setdefault(case, {})[runtime] = wrong

    def _shown_by(self, peer: Peer) -> list[str]:
        return [] if peer.name in HAS_CERTIFICATES else self._shown

    def ours_calls(self, peer: Peer, port: int) -> Column:
        """Our client on each runtime, and a server of the peer's at `port` and the one behind it."""
        column = Column(peer.title)
        column.not_run = {**SERVER_LACKS.get(peer.name, {}), BACKOFF: NO_WATCH}
        secure = port + 1
        with (
            listening([*peer.server, f"--port={port}", *PLAIN], port),
            listening([*peer.server, f"--port={secure}", "--use_tls=true", *self._shown_by(peer)], secure),
        ):
            for runtime in self._runtimes:
                client = [self._ours("interop_client"), "--runtime", runtime, *PATIENT, *SOAK]
                for case in self.grpc_cases():
                    if case in column.not_run:
                        continue
                    trust = [*call(secure, "large_unary"), *self._trust, *self._ca]
                    rest = trust if case == TLS else [*call(port, case), *PLAIN]
                    self._report(column, f"our client on {runtime}", case, run([*client, *rest]))
        return column

    def calls_ours(self, peer: Peer) -> Column:
        """A client of the peer's, and our server on each runtime."""
        column = Column(peer.title)
        column.not_run = {**CLIENT_LACKS.get(peer.name, {}), BACKOFF: NO_CASE}
        patient = [] if peer.name in IMPATIENT else list(PATIENT)
        server = self._ours("interop_server")
        for runtime in self._runtimes:
            with (
                Server(server, "--runtime", runtime, "--port=0") as plain,
                Server(server, "--runtime", runtime, "--port=0", "--use_tls", *self._shown) as secure,
            ):
                for case in self.grpc_cases():
                    if case in column.not_run:
                        continue
                    trust = [*call(secure.port, "large_unary"), *self._trust]
                    if peer.name not in HAS_CERTIFICATES:
                        trust += self._ca
                    rest = trust if case == TLS else [*call(plain.port, case), *PLAIN]
                    soak = [*SOAK, *patient] if "soak" in case or "lived" in case else []
                    wrong = run([*peer.client, *rest, *soak])
                    self._report(column, f"our server on {runtime}", case, wrong)
        return column

    def backoff(self, peer: Peer, first: int) -> Column:
        """A client of the peer's that tries to connect for nine minutes, and our servers, all at the same time.

        The servers close what comes at port `first` and those behind it.
        """
        column = Column(peer.title)
        with ExitStack() as stack:
            trying = []
            for retry, runtime in enumerate(self._runtimes, start=first):
                server = Server(
                    self._ours("interop_server"), "--runtime", runtime, "--port=0", f"--retry_port={retry}"
                )
                port = stack.enter_context(server).port
                flags = [f"--server_control_port={port}", f"--server_retry_port={retry}"]
                client = subprocess.Popen(
                    [*peer.client, *flags], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
                )
                trying.append((runtime, stack.enter_context(client)))
            for runtime, client in trying:
                self._report(column, f"our server on {runtime}", BACKOFF, wrong_with(client, NINE_MINUTES))
        return column

    def http2(self, title: str, client: list[str], not_run: dict[str, str]) -> Column:
        """A client against the servers that do what few do."""
        column = Column(title, not_run=not_run)
        for case in self.http2_cases():
            if case in not_run:
                continue
            # It ends with its standard input, and says then what the client did wrong.
            with subprocess.Popen(
                [self._ours("bad_server"), "--port=0", f"--test_case={case}"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
            ) as server:
                assert server.stdout is not None
                port = int(server.stdout.readline().rpartition(":")[2])
                wrong = run([*client, *call(port, case)])
                _, said = server.communicate()
            self._report(column, "a bad server", case, wrong or said.strip())
        return column


def call(port: int, case: str) -> list[str]:
    """The flags that every client has."""
    return ["--server_host=127.0.0.1", f"--server_port={port}", f"--test_case={case}"]


def note(notes: list[str], why: str) -> str:
    """The letter of a reason."""
    if why not in notes:
        notes.append(why)
    return f"— ({ascii_lowercase[notes.index(why)]})"


def table(cases: list[str], columns: list[Column], notes: list[str]) -> list[str]:
    """Lines of Markdown: a row for each case."""
    lines = ["| case | " + " | ".join(column.title for column in columns) + " |", "| --- |" + " --- |" * len(columns)]
    for case in cases:
        cells = []
        for column in columns:
            failed = column.failed.get(case)
            if case in column.not_run:
                cells.append(note(notes, column.not_run[case]))
            elif failed:
                cells.append("**fail**: " + "; ".join(f"{where}: {what}" for where, what in failed.items()))
            else:
                cells.append("pass")
        lines.append(f"| {case} | " + " | ".join(cells) + " |")
    return lines


def written(matrix: Matrix, theirs: list[Column], ours: list[Column], http2: list[Column]) -> str:
    """The page."""
    notes: list[str] = []
    parts = [
        [(Path(__file__).parent / "interop.md").read_text().strip()],
        ["## Our client, their servers"],
        table(matrix.grpc_cases(), theirs, notes),
        ["## Their clients, our server"],
        table(matrix.grpc_cases(), ours, notes),
        ["## HTTP/2: servers that do on purpose what few do"],
        table(matrix.http2_cases(), http2, notes),
        ["## Why a case was not run"],
        [f"- ({ascii_lowercase[place]}) {why}." for place, why in enumerate(notes)],
    ]
    return "\n\n".join("\n".join(part) for part in parts) + "\n"


def peer(texts: list[str]) -> Peer:
    """What the command line says of a peer."""
    name, version, client, *server = texts
    return Peer(name, version, shlex.split(client), shlex.split(*server) if server else [])


def parse() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--programs", required=True, help="the folder of our programs")
    parser.add_argument("--certificates", required=True, help="the folder of the suite's certificates")
    parser.add_argument("--runtimes", required=True, nargs="+")
    texts = ("NAME", "VERSION", "CLIENT", "SERVER")
    parser.add_argument("--peer", nargs=4, metavar=texts, action="append", default=[])
    parser.add_argument("--backoff", nargs=3, metavar=texts[:3], action="append", default=[])
    parser.add_argument("--http2", nargs=3, metavar=texts[:3], action="append", default=[])
    parser.add_argument("--write", type=Path, help="the file of tables to write")
    return parser.parse_args()


def main(asked: argparse.Namespace) -> None:
    """Runs all, and writes it down if that is asked for."""
    matrix = Matrix(asked.programs, asked.certificates, asked.runtimes)
    peers = [peer(texts) for texts in asked.peer]
    trying = [peer(texts) for texts in asked.backoff]
    others = [peer(texts) for texts in asked.http2]
    client = str(Path(asked.programs) / "interop_client")
    ports = free_ports(2 * len(peers) + len(asked.runtimes) * len(trying))
    retries = ports + 2 * len(peers)
    # Who tries to connect mostly sleeps: it needs no processor, once the short waits are over.
    with ThreadPoolExecutor(2 * (os.cpu_count() or 1) + len(trying)) as pool:
        firsts = [retries + nth * len(asked.runtimes) for nth in range(len(trying))]
        waits = [pool.submit(matrix.backoff, *waiting) for waiting in zip(trying, firsts, strict=True)]
        if waits:
            time.sleep(SHORT_WAITS)
        theirs = [pool.submit(matrix.ours_calls, peer, ports + 2 * nth) for nth, peer in enumerate(peers)]
        ours = [pool.submit(matrix.calls_ours, peer) for peer in peers]
        judged = [(f"ours, {name}", [client, "--runtime", name], {}) for name in asked.runtimes]
        judged += [(other.title, other.client, HTTP2_LACKS.get(other.name, {})) for other in others]
        http2 = [pool.submit(matrix.http2, *judging) for judging in judged]
    columns = [column.result() for column in ours]
    for wait in (wait.result() for wait in waits):
        for column in columns:
            if column.title == wait.title:
                del column.not_run[BACKOFF]
                column.failed.update(wait.failed)
    if asked.write:
        tables = ([column.result() for column in theirs], columns, [column.result() for column in http2])
        asked.write.write_text(written(matrix, *tables))


if __name__ == "__main__":
    main(parse())
