"""An identity provider of the tests: real OIDC over HTTP on loopback, with real keys, that lies when it is told to."""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
import threading
import time
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlencode, urlsplit

from joserfc import jwt
from joserfc.jwk import OctKey, RSAKey

CLIENT, SECRET = "geo-minzheng", "a secret of the tests"


class Idp:
    """What the provider knows: who sits at it, its key, the codes it gave, and how it lies."""

    def __init__(self) -> None:
        self.key, self.foreign = RSAKey.generate_key(2048), RSAKey.generate_key(2048)
        self.sub = "10086"
        self.more_keys: list[dict] = []
        self.odd_answer: object = None
        self.claims: dict = {}
        self.sign_with, self.alg = self.key, "RS256"
        self.codes: dict[str, dict] = {}
        self.url = ""

    def describe(self) -> dict:
        return {
            "issuer": self.url, "authorization_endpoint": f"{self.url}/authorize",
            "token_endpoint": f"{self.url}/token", "jwks_uri": f"{self.url}/keys", "response_types_supported": ["code"],
            "id_token_signing_alg_values_supported": ["RS256"], "subject_types_supported": ["public"],
        }  # fmt: skip

    def token(self, nonce: str) -> str:
        now = int(time.time())
        claims = {"iss": self.url, "sub": self.sub, "aud": CLIENT, "exp": now + 300, "iat": now, "nonce": nonce}
        claims = {k: v for k, v in (claims | self.claims).items() if v is not None}
        if self.alg == "none":
            head = base64.urlsafe_b64encode(b'{"alg":"none"}').rstrip(b"=").decode()
            return f"{head}.{base64.urlsafe_b64encode(json.dumps(claims).encode()).rstrip(b'=').decode()}."
        return jwt.encode({"alg": self.alg}, claims, self.sign_with, algorithms=[self.alg])

    def lie(self, **more) -> None:
        """Sign tokens that do not hold."""
        self.claims = more.pop("claims", {})
        self.sign_with, self.alg = more.pop("sign_with", self.key), more.pop("alg", "RS256")

    @property
    def shared(self) -> OctKey:
        """The client's secret as a key, as an attacker would use it."""
        return OctKey.import_key(SECRET.encode().ljust(32, b"."))


class Handler(BaseHTTPRequestHandler):
    idp: Idp

    def log_message(self, *_: object) -> None:
        return

    def _say(self, status: int, told: object = None, **headers: str) -> None:
        body = json.dumps(told).encode() if told is not None else b""
        self.send_response(status)
        for name, value in {"Content-Type": "application/json", "Content-Length": str(len(body)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        asked = {name: values[0] for name, values in parse_qs(parts.query).items()}
        if parts.path == "/.well-known/openid-configuration":
            self._say(200, self.idp.describe())
        elif parts.path == "/keys":
            self._say(200, {"keys": [*self.idp.more_keys, self.idp.key.as_dict(private=False)]})
        elif parts.path == "/authorize":
            assert asked["response_type"] == "code" and asked["code_challenge_method"] == "S256", asked
            code = secrets.token_urlsafe(16)
            self.idp.codes[code] = asked
            back = f"{asked['redirect_uri']}?{urlencode({'code': code, 'state': asked['state']})}"
            self._say(302, Location=back)
        else:
            self._say(404)

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        asked = {name: values[0] for name, values in parse_qs(body).items()}
        begun = self.idp.codes.pop(asked.get("code", ""), None)
        digest = hashlib.sha256(asked.get("code_verifier", "").encode()).digest()
        challenge = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
        known = "Basic " + base64.b64encode(f"{CLIENT}:{SECRET}".encode()).decode()
        if begun is None or begun["code_challenge"] != challenge or self.headers.get("Authorization") != known:
            self._say(400, {"error": "invalid_grant"})
            return
        if self.idp.odd_answer is not None:
            self._say(200, self.idp.odd_answer)
            return
        told = {"access_token": "x", "token_type": "Bearer", "id_token": self.idp.token(begun["nonce"])}
        self._say(200, told)


@contextmanager
def provider():
    """Serve a provider on a free port of loopback."""
    idp = Idp()
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Own", (Handler,), {"idp": idp}))
    idp.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield idp
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def settings_of(idp: Idp, back: str) -> str:
    """Write ``oidc.toml`` as the operator guide has it."""
    return (
        f'[auth]\nclient_id = "{CLIENT}"\nclient_secret = "{SECRET}"\n'
        f'server_metadata_url = "{idp.url}/.well-known/openid-configuration"\nredirect_uri = "{back}"\n'
    )
