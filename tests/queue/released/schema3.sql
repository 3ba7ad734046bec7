BEGIN TRANSACTION;
CREATE TABLE "_sqlite_migrations" (
   "id" INTEGER PRIMARY KEY,
   "migration_set" TEXT,
   "name" TEXT,
   "applied_at" TEXT
);
INSERT INTO "_sqlite_migrations" VALUES(1,'smsgwd','0001_first','2026-11-27 08:15:41.083084+00:00');
INSERT INTO "_sqlite_migrations" VALUES(2,'smsgwd','0002_carriers','2026-11-27 08:15:41.085419+00:00');
INSERT INTO "_sqlite_migrations" VALUES(3,'smsgwd','0003_promises','2026-11-27 11:45:25.985367+00:00');
CREATE TABLE audit (seq INTEGER PRIMARY KEY, body TEXT NOT NULL, pii_commit BLOB, prev BLOB NOT NULL, hash BLOB NOT NULL) STRICT;
INSERT INTO "audit" VALUES(1,'{"act":"link.pause","at":"2027-01-15T08:00:00.000Z","of":{"link":"m1"},"who":"gateway"}',NULL,X'0000000000000000000000000000000000000000000000000000000000000000',X'FF737EBDB87A3FE204257FDB81E7724511C63CFA85A7F032CA27A478DAFB7C41');
INSERT INTO "audit" VALUES(2,'{"act":"link.resume","at":"2027-01-15T08:00:00.000Z","of":{"link":"m1"},"who":"gateway"}',NULL,X'FF737EBDB87A3FE204257FDB81E7724511C63CFA85A7F032CA27A478DAFB7C41',X'9909D67F88B0CD55B92EB75F583715A26D32A1CD3DE98E1E016EAB411E0A7E02');
CREATE TABLE audit_pii (seq INTEGER PRIMARY KEY, at INTEGER NOT NULL, number TEXT NOT NULL, salt BLOB NOT NULL, data TEXT NOT NULL) STRICT;
CREATE TABLE consent (
  id INTEGER PRIMARY KEY,
  number TEXT NOT NULL,
  action TEXT NOT NULL,
  method TEXT NOT NULL,
  matched TEXT NOT NULL,
  message INTEGER,
  cancelled INTEGER NOT NULL,
  at INTEGER NOT NULL
) STRICT;
INSERT INTO "consent" VALUES(1887436800000000022,'+15550100888','opt_out','keyword','STOP',NULL,0,1800000000000);
CREATE TABLE contact (
  number TEXT PRIMARY KEY,
  consent TEXT NOT NULL,
  name TEXT NOT NULL,
  tags TEXT NOT NULL,
  first_seen INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
INSERT INTO "contact" VALUES('+15550100777','none','','[]',1800000000000);
INSERT INTO "contact" VALUES('+15550100888','opted_out','','[]',1800000000000);
CREATE TABLE conversation (
  id INTEGER PRIMARY KEY,
  contact TEXT NOT NULL,
  link TEXT NOT NULL,
  number TEXT NOT NULL,
  state TEXT NOT NULL,
  tags TEXT NOT NULL,
  opened INTEGER NOT NULL,
  updated INTEGER NOT NULL
) STRICT;
INSERT INTO "conversation" VALUES(1887436800000000015,'+15550100777','m1','+15550100100','open','[]',1800000000000,1800000000000);
INSERT INTO "conversation" VALUES(1887436800000000019,'+15550100888','m1','+15550100100','open','[]',1800000000000,1800000000000);
CREATE TABLE cursor (name TEXT PRIMARY KEY, event INTEGER NOT NULL) STRICT, WITHOUT ROWID;
INSERT INTO "cursor" VALUES('react',33);
CREATE TABLE erased (person TEXT PRIMARY KEY, consent TEXT NOT NULL, at INTEGER NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE event (
  id INTEGER PRIMARY KEY,
  at INTEGER NOT NULL,
  kind TEXT NOT NULL,
  message INTEGER,
  link TEXT NOT NULL,
  data TEXT NOT NULL
) STRICT;
INSERT INTO "event" VALUES(1,1800000000000,'link.up',NULL,'m1','{"why":"ready"}');
INSERT INTO "event" VALUES(2,1800000000000,'daemon.started',NULL,'','{"version":"0.1.0"}');
INSERT INTO "event" VALUES(3,1800000000000,'message.accepted',1887436800000000000,'m1','{"to":"+155…77","class":"normal","parts":1,"origin":"api"}');
INSERT INTO "event" VALUES(4,1800000000000,'message.sending',1887436800000000000,'m1','{"part":1,"parts":1}');
INSERT INTO "event" VALUES(5,1800000000000,'message.sent',1887436800000000000,'m1','');
INSERT INTO "event" VALUES(6,1800000000000,'message.accepted',1887436800000000002,'m1','{"to":"+155…77","class":"normal","parts":1,"origin":"api"}');
INSERT INTO "event" VALUES(7,1800000000000,'message.sending',1887436800000000002,'m1','{"part":1,"parts":1}');
INSERT INTO "event" VALUES(8,1800000000000,'message.sent',1887436800000000002,'m1','');
INSERT INTO "event" VALUES(9,1800000001000,'message.delivered',1887436800000000002,'m1','');
INSERT INTO "event" VALUES(10,1800000000000,'message.accepted',1887436800000000004,'m1','{"to":"+155…77","class":"normal","parts":1,"origin":"api"}');
INSERT INTO "event" VALUES(11,1800000000000,'message.sending',1887436800000000004,'m1','{"part":1,"parts":1}');
INSERT INTO "event" VALUES(12,1800000000000,'message.uncertain',1887436800000000004,'m1','{"part":1,"parts":1,"reason":"no answer in 75 s"}');
INSERT INTO "event" VALUES(13,1800000000000,'message.accepted',1887436800000000006,'m1','{"to":"+155…77","class":"normal","parts":1,"origin":"api"}');
INSERT INTO "event" VALUES(14,1800000000000,'message.sending',1887436800000000006,'m1','{"part":1,"parts":1}');
INSERT INTO "event" VALUES(15,1800000000000,'message.failed',1887436800000000006,'m1','{"code":"CMS 1","reason":"CMS 1: unassigned number"}');
INSERT INTO "event" VALUES(16,1800000000000,'message.accepted',1887436800000000008,'m1','{"to":"+155…77","class":"normal","parts":1,"origin":"api"}');
INSERT INTO "event" VALUES(17,1800000000000,'message.sending',1887436800000000008,'m1','{"part":1,"parts":1}');
INSERT INTO "event" VALUES(18,1800000000000,'message.retry',1887436800000000008,'m1','{"code":"CMS 41","why":"refused","attempts":1,"due":1800000030000}');
INSERT INTO "event" VALUES(19,1800000000000,'message.accepted',1887436800000000010,'m1','{"to":"+155…77","class":"normal","parts":2,"origin":"api"}');
INSERT INTO "event" VALUES(20,1800000000000,'message.sending',1887436800000000010,'m1','{"part":1,"parts":2}');
INSERT INTO "event" VALUES(21,1800000000000,'part.accepted',1887436800000000010,'m1','{"part":1,"parts":2}');
INSERT INTO "event" VALUES(22,1800000000000,'message.sending',1887436800000000010,'m1','{"part":2,"parts":2}');
INSERT INTO "event" VALUES(23,1800000000000,'message.accepted',1887436800000000013,'m1','{"to":"+155…77","class":"normal","parts":1,"origin":"api"}');
INSERT INTO "event" VALUES(24,1800000000000,'message.cancelled',1887436800000000013,'m1','');
INSERT INTO "event" VALUES(25,1800000000000,'message.accepted',1887436800000000014,'m1','{"to":"+155…77","class":"normal","parts":1,"origin":"api"}');
INSERT INTO "event" VALUES(26,1800000000000,'message.held',1887436800000000014,'m1','');
INSERT INTO "event" VALUES(27,1800000000000,'conversation.opened',NULL,'m1','{"conversation":"cnv_1mcc5rm00000f","contact":"+155…77"}');
INSERT INTO "event" VALUES(28,1800000000000,'message.received',1887436800000000016,'m1','{"from":"+155…77","parts":1,"came":1,"encoding":"gsm7","service":false,"stored":false,"message_class":null,"conversation":"cnv_1mcc5rm00000f"}');
INSERT INTO "event" VALUES(29,1800000000000,'message.part',NULL,'m1','{"from":"+155…77","part":1,"parts":2}');
INSERT INTO "event" VALUES(30,1800000000000,'conversation.opened',NULL,'m1','{"conversation":"cnv_1mcc5rm00000k","contact":"+155…88"}');
INSERT INTO "event" VALUES(31,1800000000000,'message.received',1887436800000000020,'m1','{"from":"+155…88","parts":1,"came":1,"encoding":"gsm7","service":false,"stored":false,"message_class":null,"conversation":"cnv_1mcc5rm00000k"}');
INSERT INTO "event" VALUES(32,1800000000000,'consent.changed',NULL,'','{"contact":"+155…88","action":"opt_out","method":"keyword","cancelled":0}');
INSERT INTO "event" VALUES(33,1800000000000,'message.received',1887436800000000023,'m1','{"from":"+155…77","parts":1,"came":1,"encoding":"gsm7","service":false,"stored":false,"message_class":null,"conversation":"cnv_1mcc5rm00000f"}');
INSERT INTO "event" VALUES(34,1800000000000,'message.accepted',1887436800000000025,'m1','{"to":"+155…77","class":"normal","parts":1,"origin":"rule"}');
INSERT INTO "event" VALUES(35,1800000000000,'message.accepted',1887436800000000028,'m2','{"to":"+155…77","class":"normal","parts":1,"origin":"api"}');
INSERT INTO "event" VALUES(36,1800000000000,'link.up',NULL,'m2','{"why":"ready"}');
INSERT INTO "event" VALUES(37,1800000000000,'message.sending',1887436800000000028,'m2','{"part":1,"parts":1}');
INSERT INTO "event" VALUES(38,1800000000000,'message.accepted',1887436800000000030,'m1','{"to":"+155…77","class":"normal","parts":1,"origin":"api"}');
INSERT INTO "event" VALUES(39,1800000000000,'message.accepted',1887436800000000031,'m1','{"to":"+155…77","class":"normal","parts":1,"origin":"api"}');
INSERT INTO "event" VALUES(40,1800000000000,'message.accepted',1887436800000000032,'m1','{"to":"+155…77","class":"normal","parts":1,"origin":"api"}');
INSERT INTO "event" VALUES(41,1800000000000,'link.paused',NULL,'m1','');
INSERT INTO "event" VALUES(42,1800000000000,'link.resumed',NULL,'m1','');
CREATE TABLE inbound_part (
  id INTEGER PRIMARY KEY,
  first INTEGER NOT NULL,
  message INTEGER,
  digest BLOB NOT NULL,
  seen INTEGER NOT NULL,
  link TEXT NOT NULL,
  ours TEXT NOT NULL,
  sender TEXT NOT NULL,
  ref INTEGER NOT NULL,
  ref_bits INTEGER NOT NULL,
  part INTEGER NOT NULL,
  parts INTEGER NOT NULL,
  alphabet TEXT NOT NULL,
  locking INTEGER NOT NULL,
  single INTEGER NOT NULL,
  payload BLOB,
  raw BLOB,
  dcs INTEGER NOT NULL,
  pid INTEGER NOT NULL,
  message_class INTEGER,
  service INTEGER NOT NULL,
  stored INTEGER NOT NULL,
  sent_at INTEGER,
  fault TEXT NOT NULL,
  at INTEGER NOT NULL
, meta TEXT NOT NULL DEFAULT '') STRICT;
INSERT INTO "inbound_part" VALUES(1887436800000000017,1887436800000000017,1887436800000000016,X'6C7015A1CE776A1FB976456D1DD09B8D',1,'m1','+15550100100','+15550100777',0,0,1,1,'gsm7',0,0,X'4D7920696E7465726E657420697320646F776E',X'2B3135353530313030373737203920312F31204D7920696E7465726E657420697320646F776E205B5D',0,0,NULL,0,0,NULL,'',1800000000000,'');
INSERT INTO "inbound_part" VALUES(1887436800000000018,1887436800000000018,NULL,X'804CD02596160249451913A649229166',1,'m1','+15550100100','+15550100777',44,8,1,2,'gsm7',0,0,X'6F6E65206F662074776F',X'2B313535353031303037373720343420312F32206F6E65206F662074776F205B5D',0,0,NULL,0,0,NULL,'',1800000000000,'');
INSERT INTO "inbound_part" VALUES(1887436800000000021,1887436800000000021,1887436800000000020,X'482E867122F5FE7EED4CC6105C45D848',1,'m1','+15550100100','+15550100888',0,0,1,1,'gsm7',0,0,X'53544F50',X'2B3135353530313030383838203920312F312053544F50205B5D',0,0,NULL,0,0,NULL,'',1800000000000,'');
INSERT INTO "inbound_part" VALUES(1887436800000000024,1887436800000000024,1887436800000000023,X'0676BD26693D8B67D69D8FCB9373ECDF',1,'m1','+15550100100','+15550100777',0,0,1,1,'gsm7',0,0,X'48656C70206D65',X'2B3135353530313030373737203920312F312048656C70206D65205B5D',0,0,NULL,0,0,NULL,'',1800000000000,'');
CREATE TABLE kept (what TEXT NOT NULL, id INTEGER NOT NULL, PRIMARY KEY (what, id)) STRICT, WITHOUT ROWID;
CREATE TABLE link (
  name TEXT PRIMARY KEY,
  type TEXT NOT NULL,
  number TEXT NOT NULL,
  state TEXT NOT NULL,
  reason TEXT NOT NULL,
  since INTEGER NOT NULL,
  paused INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
INSERT INTO "link" VALUES('m1','modem','+15550100100','up','ready',1800000000000,0);
INSERT INTO "link" VALUES('m2','modem','+15550100200','up','ready',1800000000000,0);
CREATE TABLE message (
  id INTEGER PRIMARY KEY,
  direction TEXT NOT NULL,
  state TEXT NOT NULL,
  priority INTEGER NOT NULL,
  link TEXT NOT NULL,
  peer TEXT NOT NULL,
  ours TEXT NOT NULL,
  class TEXT NOT NULL,
  text TEXT,
  encoding TEXT NOT NULL,
  locking INTEGER NOT NULL,
  single INTEGER NOT NULL,
  parts INTEGER NOT NULL,
  cuts TEXT NOT NULL,
  ref INTEGER NOT NULL,
  done INTEGER NOT NULL,
  flash INTEGER NOT NULL,
  report INTEGER NOT NULL,
  pinned INTEGER NOT NULL,
  due INTEGER NOT NULL,
  expires INTEGER NOT NULL,
  attempts INTEGER NOT NULL,
  duplicate INTEGER NOT NULL,
  origin TEXT NOT NULL,
  key TEXT NOT NULL,
  key_digest TEXT NOT NULL,
  callback TEXT NOT NULL,
  conversation INTEGER,
  answers INTEGER,
  rule TEXT NOT NULL,
  author TEXT NOT NULL,
  reason TEXT NOT NULL,
  created INTEGER NOT NULL,
  updated INTEGER NOT NULL
, schedule INTEGER NOT NULL DEFAULT 0, meta TEXT NOT NULL DEFAULT '', token TEXT NOT NULL DEFAULT '', uncertain TEXT NOT NULL DEFAULT '') STRICT;
INSERT INTO "message" VALUES(1887436800000000000,'out','sent',1,'m1','+15550100777','','normal','sent','gsm7',0,0,1,'',0,1,0,1,0,0,0,1,0,'api','','','',NULL,NULL,'','','',1800000000000,1800000000000,0,'','','');
INSERT INTO "message" VALUES(1887436800000000002,'out','delivered',1,'m1','+15550100777','','normal','delivered','gsm7',0,0,1,'',0,1,0,1,0,0,0,1,0,'api','','','',NULL,NULL,'','','',1800000000000,1800000001000,0,'','','');
INSERT INTO "message" VALUES(1887436800000000004,'out','uncertain',1,'m1','+15550100777','','normal','uncertain','gsm7',0,0,1,'',0,0,0,1,0,0,0,1,0,'api','','','',NULL,NULL,'','','no answer in 75 s',1800000000000,1800000000000,0,'','','');
INSERT INTO "message" VALUES(1887436800000000006,'out','failed',1,'m1','+15550100777','','normal','failed','gsm7',0,0,1,'',0,0,0,1,0,0,0,1,0,'api','','','',NULL,NULL,'','','CMS 1: unassigned number',1800000000000,1800000000000,0,'','','');
INSERT INTO "message" VALUES(1887436800000000008,'out','queued',1,'m1','+15550100777','','normal','refused for now','gsm7',0,0,1,'',0,0,0,1,0,1800000030000,0,1,0,'api','','','',NULL,NULL,'','','CMS 41: temporary failure',1800000000000,1800000000000,0,'','','');
INSERT INTO "message" VALUES(1887436800000000010,'out','sending',1,'m1','+15550100777','','normal','half of it went','gsm7',0,0,2,'0,1',0,1,0,1,0,0,0,1,0,'api','','','',NULL,NULL,'','','',1800000000000,1800000000000,0,'','','');
INSERT INTO "message" VALUES(1887436800000000013,'out','cancelled',1,'m1','+15550100777','','normal','cancelled','gsm7',0,0,1,'',0,0,0,1,0,0,0,0,0,'api','','','',NULL,NULL,'','','',1800000000000,1800000000000,0,'','','');
INSERT INTO "message" VALUES(1887436800000000014,'out','held',1,'m1','+15550100777','','normal','held','gsm7',0,0,1,'',0,0,0,1,0,0,0,0,0,'api','','','',NULL,NULL,'','','',1800000000000,1800000000000,0,'','','');
INSERT INTO "message" VALUES(1887436800000000016,'in','received',1,'m1','+15550100777','+15550100100','normal','My internet is down','gsm7',0,0,1,'',0,1,0,0,0,0,0,0,0,'','','','',1887436800000000015,NULL,'','','',1800000000000,1800000000000,0,'','','');
INSERT INTO "message" VALUES(1887436800000000020,'in','received',1,'m1','+15550100888','+15550100100','normal','STOP','gsm7',0,0,1,'',0,1,0,0,0,0,0,0,0,'','','','',1887436800000000019,NULL,'','','',1800000000000,1800000000000,0,'','','');
INSERT INTO "message" VALUES(1887436800000000023,'in','received',1,'m1','+15550100777','+15550100100','normal','Help me','gsm7',0,0,1,'',0,1,0,0,0,0,0,0,0,'','','','',1887436800000000015,NULL,'','','',1800000000000,1800000000000,0,'','','');
INSERT INTO "message" VALUES(1887436800000000025,'out','queued',1,'m1','+15550100777','','normal','we are on it','gsm7',0,0,1,'',0,0,0,1,0,0,0,0,0,'rule','','','',1887436800000000015,1887436800000000023,'r1','','',1800000000000,1800000000000,0,'','','');
INSERT INTO "message" VALUES(1887436800000000028,'out','sending',1,'m2','+15550100777','','normal','in flight','gsm7',0,0,1,'',0,0,0,1,0,0,0,1,0,'api','','','',NULL,NULL,'','','',1800000000000,1800000000000,0,'','','');
INSERT INTO "message" VALUES(1887436800000000030,'out','queued',1,'m1','+15550100777','','normal','with a key','gsm7',0,0,1,'',0,0,0,1,0,0,0,0,0,'api','k1','d1','',1887436800000000015,NULL,'','','',1800000000000,1800000000000,0,'','','');
INSERT INTO "message" VALUES(1887436800000000031,'out','queued',1,'m1','+15550100777','','normal','tomorrow','gsm7',0,0,1,'',0,0,0,1,0,1800086400000,0,0,0,'api','','','',1887436800000000015,NULL,'','','',1800000000000,1800000000000,0,'','','');
INSERT INTO "message" VALUES(1887436800000000032,'out','queued',1,'m1','+15550100777','','normal','to be sent: über € 😀','ucs2',0,0,1,'',0,0,0,1,0,0,0,0,0,'api','','','',1887436800000000015,NULL,'','','',1800000000000,1800000000000,0,'','','');
CREATE TABLE outbox (
  id INTEGER PRIMARY KEY,
  endpoint TEXT NOT NULL,
  kind TEXT NOT NULL,
  message INTEGER,
  conversation INTEGER,
  at INTEGER NOT NULL,
  due INTEGER NOT NULL,
  attempts INTEGER NOT NULL,
  state TEXT NOT NULL,
  reason TEXT NOT NULL,
  data TEXT NOT NULL
) STRICT;
INSERT INTO "outbox" VALUES(1887436800000000026,'support','message.received',1887436800000000023,1887436800000000015,1800000000000,0,0,'pending','','');
CREATE TABLE report_orphan (
  id INTEGER PRIMARY KEY,
  link TEXT NOT NULL,
  reference TEXT NOT NULL,
  recipient TEXT NOT NULL,
  status TEXT NOT NULL,
  code TEXT NOT NULL,
  reason TEXT NOT NULL,
  raw BLOB NOT NULL,
  at INTEGER NOT NULL
, norm TEXT NOT NULL DEFAULT '', form TEXT NOT NULL DEFAULT 'same', own INTEGER) STRICT;
CREATE TABLE rollup (
  day TEXT NOT NULL,
  link TEXT NOT NULL,
  direction TEXT NOT NULL,
  class TEXT NOT NULL,
  state TEXT NOT NULL,
  messages INTEGER NOT NULL,
  parts INTEGER NOT NULL,
  PRIMARY KEY (day, link, direction, class, state)
) STRICT, WITHOUT ROWID;
INSERT INTO "rollup" VALUES('2027-01-15','m1','in','normal','received',3,3);
INSERT INTO "rollup" VALUES('2027-01-15','m1','out','normal','accepted',12,13);
INSERT INTO "rollup" VALUES('2027-01-15','m1','out','normal','cancelled',1,1);
INSERT INTO "rollup" VALUES('2027-01-15','m1','out','normal','delivered',1,1);
INSERT INTO "rollup" VALUES('2027-01-15','m1','out','normal','failed',1,1);
INSERT INTO "rollup" VALUES('2027-01-15','m1','out','normal','sent',2,2);
INSERT INTO "rollup" VALUES('2027-01-15','m1','out','normal','uncertain',1,1);
INSERT INTO "rollup" VALUES('2027-01-15','m1','report','','came',1,0);
INSERT INTO "rollup" VALUES('2027-01-15','m2','out','normal','accepted',1,1);
CREATE TABLE spend (day TEXT NOT NULL, kind TEXT NOT NULL, name TEXT NOT NULL, segments INTEGER NOT NULL, cost REAL NOT NULL, PRIMARY KEY (day, kind, name)) STRICT, WITHOUT ROWID;
INSERT INTO "spend" VALUES('2027-01-15','link','m1',13,0.0);
INSERT INTO "spend" VALUES('2027-01-15','link','m2',1,0.0);
CREATE TABLE store (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;
INSERT INTO "store" VALUES('clean','0');
INSERT INTO "store" VALUES('version','0.1.0');
CREATE TABLE submission (
  id INTEGER PRIMARY KEY,
  message INTEGER NOT NULL,
  link TEXT NOT NULL,
  part INTEGER NOT NULL,
  state TEXT NOT NULL,
  reference TEXT NOT NULL,
  reason TEXT NOT NULL,
  report TEXT NOT NULL,
  open INTEGER NOT NULL,
  at INTEGER NOT NULL
, norm TEXT NOT NULL DEFAULT '') STRICT;
INSERT INTO "submission" VALUES(1887436800000000001,1887436800000000000,'m1',1,'accepted','1','','',1,1800000000000,'1');
INSERT INTO "submission" VALUES(1887436800000000003,1887436800000000002,'m1',1,'accepted','2','','delivered',0,1800000000000,'2');
INSERT INTO "submission" VALUES(1887436800000000005,1887436800000000004,'m1',1,'uncertain','','no answer in 75 s','',1,1800000000000,'');
INSERT INTO "submission" VALUES(1887436800000000007,1887436800000000006,'m1',1,'refused','','CMS 1: unassigned number','',0,1800000000000,'');
INSERT INTO "submission" VALUES(1887436800000000009,1887436800000000008,'m1',1,'refused','','CMS 41: temporary failure','',0,1800000000000,'');
INSERT INTO "submission" VALUES(1887436800000000011,1887436800000000010,'m1',1,'accepted','3','','',1,1800000000000,'3');
INSERT INTO "submission" VALUES(1887436800000000012,1887436800000000010,'m1',2,'in_flight','','','',1,1800000000000,'');
INSERT INTO "submission" VALUES(1887436800000000029,1887436800000000028,'m2',1,'in_flight','','','',1,1800000000000,'');
CREATE TABLE ticket (
  conversation INTEGER NOT NULL,
  endpoint TEXT NOT NULL,
  ticket TEXT NOT NULL,
  PRIMARY KEY (conversation, endpoint)
) STRICT, WITHOUT ROWID;
CREATE TABLE token (
  id INTEGER PRIMARY KEY,
  digest BLOB NOT NULL UNIQUE,
  scopes TEXT NOT NULL,
  created INTEGER NOT NULL,
  revoked INTEGER NOT NULL
, caps TEXT NOT NULL DEFAULT '') STRICT;
INSERT INTO "token" VALUES(1887436800000000027,X'0101010101010101010101010101010101010101010101010101010101010101','messages:send',1800000000000,0,'');
CREATE UNIQUE INDEX "idx__sqlite_migrations_migration_set_name"
    ON "_sqlite_migrations" ("migration_set", "name");
CREATE INDEX message_queued ON message (link, priority, due, id, expires) WHERE state = 'queued';
CREATE INDEX message_peer ON message (peer, id);
CREATE INDEX message_in ON message (id) WHERE direction = 'in';
CREATE INDEX message_rule ON message (created) WHERE origin = 'rule';
CREATE UNIQUE INDEX message_key ON message (key) WHERE key <> '';
CREATE UNIQUE INDEX message_answer ON message (answers, rule) WHERE answers IS NOT NULL AND rule <> '';
CREATE INDEX submission_message ON submission (message);
CREATE INDEX inbound_part_digest ON inbound_part (digest);
CREATE INDEX inbound_part_first ON inbound_part (first);
CREATE INDEX inbound_part_message ON inbound_part (message) WHERE message IS NOT NULL;
CREATE INDEX inbound_part_set ON inbound_part (link, sender, ref, ref_bits, parts, id) WHERE parts > 1;
CREATE INDEX inbound_part_waiting ON inbound_part (at) WHERE message IS NULL;
CREATE INDEX consent_number ON consent (number, id);
CREATE UNIQUE INDEX conversation_open ON conversation (contact, link) WHERE state = 'open';
CREATE INDEX outbox_pending ON outbox (endpoint, due, id) WHERE state = 'pending';
CREATE INDEX outbox_turn ON outbox (endpoint, conversation, id) WHERE state = 'pending' AND conversation IS NOT NULL;
CREATE INDEX outbox_dead ON outbox (id) WHERE state = 'dead';
CREATE INDEX submission_open ON submission (link, state, norm, id) WHERE open = 1;
CREATE INDEX report_orphan_link ON report_orphan (link, norm);
CREATE TRIGGER message_forward BEFORE UPDATE OF state ON message WHEN NEW.state <> OLD.state AND instr(' held>cancelled held>expired held>queued partial>received queued>cancelled queued>expired queued>failed queued>held queued>sending sending>delivered sending>failed sending>queued sending>sent sending>uncertain sent>cancelled sent>delivered sent>expired sent>failed uncertain>delivered uncertain>expired uncertain>failed uncertain>queued uncertain>sent ', ' ' || OLD.state || '>' || NEW.state || ' ') = 0 BEGIN SELECT RAISE(ABORT, 'message: this change of state is not in the table'); END;
CREATE TRIGGER submission_forward BEFORE UPDATE OF state ON submission WHEN NEW.state <> OLD.state AND instr(' in_flight>accepted in_flight>refused in_flight>uncertain uncertain>accepted uncertain>refused ', ' ' || OLD.state || '>' || NEW.state || ' ') = 0 BEGIN SELECT RAISE(ABORT, 'submission: this change of state is not in the table'); END;
CREATE INDEX message_aside ON message (state, id) WHERE (state = 'held' OR state = 'uncertain' OR state = 'failed' OR state = 'expired' OR state = 'cancelled' OR state = 'partial');
CREATE INDEX message_reply ON message (conversation, id) WHERE origin = 'desk' AND state IN ('queued', 'sending');
CREATE INDEX audit_pii_number ON audit_pii (number) WHERE number <> '';
CREATE TRIGGER audit_no_update BEFORE UPDATE ON audit BEGIN SELECT RAISE(ABORT, 'audit: rows are never changed'); END;
CREATE TRIGGER audit_no_delete BEFORE DELETE ON audit BEGIN SELECT RAISE(ABORT, 'audit: rows are never deleted'); END;
COMMIT;
