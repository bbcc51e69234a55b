DROP TRIGGER events_append_only ON events;
DROP FUNCTION refuse_change();
