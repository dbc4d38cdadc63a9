"""Checks: one line each, in the form that `tests/peers/run` counts."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import grpc

# No check waits for longer than this, in seconds: a peer that hangs is a failure, not a pause.
PATIENCE = 10.0


class Failure(Exception):
    """What was expected is not what was found."""


@contextmanager
def check(name: str) -> Iterator[None]:
    """Reports the block below as one check. A failed one does not stop those after it."""
    try:
        yield
    except grpc.RpcError as error:
        print(f"FAIL {name}: {describe(error)}", flush=True)
    except Exception as error:
        # One line, whatever the peer had to say.
        said = " ".join(str(error).split())
        print(f"FAIL {name}: {type(error).__name__}: {brief(said)}", flush=True)
    else:
        print(f"ok   {name}", flush=True)


def describe(error: grpc.RpcError) -> str:
    """A gRPC error in one line: its own text takes ten."""
    return f"{error.code()}: {error.details()!r}"


def equal(found: object, expected: object) -> None:
    """Fails unless both are the same."""
    if found != expected:
        raise Failure(f"expected {brief(repr(expected))}, found {brief(repr(found))}")


def that(holds: bool, otherwise: str) -> None:
    """Fails with the reason unless it holds."""
    if not holds:
        raise Failure(otherwise)


def brief(text: str) -> str:
    """A text, cut to what fits a line."""
    return text if len(text) <= 200 else f"{text[:200]}... ({len(text)} characters)"


def fails_with(code: grpc.StatusCode, call: Callable[[], object]) -> grpc.RpcError:
    """Makes the call; fails unless it ends with the code. Gives its error, to look further."""
    try:
        result = call()
    except grpc.RpcError as error:
        if error.code() is not code:
            raise Failure(f"expected {code}, found {describe(error)}") from error
        return error
    raise Failure(f"expected {code}, found the answer {brief(repr(result))}")


def soon(holds: Callable[[], bool], otherwise: str) -> None:
    """Fails when it does not hold within our patience."""
    end = time.monotonic() + PATIENCE
    while not holds():
        if time.monotonic() > end:
            raise Failure(otherwise)
        time.sleep(0.02)
