-- The server itself.

-- name: reachable
select 1;
