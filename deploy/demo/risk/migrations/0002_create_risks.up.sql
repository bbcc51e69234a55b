CREATE TABLE risks (
    id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    asset_id   bigint NOT NULL REFERENCES assets (id),
    title      text NOT NULL,
    likelihood smallint NOT NULL CHECK (likelihood BETWEEN 1 AND 5),
    impact     smallint NOT NULL CHECK (impact BETWEEN 1 AND 5),
    opened_at  timestamptz NOT NULL DEFAULT now(),
    closed_at  timestamptz
);

CREATE INDEX risks_by_asset ON risks (asset_id);
