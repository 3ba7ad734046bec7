"""TLS to an SMSC: whom we trust, who we are, and what went wrong in words.

The certificate and the name in it are checked unless the configuration says otherwise. With TLS 1.3 the handshake is over
for us before the SMSC has looked at our certificate; that it wants one shows at the first read, as an alert. Errors name
files and reasons, never what stands in a file.
"""

from __future__ import annotations

import ssl

from smsgwd.config.smpp import Tls
from smsgwd.errors import LinkError

_VERSIONS = {"1.2": ssl.TLSVersion.TLSv1_2, "1.3": ssl.TLSVersion.TLSv1_3}
#: seconds before its end that a certificate is told
EXPIRES_SOON = 30 * 86_400
#: alerts of OpenSSL by the end of their name -> what an operator reads
_ALERTS = {
    "CERTIFICATE_REQUIRED": "the SMSC wants a certificate of ours; set `cert` and `key` in `tls`",
    "HANDSHAKE_FAILURE": "the SMSC refuses the handshake; it may want a certificate of ours",
    "ALERT_BAD_CERTIFICATE": "the SMSC refuses our certificate",
    "ALERT_CERTIFICATE_EXPIRED": "the SMSC says that our certificate has expired",
    "ALERT_UNKNOWN_CA": "the SMSC does not know who signed our certificate",
    "ALERT_PROTOCOL_VERSION": "the SMSC speaks no version of TLS that `min_version` allows",
    "UNSUPPORTED_PROTOCOL": "the SMSC speaks no version of TLS that `min_version` allows",
    "WRONG_VERSION_NUMBER": "the SMSC does not speak TLS on this port",
}


def tls_context(tls: bool | Tls) -> ssl.SSLContext | None:
    """None without TLS. LinkError when a file of the configuration cannot be used."""
    if not tls:
        return None
    if tls is True:
        return ssl.create_default_context()
    try:
        context = ssl.create_default_context(cafile=tls.ca or None)
    except OSError as e:  # an SSLError is one
        raise LinkError(f"tls.ca: {tls.ca}: {_trouble(e)}") from None
    context.minimum_version = _VERSIONS[tls.min_version]
    if not tls.verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    if tls.cert:
        try:
            # an encrypted key has no password here, and OpenSSL must not ask for one on a terminal
            context.load_cert_chain(tls.cert, tls.key or None, password="")
        except OSError as e:
            files = f"{tls.cert}, {tls.key}" if tls.key else tls.cert
            raise LinkError(f"tls.cert: {files}: {_trouble(e)}") from None
    return context


def server_name(tls: bool | Tls, host: str) -> str | None:
    """The name that the certificate must have, which is also sent (SNI)."""
    if not tls:
        return None
    return (tls.server_name if isinstance(tls, Tls) else "") or host


def tls_trouble(error: ssl.SSLError) -> str:
    """Why there is no TLS, in one line."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"its certificate is refused: {error.verify_message}"
    reason = error.reason or "no handshake"
    said = next((words for end, words in _ALERTS.items() if reason.endswith(end)), reason)
    return f"TLS failed: {said}"


def expiry(certificate: object) -> float | None:
    """When a certificate ends that ``getpeercert()`` gave, seconds since 1970; None when it was not checked."""
    if not isinstance(certificate, dict) or "notAfter" not in certificate:
        return None
    return float(ssl.cert_time_to_seconds(certificate["notAfter"]))


def _trouble(error: OSError) -> str:
    if isinstance(error, ssl.SSLError):
        return {"KEY_VALUES_MISMATCH": "the key does not belong to the certificate"}.get(
            error.reason or "", "no certificate or key that can be read; an encrypted key cannot be used"
        )
    return error.strerror or "cannot be read"
