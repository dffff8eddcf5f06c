//! What an examination finds, and that the rights that are printed do.

use super::rig::*;
use crate::directory::sql::{Engine, Sql, grants};
use crate::directory::{DirectoryError, Finding, Grade, Written};

const INDEXES: [&str; 3] = [
    "CREATE INDEX by_mail ON users (mail)",
    "CREATE INDEX by_backup ON users (backup)",
    "CREATE INDEX by_tel ON users (tel)",
];

fn worst(findings: &[Finding]) -> Grade {
    findings.iter().map(|finding| finding.grade).max().unwrap()
}

fn of<'f>(findings: &'f [Finding], name: &str) -> Vec<&'f Finding> {
    findings.iter().filter(|finding| finding.of == name).collect()
}

/// The rights of the usual user of a test are all.
fn but_rights(mut findings: Vec<Finding>) -> Vec<Finding> {
    findings.retain(|finding| finding.of != "rights");
    findings
}

#[tokio::test]
async fn a_good_table_is_found_good_and_stays_as_it_was() {
    let rig = Rig::new();
    INDEXES.into_iter().for_each(|index| rig.ground.say(index));
    let findings = rig.directory().examine(Some(&mail("ann@example.org"))).await;
    let findings = but_rights(findings);
    assert_eq!(worst(&findings), Grade::Good, "{findings:#?}");
    assert!(of(&findings, "sample")[0].said.contains("a***@e***.org leads to account 1 (may reset)"));
    assert_eq!(of(&findings, "write").len(), 1);
    assert_eq!((rig.hash(1).as_str(), rig.ground.cell("SELECT version FROM users").unwrap().as_str()), ("old", "1"));
    let text = format!("{findings:?}");
    assert!(!text.contains("ann@example.org") && !text.contains("old"), "{text}");
    let findings = but_rights(rig.directory().examine(None).await);
    assert_eq!(worst(&findings), Grade::Good, "{findings:#?}");
}

#[tokio::test]
async fn a_status_is_counted_as_it_is_read() {
    let rig = Rig::new();
    let said = async || of(&rig.directory().examine(None).await, "status")[0].said.clone();
    assert!(said().await.contains("of 1 rows looked at, 1 are active"));
    if Rig::ENGINE == Engine::Postgres {
        rig.ground.say("ALTER TABLE users ALTER COLUMN state TYPE CHAR(10)");
        assert!(said().await.contains("of 1 rows looked at, 1 are active"));
    }
    rig.ground.say("UPDATE users SET state = NULL");
    assert!(said().await.contains("of 1 rows looked at, 0 are active"));
}

#[tokio::test]
async fn each_fault_has_its_remedy() {
    let rig = Rig::new();
    let find = async |keys: &str| rig.with(keys).examine(Some(&mail("bob@example.org"))).await;
    let findings = find(KEYS).await;
    let plans = of(&findings, "plan");
    let remedy = plans[0].remedy.as_deref().unwrap();
    assert!(plans[0].grade == Grade::Warning && remedy.contains("CREATE INDEX"), "{findings:#?}");
    assert_eq!(of(&findings, "sample")[0].grade, Grade::Warning);
    let findings = find(&KEYS.replace("\"login\"", "\"nick\"")).await;
    assert!(of(&findings, "columns")[0].said.contains("users.nick"), "{findings:#?}");
    let findings = find(&KEYS.replace("must_change = 0", "mustchange = 0")).await;
    let write = of(&findings, "write")[0];
    assert!(write.grade == Grade::Fault && write.remedy.as_deref().unwrap().contains("sql.set"), "{findings:#?}");
    let findings = find(&KEYS.replace("\"users\"", "\"people\"")).await;
    assert_eq!(of(&findings, "columns")[0].grade, Grade::Fault, "{findings:#?}");
}

