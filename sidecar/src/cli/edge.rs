//! `rekey edge`: judges its configuration, serves, and on a signal finishes what was begun; a second one stops it at once.

use std::path::Path;
use std::process::ExitCode;

use tokio::sync::watch;

use super::check::endpoint;
use super::rooms::{RoomError, runtime};
use super::signals::Signals;
use super::{CliError, Console};
use crate::clock::Clock;
use crate::config::{ClientSource, EdgeConfig, Endpoint, edge_reference};
use crate::edge::{Proxy, signing_key};
use crate::log::{self, Counts};
use crate::tls::edge_certificates;

pub(super) const EXAMPLES: &str = "\
edge.toml:
  [edge]
  app = \"http://127.0.0.1:3000\"        your app
  sidecar = \"http://127.0.0.1:7080\"    listen.signed of `rekey serve`
  key = \"file:rekey-data/keys/edge\"    the sidecar's edge key, or a copy
  filter = \"file:edge.json\"            what is claimed: the filter's JSON object

Examples:
  rekey edge --config edge.toml --check
  rekey edge --config edge.toml
  rekey edge --reference               every key, as a Markdown table";

pub(super) fn edge(
    path: Option<&Path>,
    is_check: bool,
    is_reference: bool,
    console: &mut Console,
) -> Result<ExitCode, CliError> {
    if is_reference {
        console.line(edge_reference().trim_end())?;
        return Ok(ExitCode::SUCCESS);
    }
    let path = path.ok_or_else(|| {
        CliError::refused("rekey edge has no configuration: name one with --config; `rekey edge --help` shows the shortest")
    })?;
    if is_check {
        return check(path, console);
    }
    serve(&EdgeConfig::load(path)?)
}

fn check(path: &Path, console: &mut Console) -> Result<ExitCode, CliError> {
    console.line(format_args!("configuration  {}", path.display()))?;
    let config = match EdgeConfig::load(path) {
        Ok(config) => config,
        Err(faults) => {
            console.line(format_args!("\nto mend:\n{faults}"))?;
            return Ok(ExitCode::FAILURE);
        }
    };
    show(&config, console)?;
    for warning in warnings(&config) {
        console.line(format_args!("warning        {warning}"))?;
    }
    let mut faults = Vec::new();
    match signing_key(&config) {
        Ok(id) => console.line(format_args!("edge key       {id} in {}", config.key.display()))?,
        Err(error) => faults.push(format!("key file {error}")),
    }
    for found in edge_certificates(&config) {
        match found {
            Ok(line) => console.line(format_args!("certificate    {line}"))?,
            Err(fault) => faults.push(fault),
        }
    }
    if faults.is_empty() {
        console.line("\nnothing to mend: `rekey edge` would start")?;
        return Ok(ExitCode::SUCCESS);
    }
    console.line("\nto mend:")?;
    for fault in faults {
        console.line(fault)?;
    }
    Ok(ExitCode::FAILURE)
}

fn show(config: &EdgeConfig, console: &mut Console) -> Result<(), CliError> {
    console.line(format_args!("clients        {}", endpoint(&config.listen)))?;
    console.line(format_args!("admin          {}", endpoint(&config.admin)))?;
    console.line(format_args!("app            {}", config.app))?;
    for sidecar in &config.sidecars {
        console.line(format_args!("sidecar        {sidecar}"))?;
    }
    let source = match config.client {
        ClientSource::Connection => "of the connection".to_owned(),
        ClientSource::Hops(hops) => {
            format!("number {hops} from the right of X-Forwarded-For, of trusted proxies")
        }
        ClientSource::ProxyProtocol => "of the PROXY protocol, of trusted proxies".to_owned(),
    };
    console.line(format_args!("addresses      {source}"))?;
    for (dialect, path) in config.plan.served() {
        console.line(format_args!("claimed        {path} ({dialect})"))?;
    }
    Ok(())
}

fn warnings(config: &EdgeConfig) -> Vec<String> {
    let nameless =
        matches!(config.listen, Endpoint::Unix(_)) && config.client == ClientSource::Connection;
    let nameless = nameless.then(|| {
        "edge.listen: behind a Unix socket clients have no address, and every reset is answered busy: set trusted_hops, or proxy_protocol".to_owned()
    });
    let overdue = config.plan.overdue(Clock::System.now().seconds());
    nameless
        .into_iter()
        .chain(config.plan.warnings().iter().cloned())
        .chain(overdue.map(str::to_owned))
        .collect()
}

fn serve(config: &EdgeConfig) -> Result<ExitCode, CliError> {
    let events = log::start(config.log_level);
    tracing::info!(event = "starting", version = env!("CARGO_PKG_VERSION"));
    for warning in warnings(config) {
        tracing::warn!(event = "configured", warning);
    }
    let runtime = runtime()?;
    let ended = runtime.block_on(run(config, events));
    // Tunnels have no end of their own.
    runtime.shutdown_background();
    ended
}

async fn run(config: &EdgeConfig, events: Counts) -> Result<ExitCode, CliError> {
    let (stop, stopped) = watch::channel(false);
    let mut signals = Signals::listen()?;
    let proxy = Proxy::open(config, events).await.map_err(RoomError::Edge)?;
    let hurried = async {
        tracing::info!(event = "stopping", signal = signals.next().await);
        // The doors are gone only when the program is.
        let _ = stop.send(true);
        tracing::warn!(event = "stopped_at_once", signal = signals.next().await);
    };
    tokio::select! {
        () = proxy.serve(stopped) => {
            tracing::info!(event = "stopped");
            Ok(ExitCode::SUCCESS)
        }
        () = hurried => Ok(ExitCode::FAILURE),
    }
}
