-- Whether an upload may have a row: one that was erased gets none again. Called in the statement that has inserted the row, and so has
-- waited for an erasure that was under way: being volatile, it sees what that erasure has written, and the statement undoes itself.
create function refuse_erased(p_upload_id uuid) returns uuid language plpgsql volatile as $$
begin
    if exists (select from erased_uploads where upload_id = p_upload_id) then
        raise exception 'upload % was erased', p_upload_id using errcode = 'VA001';
    end if;
    return p_upload_id;
end
$$;
