//! A real OpenLDAP server: a socket and a port of its own, files that go with it. Its rules of access, policies and limits
//! are what the test says; the rest is one small company.

use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use tempfile::TempDir;

use super::{Fault, Running, Staged, root, until};

/// The base of every directory here.
pub const BASE: &str = "dc=example,dc=org";
/// Who may everything, by nature.
pub const ADMIN: &str = "cn=admin,dc=example,dc=org";
/// Whose password it is, in the server's own words.
pub const PASSWORD: &str = "an admin's very own";
/// For whom rules of access are written; its password is [`PASSWORD`].
pub const LOWLY: &str = "cn=rekey,dc=example,dc=org";

const MODULES: [&str; 6] = ["back_mdb", "argon2", "ppolicy", "pw-sha2", "unique", "valsort"];
const SCHEMAS: [&str; 4] = ["core", "cosine", "inetorgperson", "misc"];

/// What a server is like.
#[derive(Clone, Debug, Default)]
pub struct SlapdOptions {
    /// Lines of `slapd.conf` before the database.
    pub global: String,
    /// Lines of the database: `access`, `limits`, `readonly`, `overlay`.
    pub database: String,
    /// A folder with `server.pem`, `server.key` and `ca.pem`; absent: no TLS.
    pub tls: Option<PathBuf>,
    /// Entries beside those of the base, as LDIF.
    pub entries: String,
}

/// A running server.
#[derive(Debug)]
pub struct Slapd {
    running: Option<Running>,
    dir: TempDir,
    port: u16,
    secure_port: u16,
    has_tls: bool,
}

impl Slapd {
    /// Fills its database and starts it.
    ///
    /// # Errors
    /// OpenLDAP is not in target/openldap (`./just setup`), or refuses the configuration or an entry.
    pub fn start(options: &SlapdOptions) -> Staged<Self> {
        let dir = tempfile::Builder::new().prefix("rekey-slapd-").tempdir()?;
        std::fs::create_dir(dir.path().join("db"))?;
        std::fs::write(dir.path().join("slapd.conf"), configuration(dir.path(), options))?;
        let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port();
        let secure_port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port();
        let has_tls = options.tls.is_some();
        let mut slapd = Self { running: None, dir, port, secure_port, has_tls };
        slapd.add(&format!("{}\n{}", base(), options.entries))?;
        slapd.restart()?;
        Ok(slapd)
    }

    /// Starts it again, where it was stopped or killed.
    ///
    /// # Errors
    /// It does not start.
    pub fn restart(&mut self) -> Staged<()> {
        let mut urls = format!("{} ldap://127.0.0.1:{}", self.url(), self.port);
        if self.has_tls {
            urls.push_str(&format!(" ldaps://127.0.0.1:{}", self.secure_port));
        }
        let mut command = command("slapd");
        command.arg("-f").arg(self.file()).args(["-d", "0", "-h", &urls]);
        let mut running = Running::start("slapd", self.dir.path(), &mut command)?;
        let socket = self.dir.path().join("socket");
        until("slapd's listener", || {
            running.still_runs()?;
            let is_there = TcpStream::connect((Ipv4Addr::LOCALHOST, self.port)).is_ok();
            Ok((is_there && UnixStream::connect(&socket).is_ok()).then_some(()))
        })?;
        self.running = Some(running);
        Ok(())
    }

    /// Starts it again with another configuration, on the entries that are there.
    ///
    /// # Errors
    /// It refuses the configuration.
    pub fn reconfigure(&mut self, options: &SlapdOptions) -> Staged<()> {
        self.running.take().map_or(Ok(()), |mut running| running.stop().map(drop))?;
        std::fs::write(self.file(), configuration(self.dir.path(), options))?;
        self.restart()
    }

    /// Starts it again with more entries, as LDIF.
    ///
    /// # Errors
    /// It refuses one.
    pub fn fill(&mut self, entries: &str) -> Staged<()> {
        self.running.take().map_or(Ok(()), |mut running| running.stop().map(drop))?;
        self.add(entries)?;
        self.restart()
    }

