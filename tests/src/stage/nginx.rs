//! A real nginx with the shipped configuration, before an edge on a Unix socket. Only addresses change.

use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

use super::{Fault, Running, Staged, root, until};

/// Where the shipped file says that things are.
const PLACES: [&str; 4] = [
    "listen 127.0.0.1:8080;",
    "server unix:/run/rekey/edge.sock;",
    "server 127.0.0.1:7081;",
    "server 127.0.0.1:3000;",
];

/// Debian's nginx keeps bodies where only an installed one may write.
const FOLDERS: [&str; 5] = ["client_body", "fastcgi", "proxy", "scgi", "uwsgi"];

/// A running nginx.
#[derive(Debug)]
pub struct Nginx {
    running: Running,
    addr: SocketAddr,
    _dir: TempDir,
}

impl Nginx {
    /// Starts it between its clients and these, and waits until it takes connections.
    ///
    /// # Errors
    /// nginx is not installed, or refuses the configuration.
    pub fn start(edge: &Path, public: SocketAddr, app: SocketAddr) -> Staged<Self> {
        let dir = tempfile::tempdir()?;
        // nginx does not tell which port the system gave, so one is looked for first.
        let addr = TcpListener::bind("127.0.0.1:0")?.local_addr()?;
        let shipped = std::fs::read_to_string(root().join("envoy/nginx/nginx.conf"))?;
        let new = [
            format!("listen {addr};"),
            format!("server unix:{};", edge.display()),
            format!("server {public};"),
            format!("server {app};"),
        ];
        let mut text = shipped;
        for (old, new) in PLACES.iter().zip(new) {
            if text.matches(old).count() != 1 {
                return Err(Fault::new(
                    "envoy/nginx/nginx.conf",
                    format!("`{old}` must stand there once"),
                ));
            }
            text = text.replacen(old, &new, 1);
        }
        let folders: String =
            FOLDERS.iter().map(|name| format!("    {name}_temp_path {name};\n")).collect();
        let text = text.replacen("http {\n", &format!("http {{\n{folders}"), 1);
        let file = dir.path().join("nginx.conf");
        std::fs::write(&file, text)?;
        let mut command = Command::new(program()?);
        command.arg("-p").arg(dir.path()).arg("-c").arg(&file).args(["-e", "stderr"]);
        // The socket is its owner's; in an installation it is its group's, and nginx is in it.
        let user = if rustix::process::geteuid().is_root() { " user root;" } else { "" };
        let pid = dir.path().join("nginx.pid");
        command.arg("-g").arg(format!("daemon off; pid {};{user}", pid.display()));
        let mut running = Running::start("nginx", dir.path(), &mut command)?;
        until("nginx's listener", || {
            running.still_runs()?;
            Ok(TcpStream::connect(addr).ok())
        })?;
        Ok(Self { running, addr, _dir: dir })
    }

    #[must_use]
    pub const fn addr(&self) -> SocketAddr {
        self.addr
    }

    #[must_use]
    pub fn log(&self) -> String {
        self.running.log()
    }
}

impl Drop for Nginx {
    fn drop(&mut self) {
        // SIGTERM ends it at once, with its workers.
        let _ended = self.running.stop();
    }
}

fn program() -> Staged<PathBuf> {
    let named = std::env::var_os("REKEY_NGINX").filter(|name| !name.is_empty()).map(PathBuf::from);
    let unpacked = root().join("target/nginx/usr/sbin/nginx");
    let known = [named, Some(unpacked), Some(PathBuf::from("/usr/sbin/nginx"))];
    known
        .into_iter()
        .flatten()
        .find(|path| path.exists())
        .ok_or_else(|| Fault::new("no nginx", "run ./just setup, or name one in REKEY_NGINX"))
}
