-- Times are Unix milliseconds, ids are bytes. No token, no code, no hash of one anywhere.
CREATE TABLE message (
    id BLOB PRIMARY KEY,
    mac BLOB NOT NULL,
    at INTEGER NOT NULL,
    operation TEXT NOT NULL,
    tally TEXT,
    outcome TEXT,
    params TEXT,
    reference BLOB
);
CREATE INDEX message_at ON message (at);

-- Wrong codes: those from the place that asked, and those from everywhere else.
-- An id is never used again: a challenge whose pot was forgotten must not come into another's.
CREATE TABLE pot (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    scope BLOB NOT NULL,
    channel TEXT NOT NULL,
    place BLOB NOT NULL,
    born INTEGER NOT NULL,
    until INTEGER NOT NULL,
    own_wrong INTEGER NOT NULL DEFAULT 0,
    others_wrong INTEGER NOT NULL DEFAULT 0
);
CREATE INDEX pot_scope ON pot (scope, channel, born);
CREATE INDEX pot_until ON pot (until);

CREATE TABLE daily (
    scope BLOB NOT NULL,
    day INTEGER NOT NULL,
    wrong INTEGER NOT NULL,
    PRIMARY KEY (scope, day)
) WITHOUT ROWID;
CREATE INDEX daily_day ON daily (day);

CREATE TABLE ask (
    id BLOB PRIMARY KEY,
    at INTEGER NOT NULL,
    channel TEXT NOT NULL,
    address TEXT NOT NULL,
    address_key BLOB NOT NULL,
    sender BLOB NOT NULL,
    place BLOB NOT NULL,
    place_owned INTEGER NOT NULL,
    pot INTEGER NOT NULL,
    dialect TEXT NOT NULL,
    site TEXT NOT NULL,
    client TEXT,
    language TEXT NOT NULL,
    request TEXT NOT NULL,
    state TEXT NOT NULL,
    reason TEXT,
    ended INTEGER
);
CREATE INDEX ask_queue ON ask (at) WHERE state = 'waiting';
CREATE INDEX ask_address ON ask (address_key, channel, at);
CREATE INDEX ask_at ON ask (at);

CREATE TABLE challenge (
    id BLOB PRIMARY KEY,
    account TEXT NOT NULL,
    channel TEXT NOT NULL,
    address TEXT NOT NULL,
    address_key BLOB NOT NULL,
    dialect TEXT NOT NULL,
    site TEXT NOT NULL,
    client TEXT,
    place BLOB NOT NULL,
    place_owned INTEGER NOT NULL,
    language TEXT NOT NULL,
    born INTEGER NOT NULL,
    pot INTEGER NOT NULL,
    counter INTEGER NOT NULL,
    link_life INTEGER,
    link_until INTEGER,
    code_digits INTEGER NOT NULL,
    code_life INTEGER,
    code_until INTEGER,
    code_used INTEGER NOT NULL DEFAULT 0,
    placed INTEGER NOT NULL,
    relayed INTEGER,
    sends INTEGER NOT NULL,
    last_send INTEGER NOT NULL,
    state TEXT NOT NULL,
    ended INTEGER,
    held_by BLOB,
    held_until INTEGER,
    held_revision BLOB,
    held_digest BLOB,
    master TEXT NOT NULL,
    fingerprint BLOB NOT NULL,
    policy_failures INTEGER NOT NULL DEFAULT 0
);
CREATE INDEX challenge_account ON challenge (account, channel, born);
CREATE INDEX challenge_pot ON challenge (pot);
CREATE INDEX challenge_place ON challenge (place, born);
CREATE INDEX challenge_born ON challenge (born);

CREATE TABLE proof_grant (
    id BLOB PRIMARY KEY,
    challenge BLOB NOT NULL,
    until INTEGER NOT NULL,
    state TEXT NOT NULL
);
CREATE INDEX proof_grant_challenge ON proof_grant (challenge);
CREATE INDEX proof_grant_until ON proof_grant (until);

CREATE TABLE mail (
    id BLOB PRIMARY KEY,
    kind TEXT NOT NULL,
    challenge BLOB,
    ask BLOB,
    account TEXT NOT NULL,
    channel TEXT NOT NULL,
    address TEXT NOT NULL,
    language TEXT NOT NULL,
    params TEXT,
    at INTEGER NOT NULL,
    attempts INTEGER NOT NULL DEFAULT 0,
    next_at INTEGER NOT NULL,
    state TEXT NOT NULL,
    reply TEXT,
    ended INTEGER
);
CREATE INDEX mail_due ON mail (next_at) WHERE state = 'waiting';
CREATE INDEX mail_ask ON mail (ask);
CREATE INDEX mail_account ON mail (account, channel, at);
CREATE INDEX mail_ended ON mail (state, ended) WHERE ended IS NOT NULL;

CREATE TABLE audit (
    id INTEGER PRIMARY KEY,
    at INTEGER NOT NULL,
    event TEXT NOT NULL,
    account TEXT NOT NULL,
    address_key BLOB NOT NULL,
    sender TEXT NOT NULL,
    client TEXT,
    request TEXT NOT NULL,
    outcome TEXT NOT NULL,
    device TEXT
);
CREATE INDEX audit_at ON audit (at);

-- The embedded directory.
CREATE TABLE account (
    id TEXT PRIMARY KEY,
    user_name TEXT UNIQUE,
    display_name TEXT,
    email TEXT,
    email_key TEXT UNIQUE,
    phone TEXT UNIQUE,
    language TEXT,
    active INTEGER NOT NULL,
    second_factor INTEGER NOT NULL,
    password_hash TEXT,
    counter INTEGER NOT NULL,
    changed INTEGER NOT NULL
);

CREATE TABLE password_history (
    id INTEGER PRIMARY KEY,
    account TEXT NOT NULL,
    at INTEGER NOT NULL,
    password_hash TEXT NOT NULL
);
CREATE INDEX password_history_account ON password_history (account, at);
