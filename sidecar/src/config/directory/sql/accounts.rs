//! How accounts stand in the database: table and columns, or statements. Invariant: it is one of both, and it is whole.

use toml::de::DeValue;

use crate::config::forms::{self, Formed, Wrong};
use crate::config::reader::Reader;
use crate::directory::sql::{
    Column, Engine, Matching, Own, Parameter, PhoneForm, Setting, Shape, Source, Table, TableName,
    Template,
};

/// Further columns, settings or values, at most.
const MANY: usize = 16;

pub(super) fn read(reader: &mut Reader<'_>, engine: Engine) -> Option<Shape> {
    use Parameter::{Email, Hash, Id, PasswordHash, Phone, Revision, Salt};
    let find = statement(reader, "sql.find", engine, &[Email, Phone], &[&[Email, Phone]]);
    let get = statement(reader, "sql.get", engine, &[Id], &[&[Id]]);
    let compared: &[Parameter] = &[PasswordHash, Revision(0)];
    let all = [Id, Hash, Salt, PasswordHash, Revision(0)];
    let write = statement(reader, "sql.write", engine, &all, &[&[Id], &[Hash], compared]);
    let sessions = statement(reader, "sql.sessions", engine, &[Id], &[&[Id]]);
    let phone_form = reader.read("sql.phone_form", phone_form);
    let active = reader.read("sql.active", |value| list(value, active_value));
    let own = [&find, &get, &write].into_iter().flatten().count();
    let table = table(reader, own > 0);
    let source = match (own, table) {
        (0, table) => table.map(Box::new).map(Source::Table),
        (3, _) => find.zip(get).zip(write).map(|((find, get), write)| {
            only_statements(reader);
            Source::Own(Box::new(Own { find, get, write }))
        }),
        _ => {
            let remedy = "write all of find, get and write, or table and columns";
            reader.refuse("sql.find", "some of your own statements are missing", remedy);
            None
        }
    };
    let active = active.filter(|active: &Vec<String>| !active.is_empty());
    judge_status(reader, source.as_ref(), active.is_some());
    Some(Shape { source: source?, sessions, active, phone_form: phone_form?, salted: None })
}

/// Nothing may stand there in vain.
fn only_statements(reader: &mut Reader<'_>) {
    for key in super::KEYS {
        let is_table = key.path.starts_with("sql.columns.")
            || ["sql.table", "sql.set", "sql.revision", "sql.match"].contains(&key.path);
        if is_table && reader.has(key.path) {
            let remedy = "remove it, or the statements find, get and write";
            reader.refuse(key.path, "your own statements are used instead", remedy);
        }
    }
}

fn judge_status(reader: &mut Reader<'_>, source: Option<&Source>, has_active: bool) {
    let Some(Source::Table(table)) = source else { return };
    match (table.status.is_some(), has_active) {
        (true, false) => reader.refuse(
            "sql.columns.status",
            "which of its values mean active is not said",
            "write active = [..], with the values of accounts that may log in",
        ),
        (false, true) => reader.refuse(
            "sql.active",
            "there is no column that it is about",
            "name the column as columns.status, or remove the key",
        ),
        _ => {}
    }
}

