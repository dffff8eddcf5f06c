//! Every key of `rekey edge`, once: path, default, form and meaning, as `config::declared` has those of the sidecar.

use crate::config::declared::{Declared, Key, key};

pub(in crate::config) const DECLARED: Declared = &[KEYS];

/// In the order of the reference.
const KEYS: &[Key] = &[
    key(
        "edge.listen",
        "\"127.0.0.1:8080\"",
        "address or unix:/path",
        "Where clients, or what ends their TLS, connect: HTTP/1.1, and HTTP/2 with prior knowledge. A Unix socket is open to its owner and group. With `listen_tls` any address.",
    ),
    key(
        "edge.listen_tls.certificate",
        "",
        "file:path",
        "TLS for clients, HTTP/2 and HTTP/1.1 by ALPN: PEM, the own certificate first, then those up to its CA. Read again when it changes. Behind the PROXY protocol, TLS begins after its header.",
    ),
    key(
        "edge.listen_tls.key",
        "",
        "file:path",
        "Its private key: PEM without a passphrase, mode 0600.",
    ),
    key(
        "edge.allow_public",
        "false",
        "true or false",
        "Lets `listen` be an address that others reach, without TLS.",
    ),
    key(
        "edge.admin",
        "\"127.0.0.1:7083\"",
        "address or unix:/path",
        "For operators: `/livez`, `/readyz`, `/metrics`. It asks for no password.",
    ),
    key(
        "edge.app",
        "",
        "http://host:port or unix:/path",
        "Required: your app. Whatever is not a reset goes there.",
    ),
    key(
        "edge.sidecar",
        "\"http://127.0.0.1:7080\"",
        "http://host:port, https://host:port or unix:/path, or a list",
        "The sidecar's `listen.signed`: http on this machine only, https wherever. Several are asked in turns, and one that cannot be reached, or does not say that it is ready, after the others.",
    ),
    key(
        "edge.tls.certificate",
        "",
        "file:path",
        "What is shown to a sidecar with https: PEM, the own certificate first. All files of the section are read again when they change.",
    ),
    key("edge.tls.key", "", "file:path", "Its private key: PEM without a passphrase, mode 0600."),
    key("edge.tls.ca", "", "file:path", "The CA that the sidecars' certificates are of."),
    key(
        "edge.tls.name",
        "",
        "DNS name or IP address",
        "What the sidecars' certificates must be for. Unset: the host of the URL.",
    ),
    key(
        "edge.health",
        "\"5s\"",
        "100ms to 1h",
        "How often each of several sidecars is asked whether it is ready.",
    ),
    key(
        "edge.public",
        "",
        "http://host:port or unix:/path",
        "The sidecar's `listen.public`: GET and HEAD of `/.well-known/jwks.json` go there. Unset: to the app, like everything else.",
    ),
    key(
        "edge.key",
        "",
        "file:path",
        "Required: lines `rekey-edge <id> <64 hex>`, mode 0600; the first one signs. The sidecar's `keys/edge` is such a file. It is read again when it changes.",
    ),
    key(
        "edge.filter",
        "",
        "file:path",
        "Required: the filter's JSON object, the same as a gateway's plugin configuration; `key` and `mode` are not used.",
    ),
    key(
        "edge.proxy_protocol",
        "false",
        "true or false",
        "Every connection begins with the PROXY protocol, version 1 or 2, and comes from `trusted`; others are closed.",
    ),
    key(
        "edge.trusted_hops",
        "0",
        "0 to 8",
        "The client is the so many'th address from the right of X-Forwarded-For, where the connection comes from `trusted`. 0: the connection's own address.",
    ),
    key(
        "edge.trusted",
        "[\"127.0.0.0/8\", \"::1\"]",
        "network, or a list",
        "Proxies that are believed about a client's address; the peers of a Unix socket always are.",
    ),
    key("edge.connections", "4096", "1 to 65536", "Connections held at a time; more wait."),
    key(
        "edge.tunnels",
        "4096",
        "1 to 65536",
        "WebSockets held at a time, beside the connections; who asks for more gets 503.",
    ),
    key(
        "edge.head_timeout",
        "\"10s\"",
        "1s to 1h",
        "From the first byte of an HTTP/1.1 request to the end of its headers.",
    ),
    key(
        "edge.body_timeout",
        "\"15s\"",
        "1s to 1h",
        "For the whole body of a request that may be ours; one that is not here by then is refused.",
    ),
    key("edge.idle", "\"60s\"", "1s to 1h", "How long a connection without a request stays open."),
    key(
        "edge.pause",
        "\"5m\"",
        "1s to 1h",
        "How long a body on its way to or from the app may pause.",
    ),
    key(
        "edge.app_timeout",
        "\"60s\"",
        "1s to 1h",
        "From the end of a request to the head of the app's answer; then 504.",
    ),
    key(
        "edge.log_level",
        "\"info\"",
        "error, warn, info or debug",
        "What is logged to standard error, one JSON object a line.",
    ),
];
