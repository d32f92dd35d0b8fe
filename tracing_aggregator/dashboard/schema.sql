-- The dashboard's store. Times are ns since the epoch where a column is called `date`, else ms; `minute` counts minutes.

CREATE TABLE meta (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;

-- How far each partition was read. Written in the transaction of its records, so a restart goes on exactly there.
CREATE TABLE partitions (
  topic TEXT, partition INTEGER, next INTEGER NOT NULL, end INTEGER NOT NULL, records INTEGER NOT NULL DEFAULT 0,
  unreadable INTEGER NOT NULL DEFAULT 0, written INTEGER, PRIMARY KEY (topic, partition)
) WITHOUT ROWID;

-- The combinations of words that traces have: a few hundred, where there are a million traces. `type` is '' for traces
-- that were withdrawn: they are remembered so that an older revision cannot bring them back.
CREATE TABLE kinds (
  kind INTEGER PRIMARY KEY, type TEXT NOT NULL, topic TEXT NOT NULL, groupId TEXT NOT NULL, clientId TEXT NOT NULL,
  stored INTEGER NOT NULL DEFAULT 0, UNIQUE (type, topic, groupId, clientId)
);

CREATE TABLE traces (
  seq INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, revision INTEGER NOT NULL, kind INTEGER NOT NULL,
  date INTEGER NOT NULL, topic TEXT NOT NULL, partition INTEGER, offset INTEGER, correlationId TEXT,
  durationMs INTEGER, bucket INTEGER, value TEXT NOT NULL
);
CREATE INDEX traces_by_kind ON traces (kind, date, seq);
CREATE INDEX traces_by_date ON traces (date);
CREATE INDEX traces_by_correlation ON traces (correlationId) WHERE correlationId IS NOT NULL;
CREATE INDEX traces_by_place ON traces (topic, partition, offset);
-- The slow ones. `bucket` is NULL where the duration is none of a first delivery: latencies count each message once.
CREATE INDEX traces_by_bucket ON traces (kind, bucket, date, durationMs) WHERE bucket IS NOT NULL;

-- Kept by the triggers below, so that no chart ever counts traces.
CREATE TABLE counts (
  minute INTEGER, kind INTEGER, n INTEGER NOT NULL, timed INTEGER NOT NULL, totalMs INTEGER NOT NULL,
  PRIMARY KEY (minute, kind)
) WITHOUT ROWID;
CREATE TABLE durations (
  minute INTEGER, type TEXT, bucket INTEGER, n INTEGER NOT NULL, PRIMARY KEY (minute, type, bucket)
) WITHOUT ROWID;
CREATE TABLE kindDurations (
  kind INTEGER, bucket INTEGER, minute INTEGER, n INTEGER NOT NULL, PRIMARY KEY (kind, bucket, minute)
) WITHOUT ROWID;

-- The highest offset of each phase: where a partition ends, and how far each group has come.
CREATE TABLE reached (
  topic TEXT, partition INTEGER, groupId TEXT, type TEXT, offset INTEGER NOT NULL, date INTEGER NOT NULL,
  PRIMARY KEY (topic, partition, groupId, type)
) WITHOUT ROWID;

CREATE TRIGGER traces_come AFTER INSERT ON traces BEGIN
  UPDATE kinds SET stored = stored + 1 WHERE kind = new.kind;
  INSERT INTO counts VALUES (
    new.date / 60000000000, new.kind, 1, new.bucket IS NOT NULL, iif(new.bucket IS NULL, 0, new.durationMs)
  ) ON CONFLICT DO UPDATE SET n = n + 1, timed = timed + excluded.timed, totalMs = totalMs + excluded.totalMs;
  INSERT INTO durations SELECT new.date / 60000000000, type, new.bucket, 1 FROM kinds
    WHERE kind = new.kind AND new.bucket IS NOT NULL ON CONFLICT DO UPDATE SET n = n + 1;
  INSERT INTO kindDurations SELECT new.kind, new.bucket, new.date / 60000000000, 1 WHERE new.bucket IS NOT NULL
    ON CONFLICT DO UPDATE SET n = n + 1;
  INSERT INTO reached SELECT new.topic, new.partition, groupId, type, new.offset, new.date FROM kinds
    WHERE kind = new.kind AND type <> '' AND new.offset >= 0 AND new.partition >= 0
    ON CONFLICT DO UPDATE SET offset = excluded.offset, date = excluded.date WHERE excluded.offset > offset;
END;
CREATE TRIGGER traces_go AFTER DELETE ON traces BEGIN
  UPDATE kinds SET stored = stored - 1 WHERE kind = old.kind;
  UPDATE counts SET n = n - 1, timed = timed - (old.bucket IS NOT NULL),
    totalMs = totalMs - iif(old.bucket IS NULL, 0, old.durationMs)
    WHERE minute = old.date / 60000000000 AND kind = old.kind;
  DELETE FROM counts WHERE minute = old.date / 60000000000 AND kind = old.kind AND n = 0;
  UPDATE durations SET n = n - 1 WHERE minute = old.date / 60000000000
    AND type = (SELECT type FROM kinds WHERE kind = old.kind) AND bucket = old.bucket;
  DELETE FROM durations WHERE minute = old.date / 60000000000
    AND type = (SELECT type FROM kinds WHERE kind = old.kind) AND bucket = old.bucket AND n = 0;
  UPDATE kindDurations SET n = n - 1 WHERE kind = old.kind AND bucket = old.bucket AND minute = old.date / 60000000000;
  DELETE FROM kindDurations
    WHERE kind = old.kind AND bucket = old.bucket AND minute = old.date / 60000000000 AND n = 0;
END;

-- `n`: 1, or what a summary stands for; `seen`: when its first record was written (ms).
CREATE TABLE findings (
  id TEXT PRIMARY KEY, reason TEXT NOT NULL, topic TEXT NOT NULL, groupId TEXT NOT NULL, partition INTEGER,
  offset INTEGER, correlationId TEXT, date INTEGER NOT NULL, resolved INTEGER NOT NULL, summary INTEGER NOT NULL,
  n INTEGER NOT NULL, value TEXT NOT NULL, seen INTEGER NOT NULL
);
CREATE INDEX findings_by_date ON findings (date);
CREATE INDEX findings_by_words ON findings (resolved, reason, topic, groupId, date, n);
CREATE INDEX findings_by_correlation ON findings (correlationId) WHERE correlationId IS NOT NULL;
CREATE INDEX findings_by_place ON findings (topic, partition, offset);
CREATE INDEX findings_by_arrival ON findings (seen, resolved);
CREATE INDEX findings_of_many ON findings (topic, reason) WHERE summary OR reason = 'rewound';

-- Incidents that someone has looked at: `number` findings of it there were then. `date` in ms.
CREATE TABLE acknowledged (id TEXT PRIMARY KEY, number INTEGER NOT NULL, date INTEGER NOT NULL) WITHOUT ROWID;

CREATE TABLE stats (
  key TEXT PRIMARY KEY, kind TEXT NOT NULL, topic TEXT NOT NULL, groupId TEXT NOT NULL, toTopic TEXT NOT NULL,
  date INTEGER NOT NULL, value TEXT NOT NULL
);
CREATE INDEX stats_by_date ON stats (date);
CREATE INDEX stats_by_kind ON stats (kind, date);

CREATE TABLE pathways (
  correlationId TEXT PRIMARY KEY, date INTEGER NOT NULL, route TEXT NOT NULL, revision INTEGER NOT NULL, value TEXT NOT NULL
);
CREATE INDEX pathways_by_date ON pathways (date);

CREATE TABLE deadLetters (
  id TEXT PRIMARY KEY, reason TEXT NOT NULL, topic TEXT NOT NULL, date INTEGER NOT NULL, value TEXT NOT NULL
);
CREATE INDEX deadLetters_by_date ON deadLetters (date);
CREATE INDEX deadLetters_by_reason ON deadLetters (reason, topic);
