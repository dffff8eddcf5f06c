//! A directory "http" on the reference receiver, with a tape of what they said to each other between them.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use contract::address::{Address, Channel};
use contract::secret::Password;
use rekey_tests::http::Call;
use rekey_tests::stage::{Answer, HOOK_KEY, Reaction, Received, Receiver, Server};
use serde_json::{Value, json};
use sidecar::clock::Clock;
use sidecar::config::{Config, DirectoryConfig, HttpConfig};
use sidecar::directory::{Account, DirectoryError, HttpDirectory, NewPassword, Written};
use sidecar::entropy::Entropy;
use tempfile::TempDir;

pub(crate) const ANN: &str = "ann@example.com";
pub(crate) const OLD: &str = "$2b$12$abcdefghijklmnopqrstuuQ0ZJ5w5w5w5w5w5w5w5w5w5w5w5w5w";

pub(crate) struct Rig {
    pub(crate) receiver: Receiver,
    pub(crate) tape: Server,
    pub(crate) said: Said,
    pub(crate) directory: HttpDirectory,
    _dir: TempDir,
}

/// Exchanges, as `hold.py` reads them.
pub(crate) type Said = Arc<Mutex<Vec<Value>>>;

impl Rig {
    pub(crate) fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let receiver = Receiver::start(&dir.path().join("receiver")).unwrap();
        let (said, to) = (Said::default(), receiver.addr());
        let tape = {
            let said = Arc::clone(&said);
            Server::start(move |received| pass(received, to, &said)).unwrap()
        };
        let directory = directory(&http(&dir, tape.addr(), "timeout = \"5s\""));
        Self { receiver, tape, said, directory, _dir: dir }
    }

    /// Adds a user with this hash.
    pub(crate) fn add(&self, id: &str, email: &str, hash: &str) {
        let insert = "INSERT INTO users (id, name, email, hash) VALUES";
        self.receiver.sql(&format!("{insert} ('{id}', '{id}', '{email}', '{hash}')")).unwrap();
    }

    pub(crate) fn hash(&self, id: &str) -> String {
        let rows = self.receiver.sql(&format!("SELECT hash FROM users WHERE id = '{id}'")).unwrap();
        let rows: Value = serde_json::from_str(&rows).unwrap();
        rows[0][0].as_str().unwrap_or_default().to_owned()
    }

    pub(crate) async fn get(&self, id: &str) -> Account {
        self.directory.get(id).await.unwrap().unwrap()
    }
}

/// The section, as a configuration has it.
pub(crate) fn http(dir: &TempDir, addr: SocketAddr, more: &str) -> HttpConfig {
    let key = dir.path().join("hook.secret");
    write_private(&key, HOOK_KEY);
    let text = format!(
        "directory = \"http\"\n[http]\nurl = \"http://{addr}\"\nsecret = \"file:{}\"\n{more}\n",
        key.display()
    );
    match Config::parse(&text, dir.path()).map(|config| config.directory) {
        Ok(DirectoryConfig::Http(http)) => *http,
        Ok(other) => panic!("{other:?}"),
        Err(faults) => panic!("{faults}"),
    }
}

pub(crate) fn directory(config: &HttpConfig) -> HttpDirectory {
    HttpDirectory::new(config, Clock::System, Entropy::System)
}

/// A directory whose service does as it is told.
pub(crate) fn with(
    dir: &TempDir,
    more: &str,
    react: impl Fn(&Received) -> Reaction + Send + Sync + 'static,
) -> (Server, HttpDirectory) {
    let server = Server::start(react).unwrap();
    let directory = directory(&http(dir, server.addr(), more));
    (server, directory)
}

pub(crate) async fn write(
    directory: &HttpDirectory,
    account: &Account,
    hash: &str,
) -> Result<Written, DirectoryError> {
    let password = Password::parse("a new password".to_owned()).unwrap();
    directory.write(account, NewPassword { hash, password: &password }).await
}

pub(crate) fn email(text: &str) -> Address {
    Address::parse(Channel::Email, text, None).unwrap()
}

pub(crate) fn write_private(file: &Path, text: &str) {
    use std::os::unix::fs::PermissionsExt;
    std::fs::write(file, text).unwrap();
    std::fs::set_permissions(file, std::fs::Permissions::from_mode(0o600)).unwrap();
}

/// Hands a call on as it came, and notes what was said.
pub(crate) fn pass(received: &Received, to: SocketAddr, said: &Said) -> Reaction {
    let names = ["webhook-id", "webhook-timestamp", "webhook-signature", "idempotency-key"];
    let mut call = Call::post_json(&received.target, &received.body);
    let mut headers = serde_json::Map::new();
    for name in names {
        let value = received.header(name).unwrap_or_default();
        call = call.header(name, &value);
        headers.insert(name.to_owned(), value.into());
    }
    let Ok(reply) = call.send(to) else { return Reaction::Close };
    let read = |body: &[u8]| serde_json::from_slice(body).unwrap_or(Value::Null);
    said.lock().unwrap().push(json!({
        "path": received.target,
        "status": reply.status,
        "request": read(&received.body),
        "response": read(&reply.body),
        "headers": headers,
        "raw": received.text(),
    }));
    Reaction::Answer(Answer::json(reply.status, reply.body))
}

/// Less than any test's patience, more than any time-out here.
pub(crate) const SOON: Duration = Duration::from_secs(20);
