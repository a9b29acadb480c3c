-- The trace that the call belongs to, so that an end which no notice tells is found within it.
alter table invocations add column traceparent text;