#[tokio::test]
async fn the_printed_rights_are_enough_and_each_is_needed() {
    let rig = Rig::new();
    let Some(stranger) = rig.ground.stranger() else { return };
    INDEXES.into_iter().for_each(|index| rig.ground.say(index));
    rig.ground.say("CREATE TABLE sessions (user_id INTEGER, token VARCHAR(9))");
    rig.ground.say("INSERT INTO sessions VALUES (1, 'a')");
    let place = rig.place().replace("//rekey@", &format!("//{stranger}@"));
    let keys = format!("sessions = \"DELETE FROM sessions WHERE user_id = :id\"\n{KEYS}");
    let config = rig.config(&place, &keys);
    let refused = Sql::new(&config).find(&[mail("ann@example.org")]).await.unwrap_err();
    assert_eq!(refused, DirectoryError::Forbidden);
    let statements = grants(&config);
    assert_eq!(statements.len(), 2, "{statements:?}");
    statements.iter().for_each(|statement| rig.ground.say(statement));
    let sql = Sql::new(&config);
    let findings = sql.examine(Some(&mail("ann@example.org"))).await;
    assert_eq!(worst(&findings), Grade::Good, "{findings:#?}");
    assert_eq!(sql.hashes(9).await.unwrap(), ["old"]);
    assert!(!sql.aspects("1").await.unwrap().is_empty());
    assert_eq!(write(&sql, &account(&sql, "1").await, "new").await, Ok(Written::Done));
    assert_eq!(rig.ground.cell("SELECT COUNT(*) FROM sessions").as_deref(), Some("0"));
    let sql = Sql::new(&rig.config(&place, &keys.replace("must_change = 0", "lang = null")));
    let refused = write(&sql, &account(&sql, "1").await, "newer").await;
    assert_eq!(refused, Err(DirectoryError::Forbidden));
}

#[tokio::test]
async fn a_look_up_among_very_many_uses_the_index() {
    let rig = Rig::new();
    INDEXES.into_iter().for_each(|index| rig.ground.say(index));
    let digits = "(SELECT 0 AS n UNION SELECT 1 UNION SELECT 2 UNION SELECT 3 UNION SELECT 4 \
         UNION SELECT 5 UNION SELECT 6 UNION SELECT 7 UNION SELECT 8 UNION SELECT 9)";
    let many = match Rig::ENGINE {
        Engine::Postgres => "SELECT n AS n FROM generate_series(10, 100000) AS n",
        // What MySQL and MariaDB have both.
        Engine::Mysql => &format!(
            "SELECT a.n + 10 * b.n + 100 * c.n + 1000 * d.n + 10000 * e.n + 10 AS n \
             FROM {digits} a, {digits} b, {digits} c, {digits} d, {digits} e"
        ),
        Engine::Sqlite => "WITH RECURSIVE s (n) AS (SELECT 10 UNION ALL SELECT n + 1 FROM s WHERE n < 100000) SELECT n FROM s",
    };
    rig.ground.say(&format!(
        "INSERT INTO users (id, mail, backup, tel, state, hash) \
         SELECT n, {0}, {1}, {2}, 1, 'x' FROM ({many}) AS numbers",
        joined("'user'", "'@example.org'"),
        joined("'user'", "'@backup.example'"),
        joined("'+861380'", "''"),
    ));
    rig.ground.say(if Rig::ENGINE == Engine::Mysql { "ANALYZE TABLE users" } else { "ANALYZE" });
    let sql = rig.directory();
    assert_eq!(ids(&sql, &[mail("user77777@example.org"), mail("user88888@backup.example")]).await, ["77777", "88888"]);
    let findings = but_rights(sql.examine(Some(&mail("user77777@example.org"))).await);
    assert_eq!(worst(&findings), Grade::Good, "{findings:#?}");
    let mut lane = rig.lane().await;
    for cell in plans(&sql, &mut lane).await {
        let reads_all = cell == "ALL" || cell.contains("Seq Scan") || cell.starts_with("SCAN");
        assert!(!reads_all, "{cell}");
    }
}

fn joined(before: &str, after: &str) -> String {
    match Rig::ENGINE {
        Engine::Mysql => format!("CONCAT({before}, n, {after})"),
        Engine::Postgres | Engine::Sqlite => format!("{before} || n || {after}"),
    }
}

/// As the engine would do it, small table or not.
async fn plans(sql: &Sql, lane: &mut crate::directory::sql::lane::Lane) -> Vec<String> {
    use crate::directory::sql::Cell;
    use crate::directory::sql::statements::Find;
    let Find::Together { emails, phones } = &sql.parts.statements.find else { panic!("own statements") };
    let word = match Rig::ENGINE {
        Engine::Mysql => "EXPLAIN FORMAT=TRADITIONAL",
        Engine::Postgres => "EXPLAIN",
        Engine::Sqlite => "EXPLAIN QUERY PLAN",
    };
    let mut plans = Vec::new();
    for statement in [emails, phones].into_iter().flatten().chain([&sql.parts.statements.get]) {
        let values = statement.given(|_| Some("12345"));
        let answer = lane.ask(&format!("{word} {}", statement.text), &values).await.unwrap();
        plans.extend(answer.rows.into_iter().flatten().filter_map(Cell::text));
    }
    plans
}
