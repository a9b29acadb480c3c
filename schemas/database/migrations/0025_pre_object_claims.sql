-- Who is putting an upload's object together, or taking it away: one at a time, without a locked row, by a claim that its holder renews while S3
-- takes its time. Until `writing_until` somebody may be writing an object of the upload: whoever erases it before then looks again later.
alter table uploads
    add column claim          uuid,
    add column writing_until  timestamptz;
