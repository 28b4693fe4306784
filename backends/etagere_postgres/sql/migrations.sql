-- Which steps each table of this schema has seen; shared by all the stores in it.
CREATE TABLE IF NOT EXISTS {migrations} (
    store text NOT NULL,
    version integer NOT NULL,
    applied_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (store, version)
)
