"""What our HPACK encoder makes of the stories of hpack-test-case, decoded by another implementation.

Usage: decode_hpack.py HPACK_ENCODER STORIES
"""

import json
import subprocess
import sys
from pathlib import Path

from check import PATIENCE, check, equal
from hpack import Decoder

DEFAULT_TABLE = 4096
# What the peer's SETTINGS say, one after the other; each holds for a number of sections.
CHANGING = (256, 4096, 0, 1365, 60)
SECTIONS_EACH = 7

Section = list[tuple[bytes, bytes]]


def sections(story: Path) -> list[Section]:
    """The field sections of a story, in order."""
    cases = json.loads(story.read_bytes())["cases"]
    return [
        [(name.encode(), value.encode()) for field in case["headers"] for name, value in field.items()]
        for case in cases
    ]


def table_sizes(count: int, sizes: tuple[int, ...]) -> list[int | None]:
    """The size of the table that is told ahead of each section, if one is."""
    return [
        sizes[place // SECTIONS_EACH % len(sizes)] if place % SECTIONS_EACH == 0 else None
        for place in range(count)
    ]


def encode(encoder: str, story: list[Section], told: list[int | None]) -> list[bytes]:
    """The blocks that our encoder makes."""
    lines = []
    for section, size in zip(story, told, strict=True):
        if size is not None:
            lines.append(f"table {size}")
        lines += [f"{name.hex()} {value.hex()}" for name, value in section]
        lines.append("")
    done = subprocess.run(
        [encoder], input="\n".join([*lines, ""]), capture_output=True, text=True, timeout=PATIENCE, check=True
    )
    return [bytes.fromhex(line) for line in done.stdout.splitlines()]


def main(encoder: str, folder: str) -> None:
    """Runs it all."""
    stories = sorted(Path(folder).glob("*.json"))
    if not stories:
        print(f"skip decoding of what we encode: there are no stories in {folder}")
        return
    for what, sizes in ("a table of 4096", (DEFAULT_TABLE,)), ("tables that change", CHANGING):
        with check(f"hpack: {len(stories)} stories that we encoded with {what} decode to the same"):
            for path in stories:
                story = sections(path)
                told = table_sizes(len(story), sizes)
                blocks = encode(encoder, story, told)
                equal(len(blocks), len(story))
                decoder = Decoder(max_header_list_size=1 << 20)
                for section, size, block in zip(story, told, blocks, strict=True):
                    if size is not None:
                        decoder.max_allowed_table_size = size
                    found = [(name, value) for name, value in decoder.decode(block, raw=True)]
                    equal(found, section)


if __name__ == "__main__":
    main(*sys.argv[1:])
