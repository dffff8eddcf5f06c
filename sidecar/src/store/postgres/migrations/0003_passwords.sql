-- Passwords that could not be decrypted under a proof; a few of them end it.
ALTER TABLE challenge ADD COLUMN undecryptable BIGINT NOT NULL DEFAULT 0;
