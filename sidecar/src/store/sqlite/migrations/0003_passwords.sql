-- Passwords that could not be decrypted under a proof; a few of them end it.
ALTER TABLE challenge ADD COLUMN undecryptable INTEGER NOT NULL DEFAULT 0;
