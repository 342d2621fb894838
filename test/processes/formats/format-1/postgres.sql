create schema docket_fixture;
set search_path to docket_fixture;
create table docket_migrations (version bigint primary key, name text not null, applied_at timestamptz(3) not null);
create table "docket_fixture".docket_executions (
  id text collate "C" not null primary key,
  kind text not null,
  graph text collate "C" not null,
  target text not null,
  status text not null,
  request_digest text not null,
  inputs json,
  inputs_bytes bytea,
  output json,
  output_bytes bytea,
  error json,
  error_bytes bytea,
  error_code text,
  headers json not null,
  graph_hash text not null,
  machine_version bigint not null,
  parent text collate "C",
  forked_from text collate "C",
  timeout_ms double precision,
  queue text collate "C" not null,
  priority bigint not null,
  queue_key text collate "C" not null,
  start_at timestamptz(3),
  owner text collate "C",
  epoch bigint not null,
  recoveries bigint not null,
  owned_ms double precision not null,
  created_at timestamptz(3) not null,
  started_at timestamptz(3),
  updated_at timestamptz(3) not null,
  ended_at timestamptz(3),
  parked_at timestamptz(3),
  due_at timestamptz(3),
  waits_for json,
  waits_for_bytes bytea,
  last_mail bigint default 0 not null,
  mail_left bigint default 0 not null,
  mail_version bigint default 0 not null
) with (fillfactor = 80);
create table "docket_fixture".docket_steps (
  execution text collate "C" not null,
  step text collate "C" not null,
  item text collate "C" not null,
  status text not null,
  attempt bigint not null,
  input_hash text,
  type text not null,
  type_version text,
  output json,
  output_bytes bytea,
  error json,
  error_bytes bytea,
  attempts json,
  attempts_bytes bytea,
  queued_at timestamptz(3),
  started_at timestamptz(3),
  ended_at timestamptz(3),
  due_at timestamptz(3),
  primary key (execution, step, item)
);
create table "docket_fixture".docket_checkpoints (
  execution text collate "C" not null,
  scope text collate "C" not null,
  step text not null,
  item text not null,
  generation bigint not null,
  checkpoint text collate "C" not null,
  kind text not null,
  ordinal bigint not null,
  status text not null,
  value json,
  value_bytes bytea,
  error json,
  error_bytes bytea,
  written_at timestamptz(3) not null,
  due_at timestamptz(3),
  primary key (execution, scope, generation, checkpoint)
);
create table "docket_fixture".docket_mailbox (
  execution text collate "C" not null,
  seq bigint not null,
  message_id text,
  class text not null,
  kind text not null,
  slot text,
  payload json,
  payload_bytes bytea,
  posted_at timestamptz(3) not null,
  primary key (execution, seq)
);
create table "docket_fixture".docket_outbox (
  entry text collate "C" not null primary key,
  source text not null,
  receiver text not null,
  message_id text not null,
  class text not null,
  kind text not null,
  slot text,
  payload json,
  payload_bytes bytea,
  posted_at timestamptz(3) not null
);
create table "docket_fixture".docket_receipts (
  execution text collate "C" not null,
  name text collate "C" not null,
  verdict text not null,
  primary key (execution, name)
);
create table "docket_fixture".docket_events (
  event text collate "C" not null primary key,
  scope text not null,
  name text not null,
  event_key text not null,
  value json,
  value_bytes bytea,
  emission text not null,
  emitted_at timestamptz(3) not null,
  expires_at timestamptz(3) not null,
  generation bigint not null,
  is_pending bigint not null
);
create table "docket_fixture".docket_waits (
  event text collate "C" not null,
  execution text collate "C" not null,
  since timestamptz(3) not null,
  seen_at timestamptz(3) not null,
  delivered bigint default 0 not null,
  primary key (event, execution)
);
create table "docket_fixture".docket_schedules (
  name text collate "C" not null primary key,
  graph_name text not null,
  graph_key text collate "C" not null,
  target text not null,
  inputs json,
  inputs_bytes bytea,
  rule json not null,
  digest text not null,
  next_at timestamptz(3),
  due_at timestamptz(3),
  paused_at timestamptz(3),
  note text,
  last_at timestamptz(3),
  buffered_at timestamptz(3),
  started bigint not null,
  skipped bigint not null,
  missed bigint not null,
  failures bigint not null,
  runs json not null,
  created_at timestamptz(3) not null,
  updated_at timestamptz(3) not null,
  revision bigint not null,
  written_by text not null,
  taken_by text
);
create table "docket_fixture".docket_shared (
  shared_key text collate "C" not null primary key,
  token text not null,
  name text not null,
  state json,
  state_bytes bytea,
  written_at timestamptz(3) not null
);
create table "docket_fixture".docket_acts (
  act_id text collate "C" not null primary key,
  acted_at timestamptz(3) not null,
  acted_by text not null,
  act text not null,
  execution text collate "C",
  note text
);
create table "docket_fixture".docket_results (
  id text collate "C" not null primary key,
  namespace text not null,
  step text not null,
  version text not null,
  type text not null,
  status text not null,
  owner text collate "C" not null,
  epoch bigint not null,
  output json,
  output_bytes bytea,
  error json,
  error_bytes bytea,
  claimed_at timestamptz(3) not null,
  ended_at timestamptz(3),
  expires_at timestamptz(3),
  is_awaited bigint default 0 not null
);
create table "docket_fixture".docket_queues (
  queue text collate "C" not null primary key,
  state text not null,
  is_restricted bigint not null,
  free_at double precision not null
);
create table "docket_fixture".docket_owners (
  owner text collate "C" not null primary key,
  seen_at timestamptz(3) not null,
  expires_at timestamptz(3) not null
);
create index docket_executions_unfinished on "docket_fixture".docket_executions (owner, queue, graph, created_at, id) where status in ('pending', 'running', 'waiting', 'compensating') and parked_at is null;
create index docket_executions_to_begin on "docket_fixture".docket_executions (queue, graph, queue_key, priority desc, created_at, id) where owner is null and status = 'pending' and parked_at is null;
create index docket_executions_to_go_on on "docket_fixture".docket_executions (queue, graph, created_at, id) where owner is null and status in ('running', 'waiting', 'compensating') and parked_at is null;
create index docket_executions_later on "docket_fixture".docket_executions (queue, graph, due_at, id) where status = 'pending' and due_at is not null;
create index docket_executions_due on "docket_fixture".docket_executions (queue, graph, due_at, id) where parked_at is not null;
create index docket_executions_queue on "docket_fixture".docket_executions (queue, status, created_at, id, graph) where queue <> 'default';
create index docket_executions_key on "docket_fixture".docket_executions (queue_key, status, created_at, id, graph, queue) where queue_key <> '';
create index docket_executions_error on "docket_fixture".docket_executions (error_code, status, created_at, id) where error_code is not null;
create index docket_executions_graph_error on "docket_fixture".docket_executions (graph, error_code, status, created_at, id) where error_code is not null;
create index docket_executions_mail on "docket_fixture".docket_executions (owner) where mail_left > 0;
create index docket_executions_created on "docket_fixture".docket_executions (created_at, id);
create index docket_executions_status on "docket_fixture".docket_executions (status, created_at, id, queue);
create index docket_executions_graph on "docket_fixture".docket_executions (graph, status, created_at, id, queue);
create index docket_executions_ended on "docket_fixture".docket_executions (ended_at) where ended_at is not null;
create index docket_checkpoints_order on "docket_fixture".docket_checkpoints (execution, scope, generation, ordinal, checkpoint);
create index docket_executions_parent on "docket_fixture".docket_executions (parent, created_at, id) where parent is not null;
create index docket_executions_forked on "docket_fixture".docket_executions (forked_from, created_at, id) where forked_from is not null;
create index docket_outbox_posted on "docket_fixture".docket_outbox (posted_at, entry);
create index docket_events_expiry on "docket_fixture".docket_events (expires_at);
create index docket_events_pending on "docket_fixture".docket_events (event) where is_pending = 1;
create index docket_waits_seen on "docket_fixture".docket_waits (seen_at);
create index docket_schedules_due on "docket_fixture".docket_schedules (graph_key, due_at) where due_at is not null;
create index docket_schedules_graph on "docket_fixture".docket_schedules (graph_key, name);
create index docket_acts_time on "docket_fixture".docket_acts (acted_at, act_id);
create index docket_acts_execution on "docket_fixture".docket_acts (execution, acted_at, act_id) where execution is not null;
create index docket_shared_written on "docket_fixture".docket_shared (written_at);
create index docket_results_expiry on "docket_fixture".docket_results (expires_at) where expires_at is not null;
create index docket_results_unmade on "docket_fixture".docket_results (status) where status in ('running', 'failed', 'released');
create sequence "docket_fixture".docket_result_epochs;
alter table "docket_fixture".docket_executions add column deadline timestamptz(3);
create index docket_executions_deadline on "docket_fixture".docket_executions (deadline) where deadline is not null and status in ('pending', 'running', 'waiting');
alter table "docket_fixture".docket_owners add column session_key bigint;
alter table "docket_fixture".docket_owners add column worker text;
insert into docket_executions (id, kind, graph, target, status, request_digest, inputs, inputs_bytes, output, output_bytes, error, error_bytes, error_code, headers, graph_hash, machine_version, parent, forked_from, timeout_ms, queue, priority, queue_key, start_at, owner, epoch, recoveries, owned_ms, created_at, started_at, updated_at, ended_at, parked_at, due_at, waits_for, waits_for_bytes, last_mail, mail_left, mail_version, deadline) values ('batch', 'batch', 'orders', 'Receipt', 'running', '03ZZCpIn1DWNIZUdVGfhc0qQeLPPmxkRB33vfw9Y_Uw', '{"shared":{},"leaves":["Order"],"concurrency":100,"onError":"fail","total":4}', NULL, NULL, NULL, NULL, NULL, NULL, '{}', 'k5NmQThWJHThHdQEkk5aynWkuft-QKUd6q8bu40fQAg', '1', NULL, NULL, NULL, 'default', '0', '', NULL, 'writer:170dd45e-d45e-4bb3-995e-727b4ca25204', '1', '0', '0', '2024-03-01 00:00:03.603+00', '2024-03-01 00:00:03.606+00', '2024-03-01 00:00:03.619+00', NULL, NULL, NULL, NULL, NULL, '0', '0', '0', NULL);
insert into docket_executions (id, kind, graph, target, status, request_digest, inputs, inputs_bytes, output, output_bytes, error, error_bytes, error_code, headers, graph_hash, machine_version, parent, forked_from, timeout_ms, queue, priority, queue_key, start_at, owner, epoch, recoveries, owned_ms, created_at, started_at, updated_at, ended_at, parked_at, due_at, waits_for, waits_for_bytes, last_mail, mail_left, mail_version, deadline) values ('called-off', 'execution', 'orders', 'Receipt', 'running', 'gKNQGSFKSLcljB3eEoRzNTYOI-0HxNw7lpvrqVcfUQI', '{"Order":{"id":"called-off"}}', NULL, NULL, NULL, NULL, NULL, NULL, '{"tenant":"Straße","id":"called-off"}', 'k5NmQThWJHThHdQEkk5aynWkuft-QKUd6q8bu40fQAg', '1', NULL, NULL, '3600000', 'default', '0', '', NULL, 'writer:170dd45e-d45e-4bb3-995e-727b4ca25204', '1', '0', '2', '2024-03-01 00:00:03.601+00', '2024-03-01 00:00:03.603+00', '2024-03-01 00:00:03.605+00', NULL, NULL, NULL, NULL, NULL, '1', '1', '0', NULL);
insert into docket_executions (id, kind, graph, target, status, request_digest, inputs, inputs_bytes, output, output_bytes, error, error_bytes, error_code, headers, graph_hash, machine_version, parent, forked_from, timeout_ms, queue, priority, queue_key, start_at, owner, epoch, recoveries, owned_ms, created_at, started_at, updated_at, ended_at, parked_at, due_at, waits_for, waits_for_bytes, last_mail, mail_left, mail_version, deadline) values ('completed', 'execution', 'orders', 'Receipt', 'completed', 'cdqSZPkATz1N4LM-6W-UEr4WZFBnVphs8ydodJWeXF8', '{"Order":{"id":"completed"}}', NULL, '"receipt of completed"', NULL, NULL, NULL, NULL, '{"tenant":"Straße","id":"completed"}', 'k5NmQThWJHThHdQEkk5aynWkuft-QKUd6q8bu40fQAg', '1', NULL, NULL, '3600000', 'default', '0', '', NULL, NULL, '1', '0', '36', '2024-03-01 00:00:03.534+00', '2024-03-01 00:00:03.538+00', '2024-03-01 00:00:03.574+00', '2024-03-01 00:00:03.574+00', NULL, NULL, NULL, NULL, '0', '0', '0', '2024-03-02 12:00:00.125+00');
insert into docket_executions (id, kind, graph, target, status, request_digest, inputs, inputs_bytes, output, output_bytes, error, error_bytes, error_code, headers, graph_hash, machine_version, parent, forked_from, timeout_ms, queue, priority, queue_key, start_at, owner, epoch, recoveries, owned_ms, created_at, started_at, updated_at, ended_at, parked_at, due_at, waits_for, waits_for_bytes, last_mail, mail_left, mail_version, deadline) values ('failed', 'execution', 'orders', 'Receipt', 'failed', 'ZXdwQl3RjHJTC28W1t3MG8OGblpjgAewVFBz2srv70k', '{"Order":{"id":"failed"}}', NULL, NULL, NULL, E'{"$error":{"name":"StepError","message":"step \\"Charge\\" failed after 1 attempt: the card was declined","stack":"StepError: step \\"Charge\\" failed after 1 attempt: the card was declined","cause":{"$error":{"name":"NonRetryableError","message":"the card was declined","stack":"NonRetryableError: the card was declined","cause":{"$error":{"name":"RangeError","message":"limit","stack":"RangeError: limit"}},"fields":{"code":"NON_RETRYABLE","path":[]}}},"fields":{"code":"STEP_FAILED","graph":"orders","executionId":"failed","step":"Charge","attempt":1,"path":["Receipt"]}}}', NULL, 'STEP_FAILED', '{"tenant":"Straße","id":"failed"}', 'k5NmQThWJHThHdQEkk5aynWkuft-QKUd6q8bu40fQAg', '1', NULL, NULL, '3600000', 'default', '0', '', NULL, NULL, '1', '0', '9', '2024-03-01 00:00:03.577+00', '2024-03-01 00:00:03.579+00', '2024-03-01 00:00:03.588+00', '2024-03-01 00:00:03.588+00', NULL, NULL, NULL, NULL, '0', '0', '0', NULL);
insert into docket_executions (id, kind, graph, target, status, request_digest, inputs, inputs_bytes, output, output_bytes, error, error_bytes, error_code, headers, graph_hash, machine_version, parent, forked_from, timeout_ms, queue, priority, queue_key, start_at, owner, epoch, recoveries, owned_ms, created_at, started_at, updated_at, ended_at, parked_at, due_at, waits_for, waits_for_bytes, last_mail, mail_left, mail_version, deadline) values ('retrying', 'execution', 'orders', 'Receipt', 'running', 'KL0ZjSTg4Rh0r-UhVFRd5RFNoW6cIoGJr3MlqgPU7oE', '{"Order":{"id":"retrying"}}', NULL, NULL, NULL, NULL, NULL, NULL, '{"tenant":"Straße","id":"retrying"}', 'k5NmQThWJHThHdQEkk5aynWkuft-QKUd6q8bu40fQAg', '1', NULL, NULL, '3600000', 'default', '0', '', NULL, 'writer:170dd45e-d45e-4bb3-995e-727b4ca25204', '1', '0', '10', '2024-03-01 00:00:03.593+00', '2024-03-01 00:00:03.6+00', '2024-03-01 00:00:03.61+00', NULL, NULL, NULL, NULL, NULL, '0', '0', '0', NULL);
insert into docket_executions (id, kind, graph, target, status, request_digest, inputs, inputs_bytes, output, output_bytes, error, error_bytes, error_code, headers, graph_hash, machine_version, parent, forked_from, timeout_ms, queue, priority, queue_key, start_at, owner, epoch, recoveries, owned_ms, created_at, started_at, updated_at, ended_at, parked_at, due_at, waits_for, waits_for_bytes, last_mail, mail_left, mail_version, deadline) values ('unfinished', 'execution', 'orders', 'Receipt', 'running', 'Pg91y2CbLAPCUF6sILy2DsnBV9n8Z7cdM8nRaXLnz9M', '{"Order":{"id":"unfinished"}}', NULL, NULL, NULL, NULL, NULL, NULL, '{"tenant":"Straße","id":"unfinished"}', 'k5NmQThWJHThHdQEkk5aynWkuft-QKUd6q8bu40fQAg', '1', NULL, NULL, '3600000', 'default', '0', '', NULL, 'writer:170dd45e-d45e-4bb3-995e-727b4ca25204', '1', '0', '3', '2024-03-01 00:00:03.591+00', '2024-03-01 00:00:03.593+00', '2024-03-01 00:00:03.595+00', NULL, NULL, NULL, NULL, NULL, '0', '0', '0', NULL);
insert into docket_mailbox (execution, seq, message_id, class, kind, slot, payload, payload_bytes, posted_at) values ('called-off', '1', NULL, 'control', 'cancel', NULL, NULL, NULL, '2024-03-01 00:00:04.251+00');
insert into docket_migrations (version, name, applied_at) values ('1', 'tables', '2026-11-30 03:51:52.586+00');
insert into docket_migrations (version, name, applied_at) values ('2', 'deadlines', '2026-11-30 03:51:52.591+00');
insert into docket_migrations (version, name, applied_at) values ('3', 'sessions', '2026-11-30 03:51:52.591+00');
insert into docket_migrations (version, name, applied_at) values ('4', 'workers', '2026-11-30 03:51:52.592+00');
insert into docket_owners (owner, seen_at, expires_at, session_key, worker) values ('other:5bb12580-1b6f-441e-b44a-846f39107cfa', '2024-03-01 00:00:00+00', '2024-03-01 00:00:05+00', '-2453799256720217166', '{"owner":"other:5bb12580-1b6f-441e-b44a-846f39107cfa","name":"other","queues":{},"graphs":[],"host":"vm","pid":23344,"since":1709251204215}');
insert into docket_owners (owner, seen_at, expires_at, session_key, worker) values ('writer:170dd45e-d45e-4bb3-995e-727b4ca25204', '2024-03-01 00:00:00+00', '2024-03-01 00:00:05+00', '-2151688299225198609', '{"owner":"writer:170dd45e-d45e-4bb3-995e-727b4ca25204","name":"writer","queues":{"default":100},"graphs":["orders"],"host":"vm","pid":23344,"since":1709251203503}');
insert into docket_results (id, namespace, step, version, type, status, owner, epoch, output, output_bytes, error, error_bytes, claimed_at, ended_at, expires_at, is_awaited) values ('ssLEzgG54jGCuefBR00S1KB31-Fm1o8DLfpGZ65NmPU', 'orders', 'FindRate', '', 'Rate', 'completed', 'writer:170dd45e-d45e-4bb3-995e-727b4ca25204', '1', '{"currency":"NOK","rate":11.5}', NULL, NULL, NULL, '2024-03-01 00:00:03.539+00', '2024-03-01 00:00:03.551+00', NULL, '0');
insert into docket_steps (execution, step, item, status, attempt, input_hash, type, type_version, output, output_bytes, error, error_bytes, attempts, attempts_bytes, queued_at, started_at, ended_at, due_at) values ('batch', '$items', '0', 'completed', '1', NULL, '$items', NULL, '{"at":0,"keys":["b-1","b-2","b-3","b-4"],"items":[{"Order":{"id":"b-1"}},{"Order":{"id":"b-2"}},{"Order":{"id":"b-3"}},{"Order":{"id":"b-4"}}]}', NULL, NULL, NULL, NULL, NULL, NULL, NULL, '2024-03-01 00:00:03.606+00', NULL);
insert into docket_steps (execution, step, item, status, attempt, input_hash, type, type_version, output, output_bytes, error, error_bytes, attempts, attempts_bytes, queued_at, started_at, ended_at, due_at) values ('batch', 'Charge', 'b-1', 'completed', '1', 'PNKRCXVzAJrtTDme39FtaWmFclDRD85US7UHIVfOYbc', 'Receipt', NULL, '"receipt of b-1"', NULL, NULL, NULL, NULL, NULL, NULL, '2024-03-01 00:00:03.617+00', '2024-03-01 00:00:03.619+00', NULL);
insert into docket_steps (execution, step, item, status, attempt, input_hash, type, type_version, output, output_bytes, error, error_bytes, attempts, attempts_bytes, queued_at, started_at, ended_at, due_at) values ('batch', 'Charge', 'b-2', 'completed', '1', 'tyNDr2XbzSyJ2U6E6y0xFQTRreegVBPZHJOfyQKF9F8', 'Receipt', NULL, '"receipt of b-2"', NULL, NULL, NULL, NULL, NULL, NULL, '2024-03-01 00:00:03.617+00', '2024-03-01 00:00:03.619+00', NULL);
insert into docket_steps (execution, step, item, status, attempt, input_hash, type, type_version, output, output_bytes, error, error_bytes, attempts, attempts_bytes, queued_at, started_at, ended_at, due_at) values ('batch', 'Charge', 'b-3', 'running', '1', 'T1WjJ6R1-dzFZoOeaJSC_ui4KdZ1N70R0U3g2Amksr4', 'Receipt', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, '2024-03-01 00:00:03.617+00', NULL, NULL);
insert into docket_steps (execution, step, item, status, attempt, input_hash, type, type_version, output, output_bytes, error, error_bytes, attempts, attempts_bytes, queued_at, started_at, ended_at, due_at) values ('batch', 'Charge', 'b-4', 'running', '1', 'HDg9owrejrRum0BEbCXWaCpXAFepCm3Y14d9jUPmu9A', 'Receipt', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, '2024-03-01 00:00:03.617+00', NULL, NULL);
insert into docket_steps (execution, step, item, status, attempt, input_hash, type, type_version, output, output_bytes, error, error_bytes, attempts, attempts_bytes, queued_at, started_at, ended_at, due_at) values ('batch', 'Describe', 'b-1', 'completed', '1', 'hoC_-urT167zrlH89mf1wtwvjyOMuVIdj5k2qdsK3SM', 'Details', NULL, '{"at":{"$date":"2024-02-29T12:30:00.000Z"},"tags":{"$map":[["née",1],["b",-0.5]]},"big":{"$bigint":"1180591620717411303424"},"nothing":{"$undefined":true}}', NULL, NULL, NULL, NULL, NULL, NULL, '2024-03-01 00:00:03.611+00', '2024-03-01 00:00:03.611+00', NULL);
insert into docket_steps (execution, step, item, status, attempt, input_hash, type, type_version, output, output_bytes, error, error_bytes, attempts, attempts_bytes, queued_at, started_at, ended_at, due_at) values ('batch', 'Describe', 'b-2', 'completed', '1', '8zPsgLzAQyHb1rrvmxp8HKRII_Fyx0fw3mEOVtMqCPg', 'Details', NULL, '{"at":{"$date":"2024-02-29T12:30:00.000Z"},"tags":{"$map":[["née",1],["b",-0.5]]},"big":{"$bigint":"1180591620717411303424"},"nothing":{"$undefined":true}}', NULL, NULL, NULL, NULL, NULL, NULL, '2024-03-01 00:00:03.611+00', '2024-03-01 00:00:03.611+00', NULL);
insert into docket_steps (execution, step, item, status, attempt, input_hash, type, type_version, output, output_bytes, error, error_bytes, attempts, attempts_bytes, queued_at, started_at, ended_at, due_at) values ('batch', 'Describe', 'b-3', 'completed', '1', 'K2Aa6jPy2I5AU7_8-BdKFuLucCPi5OPB-8mqWbRbpy8', 'Details', NULL, '{"at":{"$date":"2024-02-29T12:30:00.000Z"},"tags":{"$map":[["née",1],["b",-0.5]]},"big":{"$bigint":"1180591620717411303424"},"nothing":{"$undefined":true}}', NULL, NULL, NULL, NULL, NULL, NULL, '2024-03-01 00:00:03.611+00', '2024-03-01 00:00:03.611+00', NULL);
insert into docket_steps (execution, step, item, status, attempt, input_hash, type, type_version, output, output_bytes, error, error_bytes, attempts, attempts_bytes, queued_at, started_at, ended_at, due_at) values ('batch', 'Describe', 'b-4', 'completed', '1', '40wOs5L0RnSWiLk3ndqOilMTh1qQQmunK2-zc0w15To', 'Details', NULL, '{"at":{"$date":"2024-02-29T12:30:00.000Z"},"tags":{"$map":[["née",1],["b",-0.5]]},"big":{"$bigint":"1180591620717411303424"},"nothing":{"$undefined":true}}', NULL, NULL, NULL, NULL, NULL, NULL, '2024-03-01 00:00:03.611+00', '2024-03-01 00:00:03.611+00', NULL);
insert into docket_steps (execution, step, item, status, attempt, input_hash, type, type_version, output, output_bytes, error, error_bytes, attempts, attempts_bytes, queued_at, started_at, ended_at, due_at) values ('batch', 'FindPrice', 'b-1', 'completed', '1', 'hoC_-urT167zrlH89mf1wtwvjyOMuVIdj5k2qdsK3SM', 'Price', NULL, '3', NULL, NULL, NULL, NULL, NULL, NULL, '2024-03-01 00:00:03.611+00', '2024-03-01 00:00:03.611+00', NULL);
insert into docket_steps (execution, step, item, status, attempt, input_hash, type, type_version, output, output_bytes, error, error_bytes, attempts, attempts_bytes, queued_at, started_at, ended_at, due_at) values ('batch', 'FindPrice', 'b-2', 'completed', '1', '8zPsgLzAQyHb1rrvmxp8HKRII_Fyx0fw3mEOVtMqCPg', 'Price', NULL, '3', NULL, NULL, NULL, NULL, NULL, NULL, '2024-03-01 00:00:03.611+00', '2024-03-01 00:00:03.611+00', NULL);
insert into docket_steps (execution, step, item, status, attempt, input_hash, type, type_version, output, output_bytes, error, error_bytes, attempts, attempts_bytes, queued_at, started_at, ended_at, due_at) values ('batch', 'FindPrice', 'b-3', 'completed', '1', 'K2Aa6jPy2I5AU7_8-BdKFuLucCPi5OPB-8mqWbRbpy8', 'Price', NULL, '3', NULL, NULL, NULL, NULL, NULL, NULL, '2024-03-01 00:00:03.611+00', '2024-03-01 00:00:03.611+00', NULL);
insert into docket_steps (execution, step, item, status, attempt, input_hash, type, type_version, output, output_bytes, error, error_bytes, attempts, attempts_bytes, queued_at, started_at, ended_at, due_at) values ('batch', 'FindPrice', 'b-4', 'completed', '1', '40wOs5L0RnSWiLk3ndqOilMTh1qQQmunK2-zc0w15To', 'Price', NULL, '3', NULL, NULL, NULL, NULL, NULL, NULL, '2024-03-01 00:00:03.611+00', '2024-03-01 00:00:03.611+00', NULL);
insert into docket_steps (execution, step, item, status, attempt, input_hash, type, type_version, output, output_bytes, error, error_bytes, attempts, attempts_bytes, queued_at, started_at, ended_at, due_at) values ('batch', 'FindRate', '', 'cached', '0', 'RBNvo1WzZ4oRRq0W9-hknpT7T8If536DEMBg9hyq_4o', 'Rate', NULL, '{"currency":"NOK","rate":11.5}', NULL, NULL, NULL, NULL, NULL, '2024-03-01 00:00:03.611+00', NULL, '2024-03-01 00:00:03.613+00', NULL);
insert into docket_steps (execution, step, item, status, attempt, input_hash, type, type_version, output, output_bytes, error, error_bytes, attempts, attempts_bytes, queued_at, started_at, ended_at, due_at) values ('called-off', 'Charge', '', 'running', '1', NULL, 'Receipt', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, '2024-03-01 00:00:03.605+00', NULL, NULL);
insert into docket_steps (execution, step, item, status, attempt, input_hash, type, type_version, output, output_bytes, error, error_bytes, attempts, attempts_bytes, queued_at, started_at, ended_at, due_at) values ('called-off', 'Describe', '', 'completed', '1', 'mdDMPJJOLse5Hw99OR4yIm2wyR9vD5DFLp3DCK1j1cQ', 'Details', NULL, '{"at":{"$date":"2024-02-29T12:30:00.000Z"},"tags":{"$map":[["née",1],["b",-0.5]]},"big":{"$bigint":"1180591620717411303424"},"nothing":{"$undefined":true}}', NULL, NULL, NULL, NULL, NULL, NULL, '2024-03-01 00:00:03.603+00', '2024-03-01 00:00:03.603+00', NULL);
insert into docket_steps (execution, step, item, status, attempt, input_hash, type, type_version, output, output_bytes, error, error_bytes, attempts, attempts_bytes, queued_at, started_at, ended_at, due_at) values ('called-off', 'FindPrice', '', 'completed', '1', 'mdDMPJJOLse5Hw99OR4yIm2wyR9vD5DFLp3DCK1j1cQ', 'Price', NULL, '10', NULL, NULL, NULL, NULL, NULL, NULL, '2024-03-01 00:00:03.603+00', '2024-03-01 00:00:03.603+00', NULL);
insert into docket_steps (execution, step, item, status, attempt, input_hash, type, type_version, output, output_bytes, error, error_bytes, attempts, attempts_bytes, queued_at, started_at, ended_at, due_at) values ('called-off', 'FindRate', '', 'cached', '0', 'RBNvo1WzZ4oRRq0W9-hknpT7T8If536DEMBg9hyq_4o', 'Rate', NULL, '{"currency":"NOK","rate":11.5}', NULL, NULL, NULL, NULL, NULL, '2024-03-01 00:00:03.603+00', NULL, '2024-03-01 00:00:03.605+00', NULL);
insert into docket_steps (execution, step, item, status, attempt, input_hash, type, type_version, output, output_bytes, error, error_bytes, attempts, attempts_bytes, queued_at, started_at, ended_at, due_at) values ('completed', 'Charge', '', 'completed', '1', 'xu6vLXIUkVJEIpW3n5DYs1ONnPG3XA5sC0PYHp7Tv8Q', 'Receipt', NULL, '"receipt of completed"', NULL, NULL, NULL, NULL, NULL, NULL, '2024-03-01 00:00:03.574+00', '2024-03-01 00:00:03.574+00', NULL);
insert into docket_steps (execution, step, item, status, attempt, input_hash, type, type_version, output, output_bytes, error, error_bytes, attempts, attempts_bytes, queued_at, started_at, ended_at, due_at) values ('completed', 'Describe', '', 'completed', '1', 'jnmFo4RZPeOcXCvYEL3w0CaNkbFH93_1RezcPZ_8Ilo', 'Details', NULL, '{"at":{"$date":"2024-02-29T12:30:00.000Z"},"tags":{"$map":[["née",1],["b",-0.5]]},"big":{"$bigint":"1180591620717411303424"},"nothing":{"$undefined":true}}', NULL, NULL, NULL, NULL, NULL, NULL, '2024-03-01 00:00:03.538+00', '2024-03-01 00:00:03.538+00', NULL);
insert into docket_steps (execution, step, item, status, attempt, input_hash, type, type_version, output, output_bytes, error, error_bytes, attempts, attempts_bytes, queued_at, started_at, ended_at, due_at) values ('completed', 'FindPrice', '', 'completed', '1', 'jnmFo4RZPeOcXCvYEL3w0CaNkbFH93_1RezcPZ_8Ilo', 'Price', NULL, '9', NULL, NULL, NULL, NULL, NULL, NULL, '2024-03-01 00:00:03.539+00', '2024-03-01 00:00:03.539+00', NULL);
insert into docket_steps (execution, step, item, status, attempt, input_hash, type, type_version, output, output_bytes, error, error_bytes, attempts, attempts_bytes, queued_at, started_at, ended_at, due_at) values ('completed', 'FindRate', '', 'completed', '1', 'RBNvo1WzZ4oRRq0W9-hknpT7T8If536DEMBg9hyq_4o', 'Rate', NULL, '{"currency":"NOK","rate":11.5}', NULL, NULL, NULL, NULL, NULL, '2024-03-01 00:00:03.539+00', '2024-03-01 00:00:03.551+00', '2024-03-01 00:00:03.57+00', NULL);
insert into docket_steps (execution, step, item, status, attempt, input_hash, type, type_version, output, output_bytes, error, error_bytes, attempts, attempts_bytes, queued_at, started_at, ended_at, due_at) values ('failed', 'Charge', '', 'failed', '1', 'Idiss6mhwfPcFcA5tKnIJPYHqVM1OH4eiK1t7RUQoBI', 'Receipt', NULL, NULL, NULL, '{"$error":{"name":"NonRetryableError","message":"the card was declined","stack":"NonRetryableError: the card was declined","cause":{"$error":{"name":"RangeError","message":"limit","stack":"RangeError: limit"}},"fields":{"code":"NON_RETRYABLE","path":[]}}}', NULL, NULL, NULL, NULL, '2024-03-01 00:00:03.587+00', '2024-03-01 00:00:03.587+00', NULL);
insert into docket_steps (execution, step, item, status, attempt, input_hash, type, type_version, output, output_bytes, error, error_bytes, attempts, attempts_bytes, queued_at, started_at, ended_at, due_at) values ('failed', 'Describe', '', 'completed', '1', 'ZMcEczP1zdBiaxXopzRx3YnN_fwrMiqFIlN91m1xbFc', 'Details', NULL, '{"at":{"$date":"2024-02-29T12:30:00.000Z"},"tags":{"$map":[["née",1],["b",-0.5]]},"big":{"$bigint":"1180591620717411303424"},"nothing":{"$undefined":true}}', NULL, NULL, NULL, NULL, NULL, NULL, '2024-03-01 00:00:03.58+00', '2024-03-01 00:00:03.58+00', NULL);
insert into docket_steps (execution, step, item, status, attempt, input_hash, type, type_version, output, output_bytes, error, error_bytes, attempts, attempts_bytes, queued_at, started_at, ended_at, due_at) values ('failed', 'FindPrice', '', 'completed', '1', 'ZMcEczP1zdBiaxXopzRx3YnN_fwrMiqFIlN91m1xbFc', 'Price', NULL, '6', NULL, NULL, NULL, NULL, NULL, NULL, '2024-03-01 00:00:03.58+00', '2024-03-01 00:00:03.58+00', NULL);
insert into docket_steps (execution, step, item, status, attempt, input_hash, type, type_version, output, output_bytes, error, error_bytes, attempts, attempts_bytes, queued_at, started_at, ended_at, due_at) values ('failed', 'FindRate', '', 'cached', '0', 'RBNvo1WzZ4oRRq0W9-hknpT7T8If536DEMBg9hyq_4o', 'Rate', NULL, '{"currency":"NOK","rate":11.5}', NULL, NULL, NULL, NULL, NULL, '2024-03-01 00:00:03.58+00', NULL, '2024-03-01 00:00:03.582+00', NULL);
insert into docket_steps (execution, step, item, status, attempt, input_hash, type, type_version, output, output_bytes, error, error_bytes, attempts, attempts_bytes, queued_at, started_at, ended_at, due_at) values ('retrying', 'Charge', '', 'retrying', '1', 'GTPoPW6f_Ijmp0sRzYKr7Chn1MWpFxonHDmYSdw67Eg', 'Receipt', NULL, NULL, NULL, '{"$error":{"name":"Error","message":"the bank is busy","stack":"Error: the bank is busy"}}', NULL, '[{"attempt":1,"startedAt":1709251203610,"endedAt":1709251203610,"owner":"writer:170dd45e-d45e-4bb3-995e-727b4ca25204","error":{"name":"Error","message":"the bank is busy","stack":"Error: the bank is busy"}}]', NULL, NULL, '2024-03-01 00:00:03.61+00', NULL, '2024-03-01 00:01:03.61+00');
insert into docket_steps (execution, step, item, status, attempt, input_hash, type, type_version, output, output_bytes, error, error_bytes, attempts, attempts_bytes, queued_at, started_at, ended_at, due_at) values ('retrying', 'Describe', '', 'completed', '1', '6PbPZDz1OslGbrigljOqeREHA_XXyBUpNpLtSse9BwA', 'Details', NULL, '{"at":{"$date":"2024-02-29T12:30:00.000Z"},"tags":{"$map":[["née",1],["b",-0.5]]},"big":{"$bigint":"1180591620717411303424"},"nothing":{"$undefined":true}}', NULL, NULL, NULL, NULL, NULL, NULL, '2024-03-01 00:00:03.6+00', '2024-03-01 00:00:03.6+00', NULL);
insert into docket_steps (execution, step, item, status, attempt, input_hash, type, type_version, output, output_bytes, error, error_bytes, attempts, attempts_bytes, queued_at, started_at, ended_at, due_at) values ('retrying', 'FindPrice', '', 'completed', '1', '6PbPZDz1OslGbrigljOqeREHA_XXyBUpNpLtSse9BwA', 'Price', NULL, '8', NULL, NULL, NULL, NULL, NULL, NULL, '2024-03-01 00:00:03.6+00', '2024-03-01 00:00:03.6+00', NULL);
insert into docket_steps (execution, step, item, status, attempt, input_hash, type, type_version, output, output_bytes, error, error_bytes, attempts, attempts_bytes, queued_at, started_at, ended_at, due_at) values ('retrying', 'FindRate', '', 'cached', '0', 'RBNvo1WzZ4oRRq0W9-hknpT7T8If536DEMBg9hyq_4o', 'Rate', NULL, '{"currency":"NOK","rate":11.5}', NULL, NULL, NULL, NULL, NULL, '2024-03-01 00:00:03.6+00', NULL, '2024-03-01 00:00:03.605+00', NULL);
insert into docket_steps (execution, step, item, status, attempt, input_hash, type, type_version, output, output_bytes, error, error_bytes, attempts, attempts_bytes, queued_at, started_at, ended_at, due_at) values ('unfinished', 'Charge', '', 'running', '1', NULL, 'Receipt', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, '2024-03-01 00:00:03.595+00', NULL, NULL);
insert into docket_steps (execution, step, item, status, attempt, input_hash, type, type_version, output, output_bytes, error, error_bytes, attempts, attempts_bytes, queued_at, started_at, ended_at, due_at) values ('unfinished', 'Describe', '', 'completed', '1', 'uH5uDzQdgPX7iYK5UPSQDJBAyKcgLs2DDTHwNBYDRcE', 'Details', NULL, '{"at":{"$date":"2024-02-29T12:30:00.000Z"},"tags":{"$map":[["née",1],["b",-0.5]]},"big":{"$bigint":"1180591620717411303424"},"nothing":{"$undefined":true}}', NULL, NULL, NULL, NULL, NULL, NULL, '2024-03-01 00:00:03.593+00', '2024-03-01 00:00:03.593+00', NULL);
insert into docket_steps (execution, step, item, status, attempt, input_hash, type, type_version, output, output_bytes, error, error_bytes, attempts, attempts_bytes, queued_at, started_at, ended_at, due_at) values ('unfinished', 'FindPrice', '', 'completed', '1', 'uH5uDzQdgPX7iYK5UPSQDJBAyKcgLs2DDTHwNBYDRcE', 'Price', NULL, '10', NULL, NULL, NULL, NULL, NULL, NULL, '2024-03-01 00:00:03.593+00', '2024-03-01 00:00:03.593+00', NULL);
insert into docket_steps (execution, step, item, status, attempt, input_hash, type, type_version, output, output_bytes, error, error_bytes, attempts, attempts_bytes, queued_at, started_at, ended_at, due_at) values ('unfinished', 'FindRate', '', 'cached', '0', 'RBNvo1WzZ4oRRq0W9-hknpT7T8If536DEMBg9hyq_4o', 'Rate', NULL, '{"currency":"NOK","rate":11.5}', NULL, NULL, NULL, NULL, NULL, '2024-03-01 00:00:03.593+00', NULL, '2024-03-01 00:00:03.595+00', NULL);
select setval('docket_fixture.docket_result_epochs', 1);
