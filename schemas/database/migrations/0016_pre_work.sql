-- What is in work and what was finished of late, for the place in the queue and the time that is left.
create index uploads_in_work on uploads (updated_at) where status in ('received', 'validated', 'analysing');
create index usage_recent on usage (created_at);
