"""An authority of certificates that lives as long as one run of checks. Needs the `openssl` command."""

import subprocess
from dataclasses import dataclass
from pathlib import Path


@dataclass
class Identity:
    """Files, PEM."""

    certificate: Path
    key: Path


class Authority:
    """Signs what it is asked to sign, in files of a folder."""

    def __init__(self, folder: Path, name: str) -> None:
        self._folder = folder
        self._own = Identity(folder / f"{name}.pem", folder / f"{name}.key")
        openssl(
            *("req", "-x509", *NEW_KEY, "-keyout", self._own.key, "-out", self._own.certificate),
            *("-days", "2", "-subj", f"/CN={name}"),
        )

    @property
    def roots(self) -> Path:
        """Whom to trust."""
        return self._own.certificate

    def sign(self, name: str) -> Identity:
        """A certificate for a DNS name, and its key."""
        signed = Identity(self._folder / f"{name}.pem", self._folder / f"{name}.key")
        request, extensions = self._folder / f"{name}.csr", self._folder / f"{name}.ext"
        extensions.write_text(f"basicConstraints=CA:FALSE\nsubjectAltName=DNS:{name}\n")
        openssl("req", *NEW_KEY, "-keyout", signed.key, "-out", request, "-subj", f"/CN={name}")
        openssl(
            *("x509", "-req", "-in", request, "-CA", self._own.certificate, "-CAkey", self._own.key),
            *("-CAcreateserial", "-days", "2", "-extfile", extensions, "-out", signed.certificate),
        )
        return signed


NEW_KEY = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes")


def openssl(*arguments: str | Path) -> None:
    """Runs the command; its error says what it said."""
    done = subprocess.run(("openssl", *arguments), capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise RuntimeError(f"openssl {arguments[0]}: {done.stderr}")
