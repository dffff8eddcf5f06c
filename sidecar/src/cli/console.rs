//! Standard input and output of a command, so that tests can give and read them. Invariant: a password that was read is
//! wiped when dropped.

use std::fmt::{self, Display};
use std::io::{self, BufRead, IsTerminal, Write};

use contract::secret::Password;
use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcsetattr};
use tokio::runtime::Handle;
use tokio::signal::ctrl_c;
use tokio::task::JoinHandle;
use zeroize::Zeroizing;

/// What shells take for an end by Ctrl-C.
const INTERRUPTED: i32 = 130;

/// Where a command reads from and writes to.
pub struct Console {
    input: Box<dyn BufRead>,
    output: Box<dyn Write>,
    is_terminal: bool,
    shows: bool,
}

impl Console {
    /// The process's own.
    pub fn standard() -> Self {
        Self {
            input: Box::new(io::BufReader::new(io::stdin())),
            output: Box::new(io::stdout()),
            is_terminal: io::stdin().is_terminal(),
            shows: io::stdout().is_terminal(),
        }
    }

    /// A given input and output.
    pub fn new(input: impl BufRead + 'static, output: impl Write + 'static) -> Self {
        Self { input: Box::new(input), output: Box::new(output), is_terminal: false, shows: false }
    }

    #[cfg(test)]
    pub(super) fn on_a_screen(self) -> Self {
        Self { shows: true, ..self }
    }

    /// Whether what is written stays on a screen.
    pub fn shows(&self) -> bool {
        self.shows
    }

    pub fn line(&mut self, line: impl Display) -> io::Result<()> {
        writeln!(self.output, "{line}")
    }

    /// The first line of the input, without its end; `None` when it is empty.
    pub fn password(&mut self) -> io::Result<Option<Password>> {
        if self.is_terminal {
            write!(self.output, "Password (it is not shown): ")?;
            self.output.flush()?;
        }
        let mut line = Zeroizing::new(String::new());
        let silence = self.is_terminal.then(Silence::on_standard_input).transpose()?;
        self.input.read_line(&mut line)?;
        if silence.is_some() {
            // The end of the line was not shown either.
            writeln!(self.output)?;
        }
        let text = line.strip_suffix('\n').unwrap_or(&line);
        let text = text.strip_suffix('\r').unwrap_or(text);
        Ok(Password::parse(text.to_owned()))
    }

    /// All of the input.
    pub fn text(&mut self) -> io::Result<Zeroizing<String>> {
        let mut text = Zeroizing::new(String::new());
        self.input.read_to_string(&mut text)?;
        Ok(text)
    }
}

/// A terminal that does not show what is typed, until this is dropped, or somebody interrupts.
struct Silence {
    before: Termios,
    watch: Option<JoinHandle<()>>,
}

impl Silence {
    fn on_standard_input() -> io::Result<Self> {
        let before = tcgetattr(io::stdin())?;
        let mut silent = before.clone();
        silent.local_modes -= LocalModes::ECHO;
        tcsetattr(io::stdin(), OptionalActions::Flush, &silent)?;
        let restored = before.clone();
        let watch = Handle::try_current().ok().map(|runtime| {
            runtime.spawn(async move {
                if ctrl_c().await.is_ok() {
                    restore(&restored);
                    std::process::exit(INTERRUPTED);
                }
            })
        });
        Ok(Self { before, watch })
    }
}

impl Drop for Silence {
    fn drop(&mut self) {
        if let Some(watch) = &self.watch {
            watch.abort();
        }
        restore(&self.before);
    }
}

fn restore(before: &Termios) {
    // A terminal that is gone needs nothing back.
    let _gone = tcsetattr(io::stdin(), OptionalActions::Now, before);
}

impl fmt::Debug for Console {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("Console(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_the_first_line() {
        for (input, expected) in
            [("secret\nmore\n", "secret"), ("secret\r\n", "secret"), (" two words ", " two words ")]
        {
            let mut console = Console::new(input.as_bytes(), Vec::new());
            assert_eq!(console.password().unwrap().unwrap().expose(), expected);
        }
        for empty in ["", "\n", "\r\n"] {
            let mut console = Console::new(empty.as_bytes(), Vec::new());
            assert!(console.password().unwrap().is_none());
        }
    }
}
