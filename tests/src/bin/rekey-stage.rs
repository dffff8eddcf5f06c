//! The demo, the playground and the maker of dialects, for the recipes of the justfile. It only reads its arguments.

use std::process::ExitCode;

const USAGE: &str = "\
rekey-stage demo [directory=NAME]          reset passwords in every dialect, and show how
rekey-stage up [directory=NAME]            leave the same set-up running on 127.0.0.1:${REKEY_PORT:-8080}
                                           (REKEY_ACCOUNTS=FILE adds accounts, one JSON object a line)
                                           NAME: where the accounts live, embedded, http, ldap, mariadb or postgres
rekey-stage letter ADDRESS [token|code]    the newest mail or text that `up` sent there
rekey-stage new-dialect NAME               make a further dialect: its file, its line, its fixtures";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match arguments.as_slice() {
        ["demo", settings @ ..] => rekey_tests::demo::demo(settings),
        ["up", settings @ ..] => rekey_tests::up::up(settings),
        ["letter", address] => rekey_tests::up::letter(address, None),
        ["letter", address, part @ ("token" | "code")] => {
            rekey_tests::up::letter(address, Some(part))
        }
        ["new-dialect", name] => rekey_tests::new_dialect::new_dialect(name),
        ["help" | "--help" | "-h"] => {
            println!("{USAGE}");
            ExitCode::SUCCESS
        }
        _ => {
            eprintln!("{USAGE}");
            ExitCode::from(2)
        }
    }
}
