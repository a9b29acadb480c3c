-- What an account has announced and not sent is counted at each announcement.
create index uploads_account_unsent on uploads (account_id) where status in ('created', 'uploading');
