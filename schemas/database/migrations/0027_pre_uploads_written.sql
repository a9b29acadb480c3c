-- each statement by itself
-- What S3 may have of uploads that ended before their content came. What an interrupted run has left of the index is made anew.
drop index concurrently if exists uploads_written;

create index concurrently uploads_written on uploads (writing_until) where writing_until is not null and status in ('expired', 'cancelled');
