"""Etagere over HTTP: the stores of any server that speaks Dapr's state API.

    http://127.0.0.1:3500/v1.0/state/statestore             a store of a server
    https://:TOKEN@host/base/v1.0/state/statestore          with TLS, an API token, below a path

What a token cannot hold in a URL is escaped: `%40` for `@`.

Against `etagere serve` everything is exact (see docs/dapr.md): the store behind the server can do
over HTTP what it can do at home, and writers mint the ETags. Any other server chooses the ETags
itself and does not tell them, so a write returns one that matches nothing: read the key. Such a
server also cannot list or touch, nor say what a delete found; a read before the delete says that.

Settings:

    connect_timeout     seconds to try to connect                                   2
    tls_ca              file of the certificate authorities to trust      those of the system
    tls_cert, tls_key   files of our own certificate and its key
    tls_verify          no: trust any certificate                                   yes

    And for servers other than ours, of what their API cannot show:
    values              base64: any bytes, in a JSON string; json: only JSON text   base64
    strong              how far strong reaches: none, primary, failover or always   none
    transactions        over which keys: full, same-slot or none         full, if it has them
    max_body_size       bytes of a request, as in the server's own setting          4Mi
"""

from etagere_http.backend import HttpBackend

__all__ = ["HttpBackend"]
