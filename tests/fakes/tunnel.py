"""An HTTP proxy in place of the servers behind it: CONNECT, TLS
with a test CA, then a local server.

A client that uses the proxy (HTTPS_PROXY) and trusts the CA (SSL_CERT_FILE) accepts it
as the host that it named.
"""

import asyncio
import datetime as dt
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

LIFE = dt.timedelta(days=1)
CA = "throw-away CA"
SIGNS_CERTIFICATES = x509.KeyUsage(
    digital_signature=False,
    content_commitment=False,
    key_encipherment=False,
    data_encipherment=False,
    key_agreement=False,
    key_cert_sign=True,
    crl_sign=True,
    encipher_only=False,
    decipher_only=False,
)
PEM = Encoding.PEM
PIECE = 64 * 1024


@dataclass
class Tunnel:
    """A running proxy; `authority` is the file of its CA,
    `asked` are the hosts that clients named.
    """

    url: str
    authority: Path
    asked: list[str] = field(default_factory=list)


@contextmanager
def tunnel(host: str, port: int, directory: Path) -> Iterator[Tunnel]:
    """Forwards `host` to the plain HTTP server on this port
    of loopback; refuses other hosts.
    """
    authority, context = _certificates(host, directory)
    loop = asyncio.new_event_loop()
    tunnel = Tunnel("", authority)

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError, asyncio.IncompleteReadError):  # the client has disconnected
            await _serve(reader, writer, tunnel.asked, {f"{host}:443": port}, context)
        writer.close()

    server = loop.run_until_complete(asyncio.start_server(connected, "127.0.0.1", 0))
    tunnel.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    try:
        yield tunnel
    finally:
        asyncio.run_coroutine_threadsafe(_stop(server), loop).result()
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


async def _stop(server: asyncio.Server) -> None:
    server.close()
    tasks = asyncio.all_tasks() - {asyncio.current_task()}
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def _serve(
    reader: asyncio.StreamReader,
    writer: asyncio.StreamWriter,
    asked: list[str],
    servers: dict[str, int],
    context: ssl.SSLContext,
) -> None:
    head = await reader.readuntil(b"\r\n\r\n")
    method, target, _ = head.decode("ascii").split(" ", 2)
    asked.append(target)
    if method != "CONNECT" or target not in servers:
        writer.write(b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n")
        await writer.drain()
        return
    writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
    await writer.drain()
    await writer.start_tls(context)
    behind, before = await asyncio.open_connection("127.0.0.1", servers[target])
    try:
        await asyncio.gather(_pump(reader, before), _pump(behind, writer))
    finally:
        before.close()


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while piece := await reader.read(PIECE):
        writer.write(piece)
        await writer.drain()
    writer.close()


def _certificates(host: str, directory: Path) -> tuple[Path, ssl.SSLContext]:
    """Returns the file of a new CA, and a server's context
    with its certificate for `host`.

    Python 3.13 verifies the extensions that RFC 5280, 4.2.1, demands.
    """
    ca_key, key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    root = (
        _unsigned(CA, ca_key.public_key())
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(SIGNS_CERTIFICATES, critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(ca_key.public_key()), critical=False)
    )
    leaf = (
        _unsigned(host, key.public_key())
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(host)]), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(ca_key.public_key()), critical=False)
    )
    for name, unsigned in {"ca": root, "leaf": leaf}.items():
        signed = unsigned.sign(ca_key, hashes.SHA256())
        (directory / f"{name}.pem").write_bytes(signed.public_bytes(PEM))
    (directory / "leaf.key").write_bytes(key.private_bytes(PEM, PrivateFormat.PKCS8, NoEncryption()))
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(directory / "leaf.pem", directory / "leaf.key")
    return directory / "ca.pem", context


def _unsigned(subject: str, key: ec.EllipticCurvePublicKey) -> x509.CertificateBuilder:
    now = dt.datetime.now(dt.UTC)
    return x509.CertificateBuilder(
        issuer_name=_name(CA),
        subject_name=_name(subject),
        public_key=key,
        serial_number=x509.random_serial_number(),
        not_valid_before=now - LIFE,
        not_valid_after=now + LIFE,
    )


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])
