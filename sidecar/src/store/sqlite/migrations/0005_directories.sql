-- What a confirm that writes elsewhere announced before it wrote: with `held_revision` and `held_digest`, all that its end
-- needs, whoever ends it. No secret.
ALTER TABLE challenge ADD COLUMN held_words TEXT;
CREATE INDEX challenge_announced ON challenge (held_until) WHERE held_revision IS NOT NULL;

-- All challenges of a mail to a mailbox that several accounts share, in its order.
CREATE TABLE mail_part (
    mail BLOB NOT NULL,
    place INTEGER NOT NULL,
    challenge BLOB NOT NULL,
    PRIMARY KEY (mail, place)
) WITHOUT ROWID;
CREATE INDEX mail_part_challenge ON mail_part (challenge);

-- What is told to the team's own systems, in order for each account, until they say that they have it.
CREATE TABLE event (
    place INTEGER PRIMARY KEY AUTOINCREMENT,
    id BLOB NOT NULL UNIQUE,
    target TEXT NOT NULL,
    kind TEXT NOT NULL,
    account TEXT NOT NULL,
    params TEXT NOT NULL,
    at INTEGER NOT NULL,
    attempts INTEGER NOT NULL DEFAULT 0,
    next_at INTEGER NOT NULL,
    state TEXT NOT NULL,
    reply TEXT,
    ended INTEGER
);
CREATE INDEX event_due ON event (next_at) WHERE state = 'waiting';
CREATE INDEX event_account ON event (target, account, place) WHERE state = 'waiting';
CREATE INDEX event_noted ON event (place) WHERE state = 'noted';
CREATE INDEX event_ended ON event (ended) WHERE ended IS NOT NULL;
