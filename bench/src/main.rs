//! `rekey-bench`: measures the real sidecar, and prints the numbers with their goals.

mod args;
mod cases;
mod chance;
mod cpu;
mod engine;
mod envoy;
mod fault;
mod figure;
mod line;
mod pen;
mod people;
mod postgres;
mod preload;
mod proxy;
mod pss;
mod raw;
mod sidecar;
mod sink;
mod smtp;
mod upstream;
mod vm;

use std::fs::{self, Permissions};
use std::io::{self, Write as _};
use std::os::unix::fs::PermissionsExt;
use std::process::ExitCode;
use std::thread::available_parallelism;

use crate::args::{Alone, Args};
use crate::cases::Bench;
use crate::fault::Benched;
use crate::figure::Table;

fn main() -> ExitCode {
    run(&Args::read()).unwrap_or_else(|error| {
        // Where standard error is closed, the exit code has to do.
        let _ = writeln!(io::stderr(), "rekey-bench: {error}");
        ExitCode::from(2)
    })
}

fn run(args: &Args) -> Benched<ExitCode> {
    match args.alone {
        Some(Alone::Sink { address }) => drop(smtp::serve(address)?),
        Some(Alone::Plain { upstream }) => drop(proxy::serve(upstream)?),
        None => {}
    }
    let cases = args.cases()?;
    let mut builder = tempfile::Builder::new();
    let builder = builder.prefix("rekey-bench-");
    let dir = args.dir.as_ref().map_or_else(|| builder.tempdir(), |dir| builder.tempdir_in(dir))?;
    // PostgreSQL does not run as root, and has to get to its own directory below.
    fs::set_permissions(dir.path(), Permissions::from_mode(0o711))?;
    let bench = Bench {
        root: dir.path().to_owned(),
        quick: args.quick,
        postgres: args.postgres(),
        smtp_sink: args.smtp_sink(),
        envoy: args.envoy.clone(),
        wasm: args.wasm.clone(),
        signing: args.signing.clone(),
    };
    let (mut table, mut failed) = (Table::default(), 0_usize);
    let mut err = io::stderr();
    for case in &cases {
        writeln!(err, "{}: {}", case.name, case.about)?;
        match (case.run)(&bench) {
            Ok(figures) => table.extend(figures),
            Err(error) => {
                failed += 1;
                writeln!(err, "  not measured: {error}")?;
            }
        }
    }
    let mut out = io::stdout();
    write!(out, "{}\n{table}", conditions(&bench)?)?;
    writeln!(out, "{} goals missed, {failed} cases not measured", table.missed())?;
    Ok(if table.missed() + failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// What the numbers depend on.
fn conditions(bench: &Bench) -> Benched<String> {
    let cores = available_parallelism()?;
    let load = fs::read_to_string("/proc/loadavg")?;
    let load = load.split(' ').next().unwrap_or("unknown").to_owned();
    let mut text = format!(
        "{cores} cores, which the load generator shares with what is measured; load of the machine now: {load}\n"
    );
    if cfg!(debug_assertions) {
        text.push_str(
            "built without optimisation: these numbers mean nothing; cargo build --release\n",
        );
    }
    if bench.quick {
        text.push_str("--quick: few rounds of little work\n");
    }
    if in_memory(bench)? {
        text.push_str("the directory lies in memory: durable costs nothing there; --dir names one on a disk\n");
    }
    Ok(text)
}

fn in_memory(bench: &Bench) -> Benched<bool> {
    let mounts = fs::read_to_string("/proc/mounts")?;
    let root = fs::canonicalize(bench.root())?;
    let of = mounts.lines().filter_map(|line| {
        let mut fields = line.split(' ').skip(1);
        fields.next().zip(fields.next()).filter(|(place, _)| root.starts_with(place))
    });
    let nearest = of.max_by_key(|(place, _)| place.len());
    Ok(nearest.is_some_and(|(_, kind)| kind == "tmpfs" || kind == "ramfs"))
}
