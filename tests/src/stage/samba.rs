//! A real Samba as a domain controller of Active Directory, with nothing but its LDAP. Its ports cannot be chosen, so it
//! has an address of loopback to itself; that, and its database, need root.

use std::net::{Ipv4Addr, SocketAddrV4, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

use super::{Fault, Running, Staged, until};

/// The base of its accounts.
pub const DOMAIN: &str = "DC=rekey,DC=test";
/// Of the user `rekey`, in its form of a name.
pub const SERVANT: &str = "rekey@rekey.test";
/// Of everybody, in the beginning.
pub const BEGINNING: &str = "An-old.passw0rd";

/// MS-ADA, "Reset Password".
const RESET: &str = "00299570-246d-11d0-a768-00aa006e0529";

/// A running server.
#[derive(Debug)]
pub struct Samba {
    /// Ended before its files are removed.
    _running: Running,
    address: Ipv4Addr,
    _dir: TempDir,
}

impl Samba {
    /// Whether it can be started here: it is installed, and we are root.
    #[must_use]
    pub fn is_possible() -> bool {
        Path::new("/usr/sbin/samba").exists() && rustix::process::geteuid().is_root()
    }

    /// Makes a domain with these people, whose names are their mail addresses' local parts, and with the user `rekey`,
    /// who may reset their passwords. `tls` is a folder with `server.pem`, `server.key` and `ca.pem`.
    ///
    /// # Errors
    /// Samba refuses one of the steps.
    pub fn start(address: Ipv4Addr, tls: &Path, people: &[&str]) -> Staged<Self> {
        let dir = tempfile::Builder::new().prefix("rekey-samba-").tempdir()?;
        let home = dir.path().join("dc");
        provision(&home, address, tls)?;
        let database = home.join("private/sam.ldb");
        for name in ["rekey"].iter().chain(people) {
            let mail = format!("--mail-address={name}@example.org");
            tool(
                &["user", "create", name, BEGINNING, &mail, "-H", &database.display().to_string()],
                &home,
            )?;
        }
        delegate(&home, &database)?;
        let mut command = Command::new("/usr/sbin/samba");
        command.args(["-F", "--no-process-group", "--debug-stdout", "-s"]).arg(settings(&home));
        let mut running = Running::start("samba", dir.path(), &mut command)?;
        until("Samba's listener", || {
            running.still_runs()?;
            Ok(TcpStream::connect(SocketAddrV4::new(address, 636)).ok())
        })?;
        Ok(Self { _running: running, address, _dir: dir })
    }

    /// An address of loopback that nobody listens at.
    ///
    /// # Errors
    /// There is none.
    pub fn free_address() -> Staged<Ipv4Addr> {
        let own = std::process::id().to_be_bytes();
        let candidates = (1..=200).map(|last| Ipv4Addr::new(127, own[2] | 1, own[3], last));
        let is_free = |address: &Ipv4Addr| {
            [389, 636]
                .iter()
                .all(|port| TcpListener::bind(SocketAddrV4::new(*address, *port)).is_ok())
        };
        candidates
            .into_iter()
            .find(is_free)
            .ok_or_else(|| Fault::new("Samba", "no address is free"))
    }

    /// For `ldap.url`.
    #[must_use]
    pub fn url(&self) -> String {
        format!("ldaps://{}", self.address)
    }

    /// The same with StartTLS.
    #[must_use]
    pub fn starttls_url(&self) -> String {
        format!("ldap+starttls://{}", self.address)
    }
}

fn provision(home: &Path, address: Ipv4Addr, tls: &Path) -> Staged<()> {
    let options = [
        "bind interfaces only=yes".to_owned(),
        format!("interfaces={address}/8"),
        "server services=ldap".to_owned(),
        // The file system may have no attributes for rights.
        "vfs objects=dfs_samba4 acl_xattr xattr_tdb".to_owned(),
        format!("tls certfile={}", tls.join("server.pem").display()),
        format!("tls keyfile={}", tls.join("server.key").display()),
        format!("tls cafile={}", tls.join("ca.pem").display()),
        format!("log file={}", home.join("log").display()),
        format!("pid directory={}", home.display()),
    ];
    let mut arguments = vec![
        "domain".to_owned(),
        "provision".to_owned(),
        "--realm=REKEY.TEST".to_owned(),
        "--domain=REKEY".to_owned(),
        format!("--adminpass={BEGINNING}"),
        "--server-role=dc".to_owned(),
        "--dns-backend=NONE".to_owned(),
        "--host-name=dc1".to_owned(),
        format!("--host-ip={address}"),
        format!("--targetdir={}", home.display()),
    ];
    arguments.extend(options.iter().map(|option| format!("--option={option}")));
    run(Command::new("samba-tool").args(arguments)).map(drop)
}

/// The right to reset passwords, and no other.
fn delegate(home: &Path, database: &Path) -> Staged<()> {
    let database = database.display().to_string();
    let shown = tool(&["user", "show", "rekey", "--attributes=objectSid", "-H", &database], home)?;
    let sid = shown.lines().find_map(|line| line.strip_prefix("objectSid: "));
    let sid = sid.ok_or_else(|| Fault::new("Samba", "the user rekey has no SID"))?;
    let right = format!("--sddl=(OA;CIIO;CR;{RESET};bf967aba-0de6-11d0-a285-00aa003049e2;{sid})");
    let place = format!("--objectdn=CN=Users,{DOMAIN}");
    tool(&["dsacl", "set", &place, &right, "-H", &database], home).map(drop)
}

fn settings(home: &Path) -> PathBuf {
    home.join("etc/smb.conf")
}

fn tool(arguments: &[&str], home: &Path) -> Staged<String> {
    run(Command::new("samba-tool").args(arguments).arg("-s").arg(settings(home)))
}

fn run(command: &mut Command) -> Staged<String> {
    let output = command.output()?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    let said = [output.stdout, output.stderr].map(|out| String::from_utf8_lossy(&out).into_owned());
    Err(Fault::new("samba-tool refused", format!("{command:?}\n{}", said.concat())))
}
