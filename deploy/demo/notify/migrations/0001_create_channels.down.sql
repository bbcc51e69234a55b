DROP TABLE channels;
DROP TYPE channel_kind;
