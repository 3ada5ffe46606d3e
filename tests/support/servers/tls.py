"""A real nginx that ends TLS with a self-made certificate."""

import datetime as dt
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from tests.support.processes import end, spawn, wait_until
from tests.support.servers.nginx import binary

# Its workers read what the tests wrote; the line has no effect unless root runs them.
CONFIGURATION = """
user root;
daemon off;
error_log stderr;
pid nginx.pid;
worker_processes 1;
events {{ worker_connections 512; }}
http {{
    access_log off;
    types {{ text/html html; }}
    {server}
}}
"""


@contextmanager
def tls_server(folder: Path, server: str, port: int) -> Iterator[None]:
    """Run nginx in `folder` with a `server` block that listens on `port`.

    The block finds `cert.pem` and `key.pem` in `folder`.
    """
    write_certificate(folder)
    folder.joinpath("nginx.conf").write_text(CONFIGURATION.format(server=server), encoding="ascii")
    with folder.joinpath("nginx.log").open("wb") as log:
        process = spawn(
            [binary(), "-p", folder, "-c", "nginx.conf"], cwd=folder, stdout=log, stderr=log
        )
    try:
        wait_until(lambda: listens(port), what="nginx")
        yield
    finally:
        end(process)


def write_certificate(folder: Path) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    now = dt.datetime.now(dt.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(hours=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    folder.joinpath("cert.pem").write_bytes(certificate.public_bytes(pem))
    folder.joinpath("key.pem").write_bytes(
        key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )


def listens(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=5).close()
    except OSError:
        return False
    return True
