//! A real Envoy with the configuration that we ship, or with one thing in it changed. Invariant: what is changed is found
//! in the shipped file exactly once, so that a number is never one of another file.

use std::fs::{self, File};
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::fault::{Benched, fault};
use crate::line::Line;
use crate::sidecar::end;

const START: Duration = Duration::from_secs(60);
const LOOK: Duration = Duration::from_millis(20);
const SHIPPED: &str = include_str!("../../envoy/envoy.yaml");
const LUA: &str = include_str!("cases/edge/reset.lua");
const FILTER: &str = "                  - name: rekey\n";
const ROUTES: &str = "                        # (4) The first four:";

/// What stands in the filter's place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    Filter,
    Lua,
    Nothing,
}

/// Programs and places of the gateways of a run.
#[derive(Debug)]
pub(crate) struct Kit {
    pub(crate) envoy: PathBuf,
    pub(crate) wasm: PathBuf,
    pub(crate) app: SocketAddr,
    pub(crate) sidecar: SocketAddr,
}

#[derive(Debug)]
pub(crate) struct Envoy {
    child: Child,
    listener: SocketAddr,
}

impl Envoy {
    /// Starts one in `dir` and waits until it serves.
    pub(crate) fn start(kit: &Kit, dir: &Path, place: Place, workers: usize) -> Benched<Self> {
        fs::create_dir_all(dir)?;
        fs::write(dir.join("envoy.yaml"), render(kit, place)?)?;
        let log = File::create(dir.join("envoy.log"))?;
        let mut child = Command::new(&kit.envoy)
            .current_dir(dir)
            .args(["-c", "envoy.yaml", "--admin-address-path", "admin", "--disable-hot-restart"])
            .args(["--concurrency", &workers.to_string(), "-l", "warn"])
            .env("REKEY_EDGE_KEY", key()?)
            .stdin(Stdio::null())
            .stdout(File::create(dir.join("access.log"))?)
            .stderr(log)
            .spawn()
            .map_err(|error| fault(format!("{}: {error}", kit.envoy.display())))?;
        match open(&mut child, dir) {
            Ok(listener) => Ok(Self { child, listener }),
            Err(error) => {
                end(&mut child);
                Err(error)
            }
        }
    }

    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    pub(crate) fn lines(&self, count: usize) -> Benched<Vec<Line>> {
        Line::open_many(self.listener, count)
    }
}

impl Drop for Envoy {
    fn drop(&mut self) {
        end(&mut self.child);
    }
}

/// 32 random bytes, as hexadecimal digits.
pub(crate) fn key() -> Benched<String> {
    let mut bytes = [0; 32];
    File::open("/dev/urandom")?.read_exact(&mut bytes)?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}

fn render(kit: &Kit, place: Place) -> Benched<String> {
    let free = SocketAddr::from(([127, 0, 0, 1], 0));
    let mut text = SHIPPED.to_owned();
    let ports =
        [(8080, free), (9901, free), (7080, kit.sidecar), (7081, kit.sidecar), (3000, kit.app)];
    for (port, at) in ports {
        let old = format!("{{ address: 127.0.0.1, port_value: {port} }}");
        let new = format!("{{ address: {}, port_value: {} }}", at.ip(), at.port());
        text = once(&text, &old, &new)?;
    }
    text = once(&text, "/etc/rekey/filter.wasm", &kit.wasm.display().to_string())?;
    // One client sends everything.
    text = once(
        &text,
        "{ max_tokens: 60, tokens_per_fill: 60,",
        "{ max_tokens: 4000000000, tokens_per_fill: 4000000000,",
    )?;
    text = once(&text, ROUTES, &format!("{PLAIN}{ROUTES}"))?;
    match place {
        Place::Filter => Ok(text),
        Place::Lua => replace_filter(&text, &lua()),
        Place::Nothing => replace_filter(&text, ""),
    }
}

