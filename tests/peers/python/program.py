"""Programs of ours, started as a user starts them."""

import re
import signal
import subprocess
import threading
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

from check import PATIENCE, Failure

# What our servers say of connections that they ended, and what of those that they ended for abuse.
FAULT = re.compile("^connections? .*", re.MULTILINE)
ABUSE = re.compile("^connection.*(?:ENHANCE_YOUR_CALM|for abuse).*", re.MULTILINE)


@dataclass
class Result:
    """How a program ended, and what it said."""

    exit_code: int
    stdout: str
    stderr: str


def run(*command: str) -> Result:
    """Runs a program to its end."""
    done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE, check=False)
    return Result(done.returncode, done.stdout, done.stderr)


class Server:
    """A server, from the moment it listens to the end of the `with` block.

    Every connection that ours say they ended is a failure. Of a server whose peers mean to break rules, `hostile`, that holds
    for those alone that it ended for abuse.
    """

    def __init__(self, *command: str, hostile: bool = False) -> None:
        self._name = Path(command[0]).name
        self._ended = ABUSE if hostile else FAULT
        self._process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        watchdog = threading.Timer(PATIENCE, self._process.kill)
        watchdog.start()
        assert self._process.stdout is not None
        line = self._process.stdout.readline().strip()
        watchdog.cancel()
        if not line.startswith("listening on "):
            self._process.kill()
            _, stderr = self._process.communicate()
            raise Failure(f"{command[0]} said {line!r} and {stderr!r} instead of where it listens")
        self.address = line.removeprefix("listening on ")
        self.port = int(self.address.rpartition(":")[2])

    def send(self, number: signal.Signals) -> None:
        """Sends a signal, and does not wait for what follows."""
        self._process.send_signal(number)

    def wait(self) -> Result:
        """Waits for the end, and fails for each connection that was ended before."""
        stdout, stderr = self._process.communicate(timeout=PATIENCE)
        for line in self._ended.findall(stderr):
            print(f"FAIL {self._name}: {line}", flush=True)
        return Result(self._process.returncode, stdout, stderr)

    def stop(self, number: signal.Signals = signal.SIGTERM) -> Result:
        """Sends a signal and waits for the end."""
        self.send(number)
        return self.wait()

    def __enter__(self) -> "Server":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._process.returncode is not None:
            return
        try:
            self.stop()
        except subprocess.TimeoutExpired:
            print(f"FAIL {self._name}: it does not end", flush=True)
            self._process.kill()
            self._process.communicate()
