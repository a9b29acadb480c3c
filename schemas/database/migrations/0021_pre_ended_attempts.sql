-- Whether an older attempt has ended without an analysis. Being volatile it sees what was committed when it is called, and not when the
-- statement around it began: that may have waited for the very cancellation and retry which it is about.
create function has_ended_without(p_upload_id uuid, p_attempt integer) returns boolean language plpgsql volatile as $$
begin
    return exists (
        select from upload_statuses s
        where s.upload_id = p_upload_id and s.attempt = p_attempt and status_rank(s.status) = 5
          and s.status <> 'completed' and s.failure ->> 'code' is distinct from 'dead_lettered'
    );
end
$$;