/// Nothing is missed where there are statements, be it a recipe's or ones with faults.
fn table(reader: &mut Reader<'_>, has_own: bool) -> Option<Table> {
    let written = |key| reader.has(key);
    let own = has_own || ["sql.find", "sql.get", "sql.write"].into_iter().any(written);
    let name = reader.read("sql.table", table_name).flatten();
    let mut one = |key: &str| reader.read(&format!("sql.columns.{key}"), column).flatten();
    let id = one("id");
    let (email, phone) = (one("email"), one("phone"));
    let (user_name, display_name) = (one("user_name"), one("display_name"));
    let (language, status, deleted) = (one("language"), one("status"), one("deleted"));
    let (second_factor, password_hash) = (one("second_factor"), one("password_hash"));
    let salt = one("salt");
    let mut some = |key: &str| reader.read(key, |value| list(value, column)).unwrap_or_default();
    let emails: Vec<Column> =
        email.into_iter().chain(some("sql.columns.emails").into_iter().flatten()).collect();
    let phones: Vec<Column> =
        phone.into_iter().chain(some("sql.columns.phones").into_iter().flatten()).collect();
    let revision: Vec<Column> = some("sql.revision").into_iter().flatten().collect();
    let matching = reader.read("sql.match", matching);
    let set = reader.read("sql.set", |value| list(value, setting)).unwrap_or_default();
    if own {
        return None;
    }
    let mut need = |there: bool, key: &str, what: &str| {
        if !there {
            reader.refuse(key, what, "name it, or write the statements find, get and write");
        }
    };
    need(name.is_some(), "sql.table", "no table is named");
    need(id.is_some(), "sql.columns.id", "no key of the account is named");
    need(password_hash.is_some(), "sql.columns.password_hash", "no column of the hash is named");
    let reachable = !emails.is_empty() || !phones.is_empty();
    need(reachable, "sql.columns.email", "neither e-mail addresses nor phone numbers are named");
    let password_hash = password_hash?;
    let written = [Some(&password_hash), salt.as_ref()];
    let written: Vec<Column> = written.into_iter().flatten().cloned().collect();
    let revision = if revision.is_empty() { written.clone() } else { revision };
    judge_set(reader, &set, &written);
    judge_revision(reader, &revision, &set, &written);
    let single = [&user_name, &display_name, &language, &status, &deleted, &second_factor, &id];
    let others = single.into_iter().flatten().chain(&emails).chain(&phones);
    judge_written(reader, &written, others);
    Some(Table {
        name: name?,
        id: id?,
        emails,
        phones,
        user_name,
        display_name,
        language,
        status,
        deleted,
        second_factor,
        password_hash,
        salt,
        matching: matching?,
        set,
        revision,
    })
}

/// A column is set once. `written`: those of the hash.
fn judge_set(reader: &mut Reader<'_>, set: &[Setting], written: &[Column]) {
    let mut columns: Vec<&str> = set.iter().map(|setting| setting.column.as_str()).collect();
    columns.extend(written.iter().map(Column::as_str));
    columns.sort_unstable();
    let all = columns.len();
    columns.dedup();
    if columns.len() < all {
        reader.refuse(
            "sql.set",
            "a column is set twice",
            "name each once, and hash and salt not at all",
        );
    }
}

/// A write takes the place of what stood in its columns.
fn judge_written<'c>(
    reader: &mut Reader<'_>,
    written: &[Column],
    mut others: impl Iterator<Item = &'c Column>,
) {
    if let Some(column) = others.find(|column| written.contains(column)) {
        let problem =
            format!("a reset would write over {}, which holds something else", column.as_str());
        let remedy = "name columns of the hash alone as columns.password_hash and columns.salt";
        reader.refuse("sql.columns.password_hash", &problem, remedy);
    }
}

/// A write of ours must move the revision, or a proof would live on after it.
fn judge_revision(
    reader: &mut Reader<'_>,
    revision: &[Column],
    set: &[Setting],
    written: &[Column],
) {
    let moves = |column: &Column| {
        written.contains(column) || set.iter().any(|one| one.column == *column && one.moves())
    };
    if !revision.iter().any(moves) {
        reader.refuse(
            "sql.revision",
            "none of its columns changes when we write a password",
            "add the column of the hash, or set one of them: set = [\"token_version = token_version + 1\"]",
        );
    }
}

