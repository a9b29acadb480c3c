-- Uploads that were erased: what is still on its way about them brings none of them back, and whoever asks again gets the same receipt.
create table erased_uploads (
    upload_id   uuid primary key,
    account_id  uuid not null,
    receipt_id  uuid not null references receipts
);

-- Whether an attempt may still come to something; a dead-lettered one has failed only for now.
create function is_in_work(status text, failure jsonb) returns boolean language sql immutable as $$
    select status_rank(status) < 5 or failure ->> 'code' is not distinct from 'dead_lettered'
$$;