    /// For `ldap.url`: its socket.
    #[must_use]
    pub fn url(&self) -> String {
        format!(
            "ldapi://{}",
            self.dir.path().join("socket").display().to_string().replace('/', "%2F")
        )
    }

    /// Where it speaks in clear, and StartTLS.
    #[must_use]
    pub const fn port(&self) -> u16 {
        self.port
    }

    /// Where it speaks TLS.
    #[must_use]
    pub const fn secure_port(&self) -> u16 {
        self.secure_port
    }

    /// SIGKILL.
    ///
    /// # Errors
    /// The system would not tell how it ended.
    pub fn kill(&mut self) -> Staged<()> {
        self.running.take().map_or(Ok(()), |mut running| running.kill().map(drop))
    }

    /// It stands still, its connections open.
    pub fn freeze(&self) {
        self.running.iter().for_each(Running::freeze);
    }

    /// It goes on.
    pub fn thaw(&self) {
        self.running.iter().for_each(Running::thaw);
    }

    /// The configuration's file, for `slapd`'s tools.
    fn file(&self) -> PathBuf {
        self.dir.path().join("slapd.conf")
    }

    /// Before it runs.
    fn add(&self, entries: &str) -> Staged<()> {
        let mut command = command("slapadd");
        command.arg("-f").arg(self.file()).stdin(Stdio::piped());
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
        if let Some(mut input) = child.stdin.take() {
            std::io::Write::write_all(&mut input, entries.as_bytes())?;
        }
        let output = child.wait_with_output()?;
        if output.status.success() {
            return Ok(());
        }
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        Err(Fault::new("slapadd refused", said))
    }
}

impl Drop for Slapd {
    fn drop(&mut self) {
        if let Some(mut running) = self.running.take() {
            running.thaw();
            // One that does not end is killed by its handle.
            let _ended = running.stop();
        }
    }
}

/// The programs are one; its name says what it does.
fn command(name: &str) -> Command {
    use std::os::unix::process::CommandExt;
    let home = root().join("target/openldap");
    let mut command = Command::new(home.join("usr/sbin/slapd"));
    let libraries = ["x86_64-linux-gnu", "aarch64-linux-gnu"];
    let libraries = libraries.map(|name| home.join("usr/lib").join(name).display().to_string());
    command.arg0(name).env("LD_LIBRARY_PATH", libraries.join(":")).current_dir("/");
    command
}

fn configuration(dir: &Path, options: &SlapdOptions) -> String {
    let home = root().join("target/openldap");
    let home = home.display();
    let mut text = String::new();
    for schema in SCHEMAS {
        text.push_str(&format!("include {home}/etc/ldap/schema/{schema}.schema\n"));
    }
    text.push_str(&format!("modulepath {home}/usr/lib/ldap\n"));
    MODULES.iter().for_each(|module| text.push_str(&format!("moduleload {module}\n")));
    if let Some(tls) = &options.tls {
        let tls = tls.display();
        text.push_str(&format!(
            "TLSCACertificateFile {tls}/ca.pem\nTLSCertificateFile {tls}/server.pem\nTLSCertificateKeyFile {tls}/server.key\n"
        ));
    }
    text.push_str(&options.global);
    // The test waits for answers, not for disks.
    text.push_str(&format!(
        "\npidfile {dir}/pid\nargsfile {dir}/args\ndatabase mdb\nsuffix {BASE}\ndirectory {dir}/db\nrootdn {ADMIN}\n\
         rootpw \"{PASSWORD}\"\ndbnosync\nindex objectClass,mail,mobile,uid,entryUUID eq\n{}\n",
        options.database,
        dir = dir.display(),
    ));
    text
}

fn base() -> String {
    format!(
        "dn: {BASE}\nobjectClass: dcObject\nobjectClass: organization\ndc: example\no: Example\n\n\
         dn: {LOWLY}\nobjectClass: organizationalRole\nobjectClass: simpleSecurityObject\ncn: rekey\nuserPassword: {PASSWORD}\n\n\
         dn: ou=people,{BASE}\nobjectClass: organizationalUnit\nou: people\n"
    )
}
