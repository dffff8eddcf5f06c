-- Whose mail it is; of a program that knew no sites: the top-level one's.
ALTER TABLE mail ADD COLUMN site TEXT;
