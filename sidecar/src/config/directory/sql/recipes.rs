//! Presets for apps that are known. Invariant: a recipe is nothing but values of keys, each of which the file may give itself;
//! with it the format of hashes is the app's, or has to be said.

use crate::config::forms::{self, Wrong};
use crate::config::reader::Reader;
use crate::directory::sql::Engine;

/// An app, and what its tables look like.
struct Recipe {
    name: &'static str,
    /// What it verifies; `None`: whatever the table's app does.
    format: Option<&'static str>,
    presets: &'static [(&'static str, &'static str)],
}

const RECIPES: &[Recipe] = &[
    Recipe {
        name: "anqicms",
        format: Some("\"bcrypt\""),
        presets: &[
            ("sql.table", "\"users\""),
            ("sql.columns.email", "\"email\""),
            ("sql.columns.phone", "\"phone\""),
            ("sql.columns.user_name", "\"user_name\""),
            ("sql.columns.display_name", "\"real_name\""),
            ("sql.columns.deleted", "\"deleted_at\""),
            ("sql.columns.password_hash", "\"password\""),
            ("sql.phone_form", "\"national:CN\""),
            ("sql.set", "[\"updated_time = now_unix\"]"),
        ],
    },
    // Its statements join two tables, see `better_auth`.
    Recipe { name: "better-auth", format: Some("\"better-auth\""), presets: &[] },
    // Sessions end by themselves: each holds a digest of the hash.
    Recipe {
        name: "devise",
        format: Some("\"bcrypt\""),
        presets: &[
            ("sql.table", "\"users\""),
            ("sql.columns.email", "\"email\""),
            ("sql.columns.password_hash", "\"encrypted_password\""),
            (
                "sql.set",
                "[\"reset_password_token = null\", \"reset_password_sent_at = null\", \"remember_created_at = null\", \"updated_at = now\"]",
            ),
        ],
    },
    // Sessions end by themselves: each holds a digest of the hash.
    Recipe {
        name: "django",
        format: Some("\"django-pbkdf2-sha256\""),
        presets: &[
            ("sql.table", "\"auth_user\""),
            ("sql.columns.email", "\"email\""),
            ("sql.columns.user_name", "\"username\""),
            ("sql.columns.display_name", "\"first_name\""),
            ("sql.columns.status", "\"is_active\""),
            ("sql.columns.password_hash", "\"password\""),
            ("sql.active", "[true]"),
            ("sql.match", "\"lower\""),
        ],
    },
    // Sessions are in a table only where its driver is `database`: then `sql.sessions` ends them.
    Recipe {
        name: "laravel",
        format: Some("\"php-bcrypt\""),
        presets: &[
            ("sql.table", "\"users\""),
            ("sql.columns.email", "\"email\""),
            ("sql.columns.display_name", "\"name\""),
            ("sql.columns.password_hash", "\"password\""),
            ("sql.set", "[\"remember_token = null\", \"updated_at = now\"]"),
        ],
    },
    Recipe { name: "plain", format: None, presets: &[] },
    // 6.8 or newer.
    Recipe {
        name: "wordpress",
        format: Some("\"wordpress\""),
        presets: &[
            ("sql.table", "\"wp_users\""),
            ("sql.columns.id", "\"ID\""),
            ("sql.columns.email", "\"user_email\""),
            ("sql.columns.user_name", "\"user_login\""),
            ("sql.columns.display_name", "\"display_name\""),
            ("sql.columns.password_hash", "\"user_pass\""),
            ("sql.set", "[\"user_activation_key = ''\"]"),
        ],
    },
];

pub(super) fn read(reader: &mut Reader<'_>, engine: Engine) {
    let found = reader.read("sql.recipe", |value| {
        let name = forms::text(value)?;
        RECIPES.iter().find(|recipe| recipe.name == name).ok_or_else(|| {
            let names: Vec<&str> = RECIPES.iter().map(|recipe| recipe.name).collect();
            Wrong::new(
                format!("no recipe is called \"{name}\""),
                format!("write one of {}", names.join(", ")),
            )
        })
    });
    let Some(recipe) = found else { return };
    for (key, value) in recipe.presets {
        reader.presume(key, value);
    }
    if let Some(format) = recipe.format {
        reader.presume("password.format", format);
    }
    match recipe.name {
        "better-auth" => better_auth(reader, engine),
        "wordpress" => word_press(reader),
        _ => {}
    }
}

