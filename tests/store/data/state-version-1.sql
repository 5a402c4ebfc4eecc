BEGIN TRANSACTION;
CREATE TABLE incident (
	id INTEGER NOT NULL, 
	tenant TEXT NOT NULL, 
	plan_id TEXT, 
	slot TEXT, 
	at TEXT NOT NULL, 
	what TEXT NOT NULL, 
	detail TEXT, 
	PRIMARY KEY (id)
);
CREATE TABLE meta (
	k TEXT NOT NULL, 
	v TEXT NOT NULL, 
	PRIMARY KEY (k)
);
INSERT INTO "meta" VALUES('lineage','e8c672ebc75b49b38d9ccac6cb4ca3f9');
INSERT INTO "meta" VALUES('serial','1');
INSERT INTO "meta" VALUES('schema','1');
INSERT INTO "meta" VALUES('created','2026-09-03T08:00:00+00:00');
CREATE TABLE op (
	plan_id TEXT NOT NULL, 
	tenant TEXT NOT NULL, 
	slot TEXT NOT NULL, 
	seq INTEGER NOT NULL, 
	address TEXT NOT NULL, 
	resource TEXT NOT NULL, 
	kind TEXT NOT NULL, 
	token TEXT, 
	before_json TEXT, 
	after_json TEXT, 
	state TEXT NOT NULL, 
	attempt INTEGER NOT NULL, 
	fence BIGINT NOT NULL, 
	deadline TEXT, 
	request_sha256 TEXT, 
	remote_id TEXT, 
	remote_seen_json TEXT, 
	note TEXT, 
	PRIMARY KEY (plan_id, slot), 
	CONSTRAINT one_op_an_address UNIQUE (plan_id, address), 
	CONSTRAINT op_state_known CHECK (state IN ('PLANNED', 'INTENT', 'UNKNOWN', 'ABSENT', 'CONFIRMED', 'REJECTED', 'DRIFT', 'CONFLICT', 'FAILED')), 
	CONSTRAINT op_attempt_counts CHECK (attempt >= 0), 
	CONSTRAINT open_op_has_deadline CHECK (NOT (state IN ('INTENT', 'UNKNOWN')) OR deadline IS NOT NULL), 
	FOREIGN KEY(plan_id) REFERENCES plan_run (plan_id)
);
INSERT INTO "op" VALUES('plan-1','psa','slot-a',0,'psa/Contoso/seat-monthly/s/2026-08-01','addition','create','serial',NULL,'{"quantity":"3"}','CONFIRMED',1,1,'2026-09-03T08:00:00.000000+00:00',NULL,'9001',NULL,NULL);
CREATE TABLE op_event (
	id INTEGER NOT NULL, 
	plan_id TEXT NOT NULL, 
	slot TEXT NOT NULL, 
	at TEXT NOT NULL, 
	from_state TEXT, 
	to_state TEXT NOT NULL, 
	fence BIGINT NOT NULL, 
	http_status INTEGER, 
	detail TEXT, 
	PRIMARY KEY (id)
);
INSERT INTO "op_event" VALUES(1,'plan-1','slot-a','2026-09-03T08:00:00.000000+00:00',NULL,'PLANNED',1,NULL,NULL);
INSERT INTO "op_event" VALUES(2,'plan-1','slot-a','2026-09-03T08:00:00.000000+00:00','PLANNED','INTENT',1,NULL,'create 3');
INSERT INTO "op_event" VALUES(3,'plan-1','slot-a','2026-09-03T08:00:00.000000+00:00','INTENT','CONFIRMED',1,NULL,'the PSA answered with record 9001');
CREATE TABLE outbox (
	id INTEGER NOT NULL, 
	at TEXT NOT NULL, 
	kind TEXT NOT NULL, 
	body TEXT NOT NULL, 
	sent_at TEXT, 
	PRIMARY KEY (id)
);
CREATE TABLE plan_run (
	plan_id TEXT NOT NULL, 
	tenant TEXT NOT NULL, 
	digest TEXT NOT NULL, 
	lineage TEXT NOT NULL, 
	serial BIGINT NOT NULL, 
	status TEXT NOT NULL, 
	started TEXT NOT NULL, 
	finished TEXT, 
	plan_text TEXT NOT NULL, 
	PRIMARY KEY (plan_id), 
	CONSTRAINT plan_run_status_known CHECK (status IN ('OPEN', 'DONE', 'SUPERSEDED'))
);
INSERT INTO "plan_run" VALUES('plan-1','psa','sha256:1f','e8c672ebc75b49b38d9ccac6cb4ca3f9',1,'DONE','2026-09-03T08:00:00.000000+00:00','2026-09-03T08:00:00.000000+00:00','{}');
CREATE TABLE run (
	id INTEGER NOT NULL, 
	kind TEXT NOT NULL, 
	target TEXT, 
	started TEXT NOT NULL, 
	finished TEXT, 
	status TEXT, 
	month TEXT, 
	digest TEXT, 
	plan_id TEXT, 
	who TEXT NOT NULL, 
	counts_json TEXT NOT NULL, 
	coverage_json TEXT NOT NULL, 
	findings_json TEXT NOT NULL, 
	customers_json TEXT NOT NULL, 
	PRIMARY KEY (id), 
	CONSTRAINT run_kind_known CHECK (kind IN ('plan', 'apply', 'resume')), 
	CONSTRAINT run_status_known CHECK (status IS NULL OR status IN ('No Change', 'Success', 'Warning', 'Error'))
);
INSERT INTO "run" VALUES(1,'plan','psa','2026-09-03T08:00:00.000000+00:00','2026-09-03T08:00:00.000000+00:00','Warning','2026-08','sha256:1f',NULL,'sam@office','{"create":1}','[]','[["warning","W1","the cost changed","Contoso","3.00 AUD"]]','{"Contoso":"Warning"}');
CREATE TABLE tenant_lock (
	tenant TEXT NOT NULL, 
	fence BIGINT NOT NULL, 
	lock_id TEXT, 
	holder TEXT, 
	host TEXT, 
	pid INTEGER, 
	since TEXT, 
	what TEXT, 
	PRIMARY KEY (tenant)
);
INSERT INTO "tenant_lock" VALUES('psa',1,NULL,NULL,NULL,NULL,NULL,NULL);
CREATE INDEX ix_op_event_plan_id ON op_event (plan_id);
CREATE UNIQUE INDEX one_open_op ON op (tenant, slot) WHERE state IN ('INTENT', 'UNKNOWN');
COMMIT;
