-- What was found at a place, noted before any of it is deleted: whatever dies in between, the receipt lists what went.
alter table object_erasures add column objects text[] not null default '{}';