/// `needed`: of each of these groups one at least.
fn statement(
    reader: &mut Reader<'_>,
    key: &str,
    engine: Engine,
    allowed: &[Parameter],
    needed: &[&[Parameter]],
) -> Option<Template> {
    let form = |value: &DeValue<'_>| {
        let text = forms::text(value)?;
        if text.is_empty() {
            return Ok(None);
        }
        let names: Vec<String> =
            allowed.iter().map(|parameter| format!(":{}", parameter.name())).collect();
        let remedy = format!("write one statement with {}", names.join(", "));
        let template = Template::parse(text, engine)
            .map_err(|fault| Wrong::new(fault.to_string(), remedy.clone()))?;
        if let Some(strange) = template.slots().find(|slot| !allowed.contains(slot)) {
            return Err(Wrong::new(format!("there is no :{} here", strange.name()), remedy));
        }
        let is_there = |one: &Parameter| template.slots().any(|slot| slot == *one);
        match needed.iter().find(|group| !group.iter().any(is_there)) {
            None => Ok(Some(template)),
            Some(group) => {
                let names: Vec<_> = group.iter().map(|one| format!(":{}", one.name())).collect();
                Err(Wrong::new(format!("there is no {} in it", names.join(" or ")), remedy))
            }
        }
    };
    reader.read(key, form).flatten()
}

fn list<T>(value: &DeValue<'_>, form: impl Fn(&DeValue<'_>) -> Formed<T>) -> Formed<Vec<T>> {
    let items = value.as_array();
    let items = items.ok_or_else(|| Wrong::new("it is not a list", "write [\"..\", \"..\"]"))?;
    match items.iter().len() {
        0..=MANY => items.iter().map(|item| form(item.get_ref())).collect(),
        _ => Err(Wrong::new("the list is too long", format!("write {MANY} at most"))),
    }
}

/// The empty text takes a recipe's preset away.
fn column(value: &DeValue<'_>) -> Formed<Option<Column>> {
    let text = forms::text(value)?;
    if text.is_empty() {
        return Ok(None);
    }
    let remedy = "write 1 to 63 of A-Z a-z 0-9 _, not beginning with a digit; names of other letters need your own statements";
    Column::parse(text)
        .map(Some)
        .ok_or_else(|| Wrong::new("it is not a name that we take for a column", remedy))
}

fn table_name(value: &DeValue<'_>) -> Formed<Option<TableName>> {
    let text = forms::text(value)?;
    if text.is_empty() {
        return Ok(None);
    }
    let remedy =
        "write name or schema.name, of A-Z a-z 0-9 _; other names need your own statements";
    TableName::parse(text)
        .map(Some)
        .ok_or_else(|| Wrong::new("it is not a name that we take for a table", remedy))
}

fn setting(value: &DeValue<'_>) -> Formed<Setting> {
    let text = forms::text(value)?;
    Setting::parse(text).ok_or_else(|| {
        Wrong::new(
            format!("\"{text}\" is not a setting"),
            "write column = now, now_unix, now_unix_ms, true, false, null, a whole number, column + 1, or 'text'",
        )
    })
}

fn active_value(value: &DeValue<'_>) -> Formed<String> {
    match value {
        DeValue::String(text) => Ok(text.to_string()),
        DeValue::Integer(number) => Ok(number.to_string()),
        DeValue::Boolean(flag) => Ok(flag.to_string()),
        _ => Err(Wrong::new(
            "it is neither text, number nor flag",
            "write [true], [1] or [\"active\"]",
        )),
    }
}

fn phone_form(value: &DeValue<'_>) -> Formed<PhoneForm> {
    let text = forms::text(value)?;
    PhoneForm::parse(text).ok_or_else(|| {
        Wrong::new(
            format!("\"{text}\" is no form of phone numbers"),
            "write e164, digits, or national: and a country (CN) or its calling code (86)",
        )
    })
}

fn matching(value: &DeValue<'_>) -> Formed<Matching> {
    match forms::text(value)? {
        "exact" => Ok(Matching::Exact),
        "lower" => Ok(Matching::Lower),
        _ => Err(Wrong::new("it is neither exact nor lower", "write exact or lower")),
    }
}