/// Accounts are in `user`, their hashes in `account`; its columns are written in both letter cases.
fn better_auth(reader: &mut Reader<'_>, engine: Engine) {
    let read = "SELECT u.<id> AS id, u.<email> AS email, u.<name> AS display_name, a.<password> AS password_hash \
         FROM <user> u JOIN <account> a ON a.<userId> = u.<id> AND a.<providerId> = 'credential' WHERE";
    let same = match engine {
        Engine::Mysql => "CAST(<password> AS BINARY) <=> CAST(:password_hash AS BINARY)",
        Engine::Postgres => "<password> IS NOT DISTINCT FROM :password_hash",
        Engine::Sqlite => "<password> IS :password_hash",
    };
    let write = format!(
        "UPDATE <account> SET <password> = :hash, <updatedAt> = CURRENT_TIMESTAMP \
         WHERE <userId> = :id AND <providerId> = 'credential' AND {same}"
    );
    let quote = if engine == Engine::Mysql { "`" } else { "\"" };
    let mut say = |key: &'static str, text: &str| {
        // A comparison's own `<` stands beside a space or `=`.
        let text = text.replace("<=>", "\u{1}").replace(['<', '>'], quote).replace('\u{1}', "<=>");
        reader.presume(key, &format!("'''{text}'''"));
    };
    say("sql.find", &format!("{read} u.<email> = :email"));
    say("sql.get", &format!("{read} u.<id> = :id"));
    say("sql.write", &write);
    say("sql.sessions", "DELETE FROM <session> WHERE <userId> = :id");
}

/// The prefix of the tables is the installation's own.
fn word_press(reader: &mut Reader<'_>) {
    let table = reader.peek("sql.table").unwrap_or_else(|| "wp_users".to_owned());
    if let Some(prefix) = table.strip_suffix("users") {
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.');
        if prefix.chars().all(plain) {
            let text = format!(
                "\"DELETE FROM {prefix}usermeta WHERE user_id = :id AND meta_key = 'session_tokens'\""
            );
            reader.presume("sql.sessions", &text);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::RECIPES;
    use crate::config::{Config, DirectoryConfig};
    use crate::directory::sql::Source;

    fn read(text: &str) -> Result<(Config, String), String> {
        let text = format!("directory = \"sql\"\n{text}");
        let config = Config::parse(&text, Path::new("/")).map_err(|faults| faults.to_string())?;
        let DirectoryConfig::Sql(sql) = &config.directory else { return Err("not sql".to_owned()) };
        let shape = format!("{:?}", sql.shape);
        Ok((config, shape))
    }

    #[test]
    fn every_recipe_is_whole_on_every_engine() {
        for recipe in RECIPES.iter().filter(|recipe| recipe.name != "plain") {
            for url in ["postgres://rekey@db/app", "mysql://rekey@db/app", "sqlite:app.db"] {
                let text = format!("[sql]\nurl = \"{url}\"\nrecipe = \"{}\"", recipe.name);
                let (config, _) = read(&text).unwrap_or_else(|faults| panic!("{text}: {faults}"));
                let DirectoryConfig::Sql(sql) = &config.directory else { panic!("{text}") };
                assert_eq!(
                    matches!(sql.shape.source, Source::Own(_)),
                    recipe.name == "better-auth"
                );
            }
        }
    }

    #[test]
    fn a_key_of_the_file_is_stronger_than_a_recipe() {
        let text = "[password]\nformat = \"django-argon2id\"\n[sql]\nurl = \"sqlite:a\"\nrecipe = \"django\"\n\
             table = \"people\"\nactive = []\n[sql.columns]\nstatus = \"\"\n";
        let (config, shape) = read(text).unwrap();
        assert!(shape.contains("people") && shape.contains("active: None"), "{shape}");
        assert!(format!("{:?}", config.password.recipe).contains("Django"));
        let (config, _) = read("[sql]\nurl = \"sqlite:a\"\nrecipe = \"django\"").unwrap();
        assert_eq!(format!("{:?}", config.password.recipe), "Pbkdf2(Django, Sha256, 600000)");
    }

    #[test]
    fn wordpress_keeps_its_prefix() {
        let text =
            "[sql]\nurl = \"mysql://rekey@db/app\"\nrecipe = \"wordpress\"\ntable = \"blog_users\"";
        assert!(read(text).unwrap().1.contains("DELETE FROM blog_usermeta"));
        let faults = read("[sql]\nurl = \"sqlite:a\"\nrecipe = \"rails\"").unwrap_err();
        assert!(faults.contains("write one of anqicms, better-auth"), "{faults}");
    }
}
