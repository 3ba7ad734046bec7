"""Certificates for tests, made by openssl: an authority, a server of that authority, a client of it."""

import shutil
import subprocess
from pathlib import Path

import pytest


class Certificates:
    """Files in a folder. ``ca``, and by name NAME.pem with NAME.key."""

    def __init__(self, folder: Path) -> None:
        if not shutil.which("openssl"):
            pytest.skip("openssl, which makes the certificates, is not here")
        self.folder = folder
        self.ca = str(folder / "ca.pem")
        self._run("req", "-x509", *_NEW, "-keyout", "ca.key", "-out", "ca.pem", "-days", "90", "-subj", "/CN=test authority")
        self.issue("server", days=90)
        self.issue("client", days=90)

    def issue(self, name: str, *, days: int, names: str = "DNS:smsc.test,IP:127.0.0.1") -> tuple[str, str]:
        """(certificate, key) signed by the authority."""
        self._run("req", *_NEW, "-keyout", f"{name}.key", "-out", f"{name}.csr", "-subj", f"/CN={name}")
        (self.folder / f"{name}.ext").write_text(f"subjectAltName={names}\n")
        self._run("x509", "-req", "-in", f"{name}.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial",
                  "-out", f"{name}.pem", "-days", str(days), "-extfile", f"{name}.ext")  # fmt: skip
        return self.file(name, "pem"), self.file(name, "key")

    def file(self, name: str, kind: str) -> str:
        return str(self.folder / f"{name}.{kind}")

    def joined(self) -> str:
        """The client's certificate and key in one file."""
        path = self.folder / "both.pem"
        path.write_text(Path(self.file("client", "pem")).read_text() + Path(self.file("client", "key")).read_text())
        return str(path)

    def encrypted(self) -> str:
        """The client's key under a password."""
        self._run("pkey", "-in", "client.key", "-aes256", "-passout", "pass:sesame", "-out", "locked.key")
        return self.file("locked", "key")

    def _run(self, *arguments: str) -> None:
        subprocess.run(["openssl", *arguments], cwd=self.folder, check=True, capture_output=True)


_NEW = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")