/// The way of a reset without a filter: the same cluster, path and limiter. It is matched first, by an exact path.
const PLAIN: &str = "                        - name: plain
                          match: { path: /plain }
                          route:
                            cluster: rekey_sidecar
                            prefix_rewrite: /v1/initiate
                            timeout: 6s
                            idle_timeout: 15s
                            retry_policy: { retry_on: \"connect-failure,reset\", num_retries: 2, per_try_timeout: 3s }
                          typed_per_filter_config:
                            envoy.filters.http.local_ratelimit:
                              \"@type\": type.googleapis.com/envoy.extensions.filters.http.local_ratelimit.v3.LocalRateLimit
                              stat_prefix: plain_limit
                              filter_enabled: { default_value: { numerator: 100 } }
                              filter_enforced: { default_value: { numerator: 100 } }
                              rate_limits:
                                - actions:
                                    - masked_remote_address: { v4_prefix_mask_len: 32, v6_prefix_mask_len: 64 }
                              descriptors:
                                - entries: [{ key: masked_remote_address }]
                                  token_bucket: { max_tokens: 4000000000, tokens_per_fill: 4000000000, fill_interval: 60s }
                              max_dynamic_descriptors: 10000
                              always_consume_default_token_bucket: false
                              token_bucket: { max_tokens: 6000, tokens_per_fill: 6000, fill_interval: 60s }
";

fn lua() -> String {
    let head = "                    disabled: true
                    typed_config:
                      \"@type\": type.googleapis.com/envoy.extensions.filters.http.lua.v3.Lua
                      default_source_code:
                        inline_string: |\n";
    let code = LUA.lines().map(|line| format!("                          {line}\n"));
    format!("{FILTER}{head}{}", code.collect::<String>())
}

/// The filter's entry ends where the next of the list begins, or its comment.
fn replace_filter(text: &str, by: &str) -> Benched<String> {
    let lost = || fault("envoy.yaml has no single filter `rekey`");
    let (before, rest) = text.split_once(FILTER).ok_or_else(lost)?;
    let is_next = |line: &str| {
        let inner = line.strip_prefix("                  ");
        inner.is_some_and(|inner| inner.starts_with(['-', '#']))
    };
    let length: usize =
        rest.split_inclusive('\n').take_while(|line| !is_next(line)).map(str::len).sum();
    let after = rest.get(length..).filter(|after| !after.contains(FILTER)).ok_or_else(lost)?;
    Ok(format!("{before}{by}{after}"))
}

fn once(text: &str, old: &str, new: &str) -> Benched<String> {
    match text.matches(old).count() {
        1 => Ok(text.replacen(old, new, 1)),
        count => Err(fault(format!("`{old}` stands {count} times in envoy.yaml"))),
    }
}

/// What the filter of the shipped file is told, without its key.
pub(crate) fn plugin_configuration() -> Benched<String> {
    let lost = || fault("envoy.yaml has no `value: |`");
    let (_, rest) = SHIPPED.split_once("value: |\n").ok_or_else(lost)?;
    let inside = |line: &&str| line.starts_with("                            ");
    let lines = rest.lines().take_while(inside).filter(|line| !line.contains("\"key\":"));
    Ok(lines.collect::<Vec<_>>().join("\n"))
}

/// Where the gateway listens, when it is ready.
fn open(child: &mut Child, dir: &Path) -> Benched<SocketAddr> {
    let end = Instant::now() + START;
    while Instant::now() < end {
        if child.try_wait()?.is_some() {
            let log = fs::read_to_string(dir.join("envoy.log"))?;
            return Err(fault(format!("Envoy did not start:\n{log}")));
        }
        let admin = fs::read_to_string(dir.join("admin")).unwrap_or_default();
        if let Ok(admin) = admin.trim().parse()
            && ask_admin(admin, "/ready")?.contains("LIVE\n")
            && let Some(at) = listener(admin)?
        {
            return Ok(at);
        }
        std::thread::sleep(LOOK);
    }
    Err(fault("Envoy was not ready in time"))
}

fn listener(admin: SocketAddr) -> Benched<Option<SocketAddr>> {
    let text = ask_admin(admin, "/listeners")?;
    let at = text.lines().find_map(|line| line.strip_prefix("gateway::"));
    Ok(at.and_then(|at| at.parse().ok()))
}

/// The whole answer, its chunks as they came. Empty where nobody listens yet.
fn ask_admin(admin: SocketAddr, path: &str) -> Benched<String> {
    let Ok(mut stream) = TcpStream::connect(admin) else {
        return Ok(String::new());
    };
    stream.write_all(
        format!("GET {path} HTTP/1.1\r\nhost: bench\r\nconnection: close\r\n\r\n").as_bytes(),
    )?;
    let mut text = String::new();
    stream.read_to_string(&mut text)?;
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shipped_file_has_every_place_once() {
        let any: SocketAddr = "127.0.0.1:1".parse().unwrap();
        let kit = Kit { envoy: "envoy".into(), wasm: "/x.wasm".into(), app: any, sidecar: any };
        let filter = render(&kit, Place::Filter).unwrap();
        let (lua, nothing) =
            (render(&kit, Place::Lua).unwrap(), render(&kit, Place::Nothing).unwrap());
        assert!(filter.contains("/x.wasm") && filter.contains("match: { path: /plain }"));
        assert!(!lua.contains("/x.wasm") && lua.contains("function envoy_on_request"));
        assert!(!nothing.contains(FILTER) && nothing.contains("envoy.filters.http.router"));
    }
}
