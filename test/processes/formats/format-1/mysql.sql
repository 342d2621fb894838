create table docket_migrations (version bigint primary key, name longtext not null, applied_at datetime(3) not null)
      engine = innodb default character set utf8mb4;
create table if not exists `docket_executions` (
  id varchar(240) character set utf8mb4 collate /*!80017 utf8mb4_0900_bin */ /*M! utf8mb4_nopad_bin */ not null, id_full longtext character set utf8mb4 collate /*!80017 utf8mb4_0900_bin */ /*M! utf8mb4_nopad_bin */,
  kind varchar(20) character set utf8mb4 collate /*!80017 utf8mb4_0900_bin */ /*M! utf8mb4_nopad_bin */ not null,
  graph varchar(240) character set utf8mb4 collate /*!80017 utf8mb4_0900_bin */ /*M! utf8mb4_nopad_bin */ not null, graph_full longtext character set utf8mb4 collate /*!80017 utf8mb4_0900_bin */ /*M! utf8mb4_nopad_bin */,
  target longtext character set utf8mb4 collate /*!80017 utf8mb4_0900_bin */ /*M! utf8mb4_nopad_bin */ not null,
  status varchar(20) character set utf8mb4 collate /*!80017 utf8mb4_0900_bin */ /*M! utf8mb4_nopad_bin */ not null,
  request_digest longtext character set utf8mb4 collate /*!80017 utf8mb4_0900_bin */ /*M! utf8mb4_nopad_bin */ not null,
  inputs longtext character set utf8mb4 collate /*!80017 utf8mb4_0900_bin */ /*M! utf8mb4_nopad_bin */, inputs_bytes longblob,
  output longtext character set utf8mb4 collate /*!80017 utf8mb4_0900_bin */ /*M! utf8mb4_nopad_bin */, output_bytes longblob,
  error longtext character set utf8mb4 collate /*!80017 utf8mb4_0900_bin */ /*M! utf8mb4_nopad_bin */, error_bytes longblob,
  error_code varchar(100) character set utf8mb4 collate /*!80017 utf8mb4_0900_bin */ /*M! utf8mb4_nopad_bin */,
  headers longtext character set utf8mb4 collate /*!80017 utf8mb4_0900_bin */ /*M! utf8mb4_nopad_bin */ not null,
  graph_hash longtext character set utf8mb4 collate /*!80017 utf8mb4_0900_bin */ /*M! utf8mb4_nopad_bin */ not null,
  machine_version bigint not null,
  parent varchar(240) character set utf8mb4 collate /*!80017 utf8mb4_0900_bin */ /*M! utf8mb4_nopad_bin */, parent_full longtext character set utf8mb4 collate /*!80017 utf8mb4_0900_bin */ /*M! utf8mb4_nopad_bin */,
  forked_from varchar(240) character set utf8mb4 collate /*!80017 utf8mb4_0900_bin */ /*M! utf8mb4_nopad_bin */, forked_from_full longtext character set utf8mb4 collate /*!80017 utf8mb4_0900_bin */ /*M! utf8mb4_nopad_bin */,
  timeout_ms double,
  queue varchar(60) character set utf8mb4 collate /*!80017 utf8mb4_0900_bin */ /*M! utf8mb4_nopad_bin */ not null, queue_full longtext character set utf8mb4 collate /*!80017 utf8mb4_0900_bin */ /*M! utf8mb4_nopad_bin */,
  priority bigint not null,
  queue_key varchar(60) character set utf8mb4 collate /*!80017 utf8mb4_0900_bin */ /*M! utf8mb4_nopad_bin */ not null, queue_key_full longtext character set utf8mb4 collate /*!80017 utf8mb4_0900_bin */ /*M! utf8mb4_nopad_bin */,
  start_at datetime(3),
  owner varchar(240) character set utf8mb4 collate /*!80017 utf8mb4_0900_bin */ /*M! utf8mb4_nopad_bin */, owner_full longtext character set utf8mb4 collate /*!80017 utf8mb4_0900_bin */ /*M! utf8mb4_nopad_bin */,
  epoch bigint not null,
  recoveries bigint not null,
  owned_ms double not null,
  created_at datetime(3) not null,
  started_at datetime(3),
  updated_at datetime(3) not null,
  ended_at datetime(3),
  parked_at datetime(3),
  due_at datetime(3),
  waits_for longtext character set utf8mb4 collate /*!80017 utf8mb4_0900_bin */ /*M! utf8mb4_nopad_bin */, waits_for_bytes longblob,
  last_mail bigint default 0 not null,
  mail_left bigint default 0 not null,
  is_open tinyint generated always as (case when status in ('pending', 'running', 'waiting', 'compensating') and parked_at is null then 1 end) stored,
  begin_queue varchar(60) character set utf8mb4 collate /*!80017 utf8mb4_0900_bin */ /*M! utf8mb4_nopad_bin */ generated always as (case when owner is null and status = 'pending' and parked_at is null then queue end) stored,
  go_on_queue varchar(60) character set utf8mb4 collate /*!80017 utf8mb4_0900_bin */ /*M! utf8mb4_nopad_bin */ generated always as (case when owner is null and status in ('running', 'waiting', 'compensating') and parked_at is null then queue end) stored,
  later_queue varchar(60) character set utf8mb4 collate /*!80017 utf8mb4_0900_bin */ /*M! utf8mb4_nopad_bin */ generated always as (case when status = 'pending' and due_at is not null then queue end) stored,
  parked_queue varchar(60) character set utf8mb4 collate /*!80017 utf8mb4_0900_bin */ /*M! utf8mb4_nopad_bin */ generated always as (case when parked_at is not null then queue end) stored,
  other_queue varchar(60) character set utf8mb4 collate /*!80017 utf8mb4_0900_bin */ /*M! utf8mb4_nopad_bin */ generated always as (case when queue <> 'default' then queue end) stored,
  some_key varchar(60) character set utf8mb4 collate /*!80017 utf8mb4_0900_bin */ /*M! utf8mb4_nopad_bin */ generated always as (case when queue_key <> '' then queue_key end) stored,
  queue_status varchar(20) character set utf8mb4 collate /*!80017 utf8mb4_0900_bin */ /*M! utf8mb4_nopad_bin */ generated always as (case when queue <> 'default' then status end) stored,
  key_status varchar(20) character set utf8mb4 collate /*!80017 utf8mb4_0900_bin */ /*M! utf8mb4_nopad_bin */ generated always as (case when queue_key <> '' then status end) stored,
  error_status varchar(20) character set utf8mb4 collate /*!80017 utf8mb4_0900_bin */ /*M! utf8mb4_nopad_bin */ generated always as (case when error_code is not null then status end) stored,
  urgency bigint generated always as (-priority) stored,
  mail_owner varchar(240) character set utf8mb4 collate /*!80017 utf8mb4_0900_bin */ /*M! utf8mb4_nopad_bin */ generated always as (case when mail_left > 0 then owner end) stored,
  primary key (id),
  key docket_unfinished (is_open, owner, queue, graph, created_at),
  key docket_to_begin (begin_queue, graph, queue_key, urgency, created_at, id),
  key docket_to_go_on (go_on_queue, graph, created_at, id),
  key docket_later (later_queue, graph, due_at, id),
  key docket_due (parked_queue, graph, due_at, id),
  key docket_queue (other_queue, queue_status, created_at, id, graph),
  key docket_key (some_key, key_status, created_at, id, graph, queue),
  key docket_error (error_code, error_status, created_at, id),
  key docket_mail (mail_owner),
  key docket_created (created_at, id),
  key docket_status (status, created_at, id, queue),
  key docket_graph (graph, status, created_at, id, queue),
  key docket_ended (ended_at),
  key docket_parent (parent, created_at, id),
  key docket_forked (forked_from, created_at, id)
) engine = innodb row_format = dynamic default character set utf8mb4 collate /*!80017 utf8mb4_0900_bin */ /*M! utf8mb4_nopad_bin */;
create table if not exists `docket_steps` (
  execution varchar(240) character set utf8mb4 collate /*!80017 utf8mb4_0900_bin */ /*M! utf8mb4_nopad_bin */ not null, execution_full longtext character set utf8mb4 collate /*!80017 utf8mb4_0900_bin */ /*M! utf8mb4_nopad_bin */,
  step varchar(240) character set utf8mb4 collate /*!80017 utf8mb4_0900_bin */ /*M! utf8mb4_nopad_bin */ not null, step_full longtext character set utf8mb4 collate /*!80017 utf8mb4_0900_bin */ /*M! utf8mb4_nopad_bin */,
  item varchar(240) character set utf8mb4 collate /*!80017 utf8mb4_0900_bin */ /*M! utf8mb4_nopad_bin */ not null, item_full longtext character set utf8mb4 collate /*!80017 utf8mb4_0900_bin */ /*M! utf8mb4_nopad_bin */,
  status varchar(20) character set utf8mb4 collate /*!80017 utf8mb4_0900_bin */ /*M! utf8mb4_nopad_bin */ not null,
  attempt bigint not null,
  input_hash longtext character set utf8mb4 collate /*!80017 utf8mb4_0900_bin */ /*M! utf8mb4_nopad_bin */,
  type longtext character set utf8mb4 collate /*!80017 utf8mb4_0900_bin */ /*M! utf8mb4_nopad_bin */ not null,
  type_version longtext character set utf8mb4 collate /*!80017 utf8mb4_0900_bin */ /*M! utf8mb4_nopad_bin */,
  output longtext character set utf8mb4 collate /*!80017 utf8mb4_0900_bin */ /*M! utf8mb4_nopad_bin */, output_bytes longblob,
  error longtext character set utf8mb4 collate /*!80017 utf8mb4_0900_bin */ /*M! utf8mb4_nopad_bin */, error_bytes longblob,
  attempts longtext character set utf8mb4 collate /*!80017 utf8mb4_0900_bin */ /*M! utf8mb4_nopad_bin */, attempts_bytes longblob,
  queued_at datetime(3),
  started_at datetime(3),
  ended_at datetime(3),
  due_at datetime(3),
  primary key (execution, step, item)
) engine = innodb row_format = dynamic default character set utf8mb4 collate /*!80017 utf8mb4_0900_bin */ /*M! utf8mb4_nopad_bin */;
create table if not exists `docket_checkpoints` (
  execution varchar(240) character set utf8mb4 collate /*!80017 utf8mb4_0900_bin */ /*M! utf8mb4_nopad_bin */ not null, execution_full longtext character set utf8mb4 collate /*!80017 utf8mb4_0900_bin */ /*M! utf8mb4_nopad_bin */,
  scope varchar(22) character set utf8mb4 collate /*!80017 utf8mb4_0900_bin */ /*M! utf8mb4_nopad_bin */ not null,
  step varchar(240) character set utf8mb4 collate /*!80017 utf8mb4_0900_bin */ /*M! utf8mb4_nopad_bin */ not null, step_full longtext character set utf8mb4 collate /*!80017 utf8mb4_0900_bin */ /*M! utf8mb4_nopad_bin */,
  item varchar(240) character set utf8mb4 collate /*!80017 utf8mb4_0900_bin */ /*M! utf8mb4_nopad_bin */ not null, item_full longtext character set utf8mb4 collate /*!80017 utf8mb4_0900_bin */ /*M! utf8mb4_nopad_bin */,
  generation bigint not null,
  checkpoint varchar(240) character set utf8mb4 collate /*!80017 utf8mb4_0900_bin */ /*M! utf8mb4_nopad_bin */ not null, checkpoint_full longtext character set utf8mb4 collate /*!80017 utf8mb4_0900_bin */ /*M! utf8mb4_nopad_bin */,
  kind longtext character set utf8mb4 collate /*!80017 utf8mb4_0900_bin */ /*M! utf8mb4_nopad_bin */ not null,
  ordinal bigint not null,
  status varchar(20) character set utf8mb4 collate /*!80017 utf8mb4_0900_bin */ /*M! utf8mb4_nopad_bin */ not null,
  value longtext character set utf8mb4 collate /*!80017 utf8mb4_0900_bin */ /*M! utf8mb4_nopad_bin */, value_bytes longblob,
  error longtext character set utf8mb4 collate /*!80017 utf8mb4_0900_bin */ /*M! utf8mb4_nopad_bin */, error_bytes longblob,
  written_at datetime(3) not null,
  due_at datetime(3),
  primary key (execution, scope, generation, checkpoint),
  key docket_order (execution, scope, generation, ordinal, checkpoint)
) engine = innodb row_format = dynamic default character set utf8mb4 collate /*!80017 utf8mb4_0900_bin */ /*M! utf8mb4_nopad_bin */;
create table if not exists `docket_mailbox` (
  execution varchar(240) character set utf8mb4 collate /*!80017 utf8mb4_0900_bin */ /*M! utf8mb4_nopad_bin */ not null, execution_full longtext character set utf8mb4 collate /*!80017 utf8mb4_0900_bin */ /*M! utf8mb4_nopad_bin */,
  seq bigint not null,
  message_id longtext character set utf8mb4 collate /*!80017 utf8mb4_0900_bin */ /*M! utf8mb4_nopad_bin */,
  class varchar(20) character set utf8mb4 collate /*!80017 utf8mb4_0900_bin */ /*M! utf8mb4_nopad_bin */ not null,
  kind longtext character set utf8mb4 collate /*!80017 utf8mb4_0900_bin */ /*M! utf8mb4_nopad_bin */ not null,
  slot longtext character set utf8mb4 collate /*!80017 utf8mb4_0900_bin */ /*M! utf8mb4_nopad_bin */,
  payload longtext character set utf8mb4 collate /*!80017 utf8mb4_0900_bin */ /*M! utf8mb4_nopad_bin */, payload_bytes longblob,
  posted_at datetime(3) not null,
  primary key (execution, seq)
) engine = innodb row_format = dynamic default character set utf8mb4 collate /*!80017 utf8mb4_0900_bin */ /*M! utf8mb4_nopad_bin */;
create table if not exists `docket_outbox` (
  entry varchar(240) character set utf8mb4 collate /*!80017 utf8mb4_0900_bin */ /*M! utf8mb4_nopad_bin */ not null,
  source longtext character set utf8mb4 collate /*!80017 utf8mb4_0900_bin */ /*M! utf8mb4_nopad_bin */ not null,
  receiver longtext character set utf8mb4 collate /*!80017 utf8mb4_0900_bin */ /*M! utf8mb4_nopad_bin */ not null,
  message_id longtext character set utf8mb4 collate /*!80017 utf8mb4_0900_bin */ /*M! utf8mb4_nopad_bin */ not null,
  class varchar(20) character set utf8mb4 collate /*!80017 utf8mb4_0900_bin */ /*M! utf8mb4_nopad_bin */ not null,
  kind longtext character set utf8mb4 collate /*!80017 utf8mb4_0900_bin */ /*M! utf8mb4_nopad_bin */ not null,
  slot longtext character set utf8mb4 collate /*!80017 utf8mb4_0900_bin */ /*M! utf8mb4_nopad_bin */,
  payload longtext character set utf8mb4 collate /*!80017 utf8mb4_0900_bin */ /*M! utf8mb4_nopad_bin */, payload_bytes longblob,
  posted_at datetime(3) not null,
  primary key (entry),
  key docket_posted (posted_at, entry)
) engine = innodb row_format = dynamic default character set utf8mb4 collate /*!80017 utf8mb4_0900_bin */ /*M! utf8mb4_nopad_bin */;
create table if not exists `docket_receipts` (
  execution varchar(240) character set utf8mb4 collate /*!80017 utf8mb4_0900_bin */ /*M! utf8mb4_nopad_bin */ not null,
  name varchar(240) character set utf8mb4 collate /*!80017 utf8mb4_0900_bin */ /*M! utf8mb4_nopad_bin */ not null,
  verdict varchar(20) character set utf8mb4 collate /*!80017 utf8mb4_0900_bin */ /*M! utf8mb4_nopad_bin */ not null,
  primary key (execution, name)
) engine = innodb row_format = dynamic default character set utf8mb4 collate /*!80017 utf8mb4_0900_bin */ /*M! utf8mb4_nopad_bin */;
create table if not exists `docket_events` (
  event varchar(240) character set utf8mb4 collate /*!80017 utf8mb4_0900_bin */ /*M! utf8mb4_nopad_bin */ not null,
  scope longtext character set utf8mb4 collate /*!80017 utf8mb4_0900_bin */ /*M! utf8mb4_nopad_bin */ not null,
  name longtext character set utf8mb4 collate /*!80017 utf8mb4_0900_bin */ /*M! utf8mb4_nopad_bin */ not null,
  event_key longtext character set utf8mb4 collate /*!80017 utf8mb4_0900_bin */ /*M! utf8mb4_nopad_bin */ not null,
  value longtext character set utf8mb4 collate /*!80017 utf8mb4_0900_bin */ /*M! utf8mb4_nopad_bin */, value_bytes longblob,
  emission longtext character set utf8mb4 collate /*!80017 utf8mb4_0900_bin */ /*M! utf8mb4_nopad_bin */ not null,
  emitted_at datetime(3) not null,
  expires_at datetime(3) not null,
  generation bigint not null,
  is_pending tinyint not null,
  primary key (event),
  key docket_expiry (expires_at),
  key docket_pending (is_pending)
) engine = innodb row_format = dynamic default character set utf8mb4 collate /*!80017 utf8mb4_0900_bin */ /*M! utf8mb4_nopad_bin */;
create table if not exists `docket_waits` (
  event varchar(240) character set utf8mb4 collate /*!80017 utf8mb4_0900_bin */ /*M! utf8mb4_nopad_bin */ not null,
  execution varchar(240) character set utf8mb4 collate /*!80017 utf8mb4_0900_bin */ /*M! utf8mb4_nopad_bin */ not null, execution_full longtext character set utf8mb4 collate /*!80017 utf8mb4_0900_bin */ /*M! utf8mb4_nopad_bin */,
  since datetime(3) not null,
  seen_at datetime(3) not null,
  delivered bigint default 0 not null,
  primary key (event, execution),
  key docket_seen (seen_at)
) engine = innodb row_format = dynamic default character set utf8mb4 collate /*!80017 utf8mb4_0900_bin */ /*M! utf8mb4_nopad_bin */;
create table if not exists `docket_schedules` (
  name varchar(240) character set utf8mb4 collate /*!80017 utf8mb4_0900_bin */ /*M! utf8mb4_nopad_bin */ not null,
  graph_name longtext character set utf8mb4 collate /*!80017 utf8mb4_0900_bin */ /*M! utf8mb4_nopad_bin */ not null,
  graph_key varchar(240) character set utf8mb4 collate /*!80017 utf8mb4_0900_bin */ /*M! utf8mb4_nopad_bin */ not null,
  target longtext character set utf8mb4 collate /*!80017 utf8mb4_0900_bin */ /*M! utf8mb4_nopad_bin */ not null,
  inputs longtext character set utf8mb4 collate /*!80017 utf8mb4_0900_bin */ /*M! utf8mb4_nopad_bin */, inputs_bytes longblob,
  rule longtext character set utf8mb4 collate /*!80017 utf8mb4_0900_bin */ /*M! utf8mb4_nopad_bin */ not null,
  digest longtext character set utf8mb4 collate /*!80017 utf8mb4_0900_bin */ /*M! utf8mb4_nopad_bin */ not null,
  next_at datetime(3),
  due_at datetime(3),
  paused_at datetime(3),
  note longtext character set utf8mb4 collate /*!80017 utf8mb4_0900_bin */ /*M! utf8mb4_nopad_bin */,
  last_at datetime(3),
  buffered_at datetime(3),
  started bigint not null,
  skipped bigint not null,
  missed bigint not null,
  failures bigint not null,
  runs longtext character set utf8mb4 collate /*!80017 utf8mb4_0900_bin */ /*M! utf8mb4_nopad_bin */ not null,
  created_at datetime(3) not null,
  updated_at datetime(3) not null,
  revision bigint not null,
  written_by longtext character set utf8mb4 collate /*!80017 utf8mb4_0900_bin */ /*M! utf8mb4_nopad_bin */ not null,
  taken_by longtext character set utf8mb4 collate /*!80017 utf8mb4_0900_bin */ /*M! utf8mb4_nopad_bin */,
  primary key (name),
  key docket_due (graph_key, due_at),
  key docket_graph (graph_key, name)
) engine = innodb row_format = dynamic default character set utf8mb4 collate /*!80017 utf8mb4_0900_bin */ /*M! utf8mb4_nopad_bin */;
create table if not exists `docket_shared` (
  shared_key varchar(240) character set utf8mb4 collate /*!80017 utf8mb4_0900_bin */ /*M! utf8mb4_nopad_bin */ not null,
  token longtext character set utf8mb4 collate /*!80017 utf8mb4_0900_bin */ /*M! utf8mb4_nopad_bin */ not null,
  name longtext character set utf8mb4 collate /*!80017 utf8mb4_0900_bin */ /*M! utf8mb4_nopad_bin */ not null,
  state longtext character set utf8mb4 collate /*!80017 utf8mb4_0900_bin */ /*M! utf8mb4_nopad_bin */, state_bytes longblob,
  written_at datetime(3) not null,
  primary key (shared_key),
  key docket_written (written_at)
) engine = innodb row_format = dynamic default character set utf8mb4 collate /*!80017 utf8mb4_0900_bin */ /*M! utf8mb4_nopad_bin */;
create table if not exists `docket_acts` (
  act_id varchar(240) character set utf8mb4 collate /*!80017 utf8mb4_0900_bin */ /*M! utf8mb4_nopad_bin */ not null,
  acted_at datetime(3) not null,
  acted_by longtext character set utf8mb4 collate /*!80017 utf8mb4_0900_bin */ /*M! utf8mb4_nopad_bin */ not null,
  act longtext character set utf8mb4 collate /*!80017 utf8mb4_0900_bin */ /*M! utf8mb4_nopad_bin */ not null,
  execution varchar(240) character set utf8mb4 collate /*!80017 utf8mb4_0900_bin */ /*M! utf8mb4_nopad_bin */, execution_full longtext character set utf8mb4 collate /*!80017 utf8mb4_0900_bin */ /*M! utf8mb4_nopad_bin */,
  note longtext character set utf8mb4 collate /*!80017 utf8mb4_0900_bin */ /*M! utf8mb4_nopad_bin */,
  primary key (act_id),
  key docket_time (acted_at, act_id),
  key docket_execution (execution, acted_at, act_id)
) engine = innodb row_format = dynamic default character set utf8mb4 collate /*!80017 utf8mb4_0900_bin */ /*M! utf8mb4_nopad_bin */;
create table if not exists `docket_results` (
  id varchar(240) character set utf8mb4 collate /*!80017 utf8mb4_0900_bin */ /*M! utf8mb4_nopad_bin */ not null, id_full longtext character set utf8mb4 collate /*!80017 utf8mb4_0900_bin */ /*M! utf8mb4_nopad_bin */,
  namespace longtext character set utf8mb4 collate /*!80017 utf8mb4_0900_bin */ /*M! utf8mb4_nopad_bin */ not null,
  step longtext character set utf8mb4 collate /*!80017 utf8mb4_0900_bin */ /*M! utf8mb4_nopad_bin */ not null,
  version longtext character set utf8mb4 collate /*!80017 utf8mb4_0900_bin */ /*M! utf8mb4_nopad_bin */ not null,
  type longtext character set utf8mb4 collate /*!80017 utf8mb4_0900_bin */ /*M! utf8mb4_nopad_bin */ not null,
  status varchar(20) character set utf8mb4 collate /*!80017 utf8mb4_0900_bin */ /*M! utf8mb4_nopad_bin */ not null,
  owner varchar(240) character set utf8mb4 collate /*!80017 utf8mb4_0900_bin */ /*M! utf8mb4_nopad_bin */ not null, owner_full longtext character set utf8mb4 collate /*!80017 utf8mb4_0900_bin */ /*M! utf8mb4_nopad_bin */,
  epoch bigint not null,
  output longtext character set utf8mb4 collate /*!80017 utf8mb4_0900_bin */ /*M! utf8mb4_nopad_bin */, output_bytes longblob,
  error longtext character set utf8mb4 collate /*!80017 utf8mb4_0900_bin */ /*M! utf8mb4_nopad_bin */, error_bytes longblob,
  claimed_at datetime(3) not null,
  ended_at datetime(3),
  expires_at datetime(3),
  primary key (id),
  key docket_expiry (expires_at),
  key docket_status (status)
) engine = innodb row_format = dynamic default character set utf8mb4 collate /*!80017 utf8mb4_0900_bin */ /*M! utf8mb4_nopad_bin */;
create table if not exists `docket_owners` (
  owner varchar(240) character set utf8mb4 collate /*!80017 utf8mb4_0900_bin */ /*M! utf8mb4_nopad_bin */ not null,
  seen_at datetime(3) not null,
  expires_at datetime(3) not null,
  primary key (owner)
) engine = innodb row_format = dynamic default character set utf8mb4 collate /*!80017 utf8mb4_0900_bin */ /*M! utf8mb4_nopad_bin */;
create table if not exists `docket_queues` (
  queue varchar(60) character set utf8mb4 collate /*!80017 utf8mb4_0900_bin */ /*M! utf8mb4_nopad_bin */ not null, queue_full longtext character set utf8mb4 collate /*!80017 utf8mb4_0900_bin */ /*M! utf8mb4_nopad_bin */,
  state longtext character set utf8mb4 collate /*!80017 utf8mb4_0900_bin */ /*M! utf8mb4_nopad_bin */ not null,
  is_restricted tinyint not null,
  free_at double not null,
  primary key (queue)
) engine = innodb row_format = dynamic default character set utf8mb4 collate /*!80017 utf8mb4_0900_bin */ /*M! utf8mb4_nopad_bin */;
create table if not exists `docket_counters` (
  name varchar(240) character set utf8mb4 collate /*!80017 utf8mb4_0900_bin */ /*M! utf8mb4_nopad_bin */ not null,
  value bigint not null,
  primary key (name)
) engine = innodb row_format = dynamic default character set utf8mb4 collate /*!80017 utf8mb4_0900_bin */ /*M! utf8mb4_nopad_bin */;
set @docket_change = (select if(count(*) = 0, 'alter table `docket_executions` add column deadline datetime(3), add key docket_deadline (status, deadline)', 'do 0')
       from information_schema.columns
       where table_schema = database() and table_name = 'docket_executions' and column_name = 'deadline');
prepare docket_change from @docket_change;
execute docket_change;
deallocate prepare docket_change;
set @docket_change = (select if(count(*) = 0, 'alter table `docket_owners` add column session_lock varchar(255) character set utf8mb4', 'do 0')
       from information_schema.columns
       where table_schema = database() and table_name = 'docket_owners' and column_name = 'session_lock');
prepare docket_change from @docket_change;
execute docket_change;
deallocate prepare docket_change;
set @docket_change = (select if(count(*) = 0, 'alter table `docket_owners` add column worker longtext character set utf8mb4', 'do 0')
       from information_schema.columns
       where table_schema = database() and table_name = 'docket_owners' and column_name = 'worker');
prepare docket_change from @docket_change;
execute docket_change;
deallocate prepare docket_change;
insert into docket_executions (id, id_full, kind, graph, graph_full, target, status, request_digest, inputs, inputs_bytes, output, output_bytes, error, error_bytes, error_code, headers, graph_hash, machine_version, parent, parent_full, forked_from, forked_from_full, timeout_ms, queue, queue_full, priority, queue_key, queue_key_full, start_at, owner, owner_full, epoch, recoveries, owned_ms, created_at, started_at, updated_at, ended_at, parked_at, due_at, waits_for, waits_for_bytes, last_mail, mail_left, deadline) values ('batch', NULL, 'batch', 'orders', NULL, 'Receipt', 'running', '03ZZCpIn1DWNIZUdVGfhc0qQeLPPmxkRB33vfw9Y_Uw', '{"shared":{},"leaves":["Order"],"concurrency":100,"onError":"fail","total":4}', NULL, NULL, NULL, NULL, NULL, NULL, '{}', 'k5NmQThWJHThHdQEkk5aynWkuft-QKUd6q8bu40fQAg', '1', NULL, NULL, NULL, NULL, NULL, 'default', NULL, '0', '', NULL, NULL, 'writer:abd5594d-8491-4d15-807c-aee4225b7c2a', NULL, '1', '0', '0', '2024-03-01 00:00:12.943', '2024-03-01 00:00:13.030', '2024-03-01 00:00:13.068', NULL, NULL, NULL, NULL, NULL, '0', '0', NULL);
insert into docket_executions (id, id_full, kind, graph, graph_full, target, status, request_digest, inputs, inputs_bytes, output, output_bytes, error, error_bytes, error_code, headers, graph_hash, machine_version, parent, parent_full, forked_from, forked_from_full, timeout_ms, queue, queue_full, priority, queue_key, queue_key_full, start_at, owner, owner_full, epoch, recoveries, owned_ms, created_at, started_at, updated_at, ended_at, parked_at, due_at, waits_for, waits_for_bytes, last_mail, mail_left, deadline) values ('called-off', NULL, 'execution', 'orders', NULL, 'Receipt', 'running', 'gKNQGSFKSLcljB3eEoRzNTYOI-0HxNw7lpvrqVcfUQI', '{"Order":{"id":"called-off"}}', NULL, NULL, NULL, NULL, NULL, NULL, '{"tenant":"Straße","id":"called-off"}', 'k5NmQThWJHThHdQEkk5aynWkuft-QKUd6q8bu40fQAg', '1', NULL, NULL, NULL, NULL, '3600000', 'default', NULL, '0', '', NULL, NULL, 'writer:abd5594d-8491-4d15-807c-aee4225b7c2a', NULL, '1', '0', '73', '2024-03-01 00:00:12.891', '2024-03-01 00:00:12.942', '2024-03-01 00:00:13.015', NULL, NULL, NULL, NULL, NULL, '1', '1', NULL);
insert into docket_executions (id, id_full, kind, graph, graph_full, target, status, request_digest, inputs, inputs_bytes, output, output_bytes, error, error_bytes, error_code, headers, graph_hash, machine_version, parent, parent_full, forked_from, forked_from_full, timeout_ms, queue, queue_full, priority, queue_key, queue_key_full, start_at, owner, owner_full, epoch, recoveries, owned_ms, created_at, started_at, updated_at, ended_at, parked_at, due_at, waits_for, waits_for_bytes, last_mail, mail_left, deadline) values ('completed', NULL, 'execution', 'orders', NULL, 'Receipt', 'completed', 'cdqSZPkATz1N4LM-6W-UEr4WZFBnVphs8ydodJWeXF8', '{"Order":{"id":"completed"}}', NULL, '"receipt of completed"', NULL, NULL, NULL, NULL, '{"tenant":"Straße","id":"completed"}', 'k5NmQThWJHThHdQEkk5aynWkuft-QKUd6q8bu40fQAg', '1', NULL, NULL, NULL, NULL, '3600000', 'default', NULL, '0', '', NULL, NULL, NULL, NULL, '1', '0', '314', '2024-03-01 00:00:12.237', '2024-03-01 00:00:12.287', '2024-03-01 00:00:12.574', '2024-03-01 00:00:12.574', NULL, NULL, NULL, NULL, '0', '0', '2024-03-02 12:00:00.125');
insert into docket_executions (id, id_full, kind, graph, graph_full, target, status, request_digest, inputs, inputs_bytes, output, output_bytes, error, error_bytes, error_code, headers, graph_hash, machine_version, parent, parent_full, forked_from, forked_from_full, timeout_ms, queue, queue_full, priority, queue_key, queue_key_full, start_at, owner, owner_full, epoch, recoveries, owned_ms, created_at, started_at, updated_at, ended_at, parked_at, due_at, waits_for, waits_for_bytes, last_mail, mail_left, deadline) values ('failed', NULL, 'execution', 'orders', NULL, 'Receipt', 'failed', 'ZXdwQl3RjHJTC28W1t3MG8OGblpjgAewVFBz2srv70k', '{"Order":{"id":"failed"}}', NULL, NULL, NULL, '{"$error":{"name":"StepError","message":"step \\"Charge\\" failed after 1 attempt: the card was declined","stack":"StepError: step \\"Charge\\" failed after 1 attempt: the card was declined","cause":{"$error":{"name":"NonRetryableError","message":"the card was declined","stack":"NonRetryableError: the card was declined","cause":{"$error":{"name":"RangeError","message":"limit","stack":"RangeError: limit"}},"fields":{"code":"NON_RETRYABLE","path":[]}}},"fields":{"code":"STEP_FAILED","graph":"orders","executionId":"failed","step":"Charge","attempt":1,"path":["Receipt"]}}}', NULL, 'STEP_FAILED', '{"tenant":"Straße","id":"failed"}', 'k5NmQThWJHThHdQEkk5aynWkuft-QKUd6q8bu40fQAg', '1', NULL, NULL, NULL, NULL, '3600000', 'default', NULL, '0', '', NULL, NULL, NULL, NULL, '1', '0', '99', '2024-03-01 00:00:12.632', '2024-03-01 00:00:12.638', '2024-03-01 00:00:12.737', '2024-03-01 00:00:12.737', NULL, NULL, NULL, NULL, '0', '0', NULL);
insert into docket_executions (id, id_full, kind, graph, graph_full, target, status, request_digest, inputs, inputs_bytes, output, output_bytes, error, error_bytes, error_code, headers, graph_hash, machine_version, parent, parent_full, forked_from, forked_from_full, timeout_ms, queue, queue_full, priority, queue_key, queue_key_full, start_at, owner, owner_full, epoch, recoveries, owned_ms, created_at, started_at, updated_at, ended_at, parked_at, due_at, waits_for, waits_for_bytes, last_mail, mail_left, deadline) values ('retrying', NULL, 'execution', 'orders', NULL, 'Receipt', 'running', 'KL0ZjSTg4Rh0r-UhVFRd5RFNoW6cIoGJr3MlqgPU7oE', '{"Order":{"id":"retrying"}}', NULL, NULL, NULL, NULL, NULL, NULL, '{"tenant":"Straße","id":"retrying"}', 'k5NmQThWJHThHdQEkk5aynWkuft-QKUd6q8bu40fQAg', '1', NULL, NULL, NULL, NULL, '3600000', 'default', NULL, '0', '', NULL, NULL, 'writer:abd5594d-8491-4d15-807c-aee4225b7c2a', NULL, '1', '0', '157', '2024-03-01 00:00:12.861', '2024-03-01 00:00:12.886', '2024-03-01 00:00:13.043', NULL, NULL, NULL, NULL, NULL, '0', '0', NULL);
insert into docket_executions (id, id_full, kind, graph, graph_full, target, status, request_digest, inputs, inputs_bytes, output, output_bytes, error, error_bytes, error_code, headers, graph_hash, machine_version, parent, parent_full, forked_from, forked_from_full, timeout_ms, queue, queue_full, priority, queue_key, queue_key_full, start_at, owner, owner_full, epoch, recoveries, owned_ms, created_at, started_at, updated_at, ended_at, parked_at, due_at, waits_for, waits_for_bytes, last_mail, mail_left, deadline) values ('unfinished', NULL, 'execution', 'orders', NULL, 'Receipt', 'running', 'Pg91y2CbLAPCUF6sILy2DsnBV9n8Z7cdM8nRaXLnz9M', '{"Order":{"id":"unfinished"}}', NULL, NULL, NULL, NULL, NULL, NULL, '{"tenant":"Straße","id":"unfinished"}', 'k5NmQThWJHThHdQEkk5aynWkuft-QKUd6q8bu40fQAg', '1', NULL, NULL, NULL, NULL, '3600000', 'default', NULL, '0', '', NULL, NULL, 'writer:abd5594d-8491-4d15-807c-aee4225b7c2a', NULL, '1', '0', '21', '2024-03-01 00:00:12.857', '2024-03-01 00:00:12.859', '2024-03-01 00:00:12.879', NULL, NULL, NULL, NULL, NULL, '0', '0', NULL);
insert into docket_mailbox (execution, execution_full, seq, message_id, class, kind, slot, payload, payload_bytes, posted_at) values ('called-off', NULL, '1', NULL, 'control', 'cancel', NULL, NULL, NULL, '2024-03-01 00:00:13.866');
insert into docket_migrations (version, name, applied_at) values ('1', 'tables', '2026-11-30 03:52:00.922');
insert into docket_migrations (version, name, applied_at) values ('2', 'deadlines', '2026-11-30 03:52:01.177');
insert into docket_migrations (version, name, applied_at) values ('3', 'sessions', '2026-11-30 03:52:01.202');
insert into docket_migrations (version, name, applied_at) values ('4', 'workers', '2026-11-30 03:52:01.233');
insert into docket_owners (owner, seen_at, expires_at, session_lock, worker) values ('other:7c788dc3-59bf-4cd6-8f76-c38d2d219949', '2024-03-01 00:00:00.000', '2024-03-01 00:00:05.000', 'vm:17561/docket 865eee25fc94a02720443e7ba7a4804ad7cce973', '{"owner":"other:7c788dc3-59bf-4cd6-8f76-c38d2d219949","name":"other","queues":{},"graphs":[],"host":"vm","pid":23344,"since":1709251213771}');
insert into docket_owners (owner, seen_at, expires_at, session_lock, worker) values ('writer:abd5594d-8491-4d15-807c-aee4225b7c2a', '2024-03-01 00:00:00.000', '2024-03-01 00:00:05.000', 'vm:17561/docket 6ec46878749fc8eb22ec28475ae5fa5d768c7b07', '{"owner":"writer:abd5594d-8491-4d15-807c-aee4225b7c2a","name":"writer","queues":{"default":100},"graphs":["orders"],"host":"vm","pid":23344,"since":1709251212144}');
insert into docket_results (id, id_full, namespace, step, version, type, status, owner, owner_full, epoch, output, output_bytes, error, error_bytes, claimed_at, ended_at, expires_at) values ('ssLEzgG54jGCuefBR00S1KB31-Fm1o8DLfpGZ65NmPU', NULL, 'orders', 'FindRate', '', 'Rate', 'completed', 'writer:abd5594d-8491-4d15-807c-aee4225b7c2a', NULL, '1', '{"currency":"NOK","rate":11.5}', NULL, NULL, NULL, '2024-03-01 00:00:12.288', '2024-03-01 00:00:12.526', NULL);
insert into docket_steps (execution, execution_full, step, step_full, item, item_full, status, attempt, input_hash, type, type_version, output, output_bytes, error, error_bytes, attempts, attempts_bytes, queued_at, started_at, ended_at, due_at) values ('batch', NULL, '$items', NULL, '0', NULL, 'completed', '1', NULL, '$items', NULL, '{"at":0,"keys":["b-1","b-2","b-3","b-4"],"items":[{"Order":{"id":"b-1"}},{"Order":{"id":"b-2"}},{"Order":{"id":"b-3"}},{"Order":{"id":"b-4"}}]}', NULL, NULL, NULL, NULL, NULL, NULL, NULL, '2024-03-01 00:00:13.031', NULL);
insert into docket_steps (execution, execution_full, step, step_full, item, item_full, status, attempt, input_hash, type, type_version, output, output_bytes, error, error_bytes, attempts, attempts_bytes, queued_at, started_at, ended_at, due_at) values ('batch', NULL, 'Charge', NULL, 'b-1', NULL, 'completed', '1', 'PNKRCXVzAJrtTDme39FtaWmFclDRD85US7UHIVfOYbc', 'Receipt', NULL, '"receipt of b-1"', NULL, NULL, NULL, NULL, NULL, NULL, '2024-03-01 00:00:13.065', '2024-03-01 00:00:13.068', NULL);
insert into docket_steps (execution, execution_full, step, step_full, item, item_full, status, attempt, input_hash, type, type_version, output, output_bytes, error, error_bytes, attempts, attempts_bytes, queued_at, started_at, ended_at, due_at) values ('batch', NULL, 'Charge', NULL, 'b-2', NULL, 'completed', '1', 'tyNDr2XbzSyJ2U6E6y0xFQTRreegVBPZHJOfyQKF9F8', 'Receipt', NULL, '"receipt of b-2"', NULL, NULL, NULL, NULL, NULL, NULL, '2024-03-01 00:00:13.065', '2024-03-01 00:00:13.068', NULL);
insert into docket_steps (execution, execution_full, step, step_full, item, item_full, status, attempt, input_hash, type, type_version, output, output_bytes, error, error_bytes, attempts, attempts_bytes, queued_at, started_at, ended_at, due_at) values ('batch', NULL, 'Charge', NULL, 'b-3', NULL, 'running', '1', 'T1WjJ6R1-dzFZoOeaJSC_ui4KdZ1N70R0U3g2Amksr4', 'Receipt', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, '2024-03-01 00:00:13.065', NULL, NULL);
insert into docket_steps (execution, execution_full, step, step_full, item, item_full, status, attempt, input_hash, type, type_version, output, output_bytes, error, error_bytes, attempts, attempts_bytes, queued_at, started_at, ended_at, due_at) values ('batch', NULL, 'Charge', NULL, 'b-4', NULL, 'running', '1', 'HDg9owrejrRum0BEbCXWaCpXAFepCm3Y14d9jUPmu9A', 'Receipt', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, '2024-03-01 00:00:13.065', NULL, NULL);
insert into docket_steps (execution, execution_full, step, step_full, item, item_full, status, attempt, input_hash, type, type_version, output, output_bytes, error, error_bytes, attempts, attempts_bytes, queued_at, started_at, ended_at, due_at) values ('batch', NULL, 'Describe', NULL, 'b-1', NULL, 'completed', '1', 'hoC_-urT167zrlH89mf1wtwvjyOMuVIdj5k2qdsK3SM', 'Details', NULL, '{"at":{"$date":"2024-02-29T12:30:00.000Z"},"tags":{"$map":[["née",1],["b",-0.5]]},"big":{"$bigint":"1180591620717411303424"},"nothing":{"$undefined":true}}', NULL, NULL, NULL, NULL, NULL, NULL, '2024-03-01 00:00:13.048', '2024-03-01 00:00:13.048', NULL);
insert into docket_steps (execution, execution_full, step, step_full, item, item_full, status, attempt, input_hash, type, type_version, output, output_bytes, error, error_bytes, attempts, attempts_bytes, queued_at, started_at, ended_at, due_at) values ('batch', NULL, 'Describe', NULL, 'b-2', NULL, 'completed', '1', '8zPsgLzAQyHb1rrvmxp8HKRII_Fyx0fw3mEOVtMqCPg', 'Details', NULL, '{"at":{"$date":"2024-02-29T12:30:00.000Z"},"tags":{"$map":[["née",1],["b",-0.5]]},"big":{"$bigint":"1180591620717411303424"},"nothing":{"$undefined":true}}', NULL, NULL, NULL, NULL, NULL, NULL, '2024-03-01 00:00:13.048', '2024-03-01 00:00:13.048', NULL);
insert into docket_steps (execution, execution_full, step, step_full, item, item_full, status, attempt, input_hash, type, type_version, output, output_bytes, error, error_bytes, attempts, attempts_bytes, queued_at, started_at, ended_at, due_at) values ('batch', NULL, 'Describe', NULL, 'b-3', NULL, 'completed', '1', 'K2Aa6jPy2I5AU7_8-BdKFuLucCPi5OPB-8mqWbRbpy8', 'Details', NULL, '{"at":{"$date":"2024-02-29T12:30:00.000Z"},"tags":{"$map":[["née",1],["b",-0.5]]},"big":{"$bigint":"1180591620717411303424"},"nothing":{"$undefined":true}}', NULL, NULL, NULL, NULL, NULL, NULL, '2024-03-01 00:00:13.048', '2024-03-01 00:00:13.049', NULL);
insert into docket_steps (execution, execution_full, step, step_full, item, item_full, status, attempt, input_hash, type, type_version, output, output_bytes, error, error_bytes, attempts, attempts_bytes, queued_at, started_at, ended_at, due_at) values ('batch', NULL, 'Describe', NULL, 'b-4', NULL, 'completed', '1', '40wOs5L0RnSWiLk3ndqOilMTh1qQQmunK2-zc0w15To', 'Details', NULL, '{"at":{"$date":"2024-02-29T12:30:00.000Z"},"tags":{"$map":[["née",1],["b",-0.5]]},"big":{"$bigint":"1180591620717411303424"},"nothing":{"$undefined":true}}', NULL, NULL, NULL, NULL, NULL, NULL, '2024-03-01 00:00:13.049', '2024-03-01 00:00:13.049', NULL);
insert into docket_steps (execution, execution_full, step, step_full, item, item_full, status, attempt, input_hash, type, type_version, output, output_bytes, error, error_bytes, attempts, attempts_bytes, queued_at, started_at, ended_at, due_at) values ('batch', NULL, 'FindPrice', NULL, 'b-1', NULL, 'completed', '1', 'hoC_-urT167zrlH89mf1wtwvjyOMuVIdj5k2qdsK3SM', 'Price', NULL, '3', NULL, NULL, NULL, NULL, NULL, NULL, '2024-03-01 00:00:13.048', '2024-03-01 00:00:13.048', NULL);
insert into docket_steps (execution, execution_full, step, step_full, item, item_full, status, attempt, input_hash, type, type_version, output, output_bytes, error, error_bytes, attempts, attempts_bytes, queued_at, started_at, ended_at, due_at) values ('batch', NULL, 'FindPrice', NULL, 'b-2', NULL, 'completed', '1', '8zPsgLzAQyHb1rrvmxp8HKRII_Fyx0fw3mEOVtMqCPg', 'Price', NULL, '3', NULL, NULL, NULL, NULL, NULL, NULL, '2024-03-01 00:00:13.048', '2024-03-01 00:00:13.048', NULL);
insert into docket_steps (execution, execution_full, step, step_full, item, item_full, status, attempt, input_hash, type, type_version, output, output_bytes, error, error_bytes, attempts, attempts_bytes, queued_at, started_at, ended_at, due_at) values ('batch', NULL, 'FindPrice', NULL, 'b-3', NULL, 'completed', '1', 'K2Aa6jPy2I5AU7_8-BdKFuLucCPi5OPB-8mqWbRbpy8', 'Price', NULL, '3', NULL, NULL, NULL, NULL, NULL, NULL, '2024-03-01 00:00:13.049', '2024-03-01 00:00:13.049', NULL);
insert into docket_steps (execution, execution_full, step, step_full, item, item_full, status, attempt, input_hash, type, type_version, output, output_bytes, error, error_bytes, attempts, attempts_bytes, queued_at, started_at, ended_at, due_at) values ('batch', NULL, 'FindPrice', NULL, 'b-4', NULL, 'completed', '1', '40wOs5L0RnSWiLk3ndqOilMTh1qQQmunK2-zc0w15To', 'Price', NULL, '3', NULL, NULL, NULL, NULL, NULL, NULL, '2024-03-01 00:00:13.049', '2024-03-01 00:00:13.049', NULL);
insert into docket_steps (execution, execution_full, step, step_full, item, item_full, status, attempt, input_hash, type, type_version, output, output_bytes, error, error_bytes, attempts, attempts_bytes, queued_at, started_at, ended_at, due_at) values ('batch', NULL, 'FindRate', NULL, '', NULL, 'cached', '0', 'RBNvo1WzZ4oRRq0W9-hknpT7T8If536DEMBg9hyq_4o', 'Rate', NULL, '{"currency":"NOK","rate":11.5}', NULL, NULL, NULL, NULL, NULL, '2024-03-01 00:00:13.048', NULL, '2024-03-01 00:00:13.050', NULL);
insert into docket_steps (execution, execution_full, step, step_full, item, item_full, status, attempt, input_hash, type, type_version, output, output_bytes, error, error_bytes, attempts, attempts_bytes, queued_at, started_at, ended_at, due_at) values ('called-off', NULL, 'Charge', NULL, '', NULL, 'running', '1', NULL, 'Receipt', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, '2024-03-01 00:00:13.015', NULL, NULL);
insert into docket_steps (execution, execution_full, step, step_full, item, item_full, status, attempt, input_hash, type, type_version, output, output_bytes, error, error_bytes, attempts, attempts_bytes, queued_at, started_at, ended_at, due_at) values ('called-off', NULL, 'Describe', NULL, '', NULL, 'completed', '1', 'mdDMPJJOLse5Hw99OR4yIm2wyR9vD5DFLp3DCK1j1cQ', 'Details', NULL, '{"at":{"$date":"2024-02-29T12:30:00.000Z"},"tags":{"$map":[["née",1],["b",-0.5]]},"big":{"$bigint":"1180591620717411303424"},"nothing":{"$undefined":true}}', NULL, NULL, NULL, NULL, NULL, NULL, '2024-03-01 00:00:12.942', '2024-03-01 00:00:12.942', NULL);
insert into docket_steps (execution, execution_full, step, step_full, item, item_full, status, attempt, input_hash, type, type_version, output, output_bytes, error, error_bytes, attempts, attempts_bytes, queued_at, started_at, ended_at, due_at) values ('called-off', NULL, 'FindPrice', NULL, '', NULL, 'completed', '1', 'mdDMPJJOLse5Hw99OR4yIm2wyR9vD5DFLp3DCK1j1cQ', 'Price', NULL, '10', NULL, NULL, NULL, NULL, NULL, NULL, '2024-03-01 00:00:12.942', '2024-03-01 00:00:12.942', NULL);
insert into docket_steps (execution, execution_full, step, step_full, item, item_full, status, attempt, input_hash, type, type_version, output, output_bytes, error, error_bytes, attempts, attempts_bytes, queued_at, started_at, ended_at, due_at) values ('called-off', NULL, 'FindRate', NULL, '', NULL, 'cached', '0', 'RBNvo1WzZ4oRRq0W9-hknpT7T8If536DEMBg9hyq_4o', 'Rate', NULL, '{"currency":"NOK","rate":11.5}', NULL, NULL, NULL, NULL, NULL, '2024-03-01 00:00:12.942', NULL, '2024-03-01 00:00:13.015', NULL);
insert into docket_steps (execution, execution_full, step, step_full, item, item_full, status, attempt, input_hash, type, type_version, output, output_bytes, error, error_bytes, attempts, attempts_bytes, queued_at, started_at, ended_at, due_at) values ('completed', NULL, 'Charge', NULL, '', NULL, 'completed', '1', 'xu6vLXIUkVJEIpW3n5DYs1ONnPG3XA5sC0PYHp7Tv8Q', 'Receipt', NULL, '"receipt of completed"', NULL, NULL, NULL, NULL, NULL, NULL, '2024-03-01 00:00:12.574', '2024-03-01 00:00:12.574', NULL);
insert into docket_steps (execution, execution_full, step, step_full, item, item_full, status, attempt, input_hash, type, type_version, output, output_bytes, error, error_bytes, attempts, attempts_bytes, queued_at, started_at, ended_at, due_at) values ('completed', NULL, 'Describe', NULL, '', NULL, 'completed', '1', 'jnmFo4RZPeOcXCvYEL3w0CaNkbFH93_1RezcPZ_8Ilo', 'Details', NULL, '{"at":{"$date":"2024-02-29T12:30:00.000Z"},"tags":{"$map":[["née",1],["b",-0.5]]},"big":{"$bigint":"1180591620717411303424"},"nothing":{"$undefined":true}}', NULL, NULL, NULL, NULL, NULL, NULL, '2024-03-01 00:00:12.288', '2024-03-01 00:00:12.288', NULL);
insert into docket_steps (execution, execution_full, step, step_full, item, item_full, status, attempt, input_hash, type, type_version, output, output_bytes, error, error_bytes, attempts, attempts_bytes, queued_at, started_at, ended_at, due_at) values ('completed', NULL, 'FindPrice', NULL, '', NULL, 'completed', '1', 'jnmFo4RZPeOcXCvYEL3w0CaNkbFH93_1RezcPZ_8Ilo', 'Price', NULL, '9', NULL, NULL, NULL, NULL, NULL, NULL, '2024-03-01 00:00:12.288', '2024-03-01 00:00:12.288', NULL);
insert into docket_steps (execution, execution_full, step, step_full, item, item_full, status, attempt, input_hash, type, type_version, output, output_bytes, error, error_bytes, attempts, attempts_bytes, queued_at, started_at, ended_at, due_at) values ('completed', NULL, 'FindRate', NULL, '', NULL, 'completed', '1', 'RBNvo1WzZ4oRRq0W9-hknpT7T8If536DEMBg9hyq_4o', 'Rate', NULL, '{"currency":"NOK","rate":11.5}', NULL, NULL, NULL, NULL, NULL, '2024-03-01 00:00:12.288', '2024-03-01 00:00:12.525', '2024-03-01 00:00:12.544', NULL);
insert into docket_steps (execution, execution_full, step, step_full, item, item_full, status, attempt, input_hash, type, type_version, output, output_bytes, error, error_bytes, attempts, attempts_bytes, queued_at, started_at, ended_at, due_at) values ('failed', NULL, 'Charge', NULL, '', NULL, 'failed', '1', 'Idiss6mhwfPcFcA5tKnIJPYHqVM1OH4eiK1t7RUQoBI', 'Receipt', NULL, NULL, NULL, '{"$error":{"name":"NonRetryableError","message":"the card was declined","stack":"NonRetryableError: the card was declined","cause":{"$error":{"name":"RangeError","message":"limit","stack":"RangeError: limit"}},"fields":{"code":"NON_RETRYABLE","path":[]}}}', NULL, NULL, NULL, NULL, '2024-03-01 00:00:12.728', '2024-03-01 00:00:12.728', NULL);
insert into docket_steps (execution, execution_full, step, step_full, item, item_full, status, attempt, input_hash, type, type_version, output, output_bytes, error, error_bytes, attempts, attempts_bytes, queued_at, started_at, ended_at, due_at) values ('failed', NULL, 'Describe', NULL, '', NULL, 'completed', '1', 'ZMcEczP1zdBiaxXopzRx3YnN_fwrMiqFIlN91m1xbFc', 'Details', NULL, '{"at":{"$date":"2024-02-29T12:30:00.000Z"},"tags":{"$map":[["née",1],["b",-0.5]]},"big":{"$bigint":"1180591620717411303424"},"nothing":{"$undefined":true}}', NULL, NULL, NULL, NULL, NULL, NULL, '2024-03-01 00:00:12.639', '2024-03-01 00:00:12.639', NULL);
insert into docket_steps (execution, execution_full, step, step_full, item, item_full, status, attempt, input_hash, type, type_version, output, output_bytes, error, error_bytes, attempts, attempts_bytes, queued_at, started_at, ended_at, due_at) values ('failed', NULL, 'FindPrice', NULL, '', NULL, 'completed', '1', 'ZMcEczP1zdBiaxXopzRx3YnN_fwrMiqFIlN91m1xbFc', 'Price', NULL, '6', NULL, NULL, NULL, NULL, NULL, NULL, '2024-03-01 00:00:12.639', '2024-03-01 00:00:12.639', NULL);
insert into docket_steps (execution, execution_full, step, step_full, item, item_full, status, attempt, input_hash, type, type_version, output, output_bytes, error, error_bytes, attempts, attempts_bytes, queued_at, started_at, ended_at, due_at) values ('failed', NULL, 'FindRate', NULL, '', NULL, 'cached', '0', 'RBNvo1WzZ4oRRq0W9-hknpT7T8If536DEMBg9hyq_4o', 'Rate', NULL, '{"currency":"NOK","rate":11.5}', NULL, NULL, NULL, NULL, NULL, '2024-03-01 00:00:12.639', NULL, '2024-03-01 00:00:12.660', NULL);
insert into docket_steps (execution, execution_full, step, step_full, item, item_full, status, attempt, input_hash, type, type_version, output, output_bytes, error, error_bytes, attempts, attempts_bytes, queued_at, started_at, ended_at, due_at) values ('retrying', NULL, 'Charge', NULL, '', NULL, 'retrying', '1', 'GTPoPW6f_Ijmp0sRzYKr7Chn1MWpFxonHDmYSdw67Eg', 'Receipt', NULL, NULL, NULL, '{"$error":{"name":"Error","message":"the bank is busy","stack":"Error: the bank is busy"}}', NULL, '[{"attempt":1,"startedAt":1709251213043,"endedAt":1709251213043,"owner":"writer:abd5594d-8491-4d15-807c-aee4225b7c2a","error":{"name":"Error","message":"the bank is busy","stack":"Error: the bank is busy"}}]', NULL, NULL, '2024-03-01 00:00:13.043', NULL, '2024-03-01 00:01:13.043');
insert into docket_steps (execution, execution_full, step, step_full, item, item_full, status, attempt, input_hash, type, type_version, output, output_bytes, error, error_bytes, attempts, attempts_bytes, queued_at, started_at, ended_at, due_at) values ('retrying', NULL, 'Describe', NULL, '', NULL, 'completed', '1', '6PbPZDz1OslGbrigljOqeREHA_XXyBUpNpLtSse9BwA', 'Details', NULL, '{"at":{"$date":"2024-02-29T12:30:00.000Z"},"tags":{"$map":[["née",1],["b",-0.5]]},"big":{"$bigint":"1180591620717411303424"},"nothing":{"$undefined":true}}', NULL, NULL, NULL, NULL, NULL, NULL, '2024-03-01 00:00:12.886', '2024-03-01 00:00:12.886', NULL);
insert into docket_steps (execution, execution_full, step, step_full, item, item_full, status, attempt, input_hash, type, type_version, output, output_bytes, error, error_bytes, attempts, attempts_bytes, queued_at, started_at, ended_at, due_at) values ('retrying', NULL, 'FindPrice', NULL, '', NULL, 'completed', '1', '6PbPZDz1OslGbrigljOqeREHA_XXyBUpNpLtSse9BwA', 'Price', NULL, '8', NULL, NULL, NULL, NULL, NULL, NULL, '2024-03-01 00:00:12.886', '2024-03-01 00:00:12.886', NULL);
insert into docket_steps (execution, execution_full, step, step_full, item, item_full, status, attempt, input_hash, type, type_version, output, output_bytes, error, error_bytes, attempts, attempts_bytes, queued_at, started_at, ended_at, due_at) values ('retrying', NULL, 'FindRate', NULL, '', NULL, 'cached', '0', 'RBNvo1WzZ4oRRq0W9-hknpT7T8If536DEMBg9hyq_4o', 'Rate', NULL, '{"currency":"NOK","rate":11.5}', NULL, NULL, NULL, NULL, NULL, '2024-03-01 00:00:12.886', NULL, '2024-03-01 00:00:12.899', NULL);
insert into docket_steps (execution, execution_full, step, step_full, item, item_full, status, attempt, input_hash, type, type_version, output, output_bytes, error, error_bytes, attempts, attempts_bytes, queued_at, started_at, ended_at, due_at) values ('unfinished', NULL, 'Charge', NULL, '', NULL, 'running', '1', NULL, 'Receipt', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, '2024-03-01 00:00:12.879', NULL, NULL);
insert into docket_steps (execution, execution_full, step, step_full, item, item_full, status, attempt, input_hash, type, type_version, output, output_bytes, error, error_bytes, attempts, attempts_bytes, queued_at, started_at, ended_at, due_at) values ('unfinished', NULL, 'Describe', NULL, '', NULL, 'completed', '1', 'uH5uDzQdgPX7iYK5UPSQDJBAyKcgLs2DDTHwNBYDRcE', 'Details', NULL, '{"at":{"$date":"2024-02-29T12:30:00.000Z"},"tags":{"$map":[["née",1],["b",-0.5]]},"big":{"$bigint":"1180591620717411303424"},"nothing":{"$undefined":true}}', NULL, NULL, NULL, NULL, NULL, NULL, '2024-03-01 00:00:12.859', '2024-03-01 00:00:12.859', NULL);
insert into docket_steps (execution, execution_full, step, step_full, item, item_full, status, attempt, input_hash, type, type_version, output, output_bytes, error, error_bytes, attempts, attempts_bytes, queued_at, started_at, ended_at, due_at) values ('unfinished', NULL, 'FindPrice', NULL, '', NULL, 'completed', '1', 'uH5uDzQdgPX7iYK5UPSQDJBAyKcgLs2DDTHwNBYDRcE', 'Price', NULL, '10', NULL, NULL, NULL, NULL, NULL, NULL, '2024-03-01 00:00:12.859', '2024-03-01 00:00:12.859', NULL);
insert into docket_steps (execution, execution_full, step, step_full, item, item_full, status, attempt, input_hash, type, type_version, output, output_bytes, error, error_bytes, attempts, attempts_bytes, queued_at, started_at, ended_at, due_at) values ('unfinished', NULL, 'FindRate', NULL, '', NULL, 'cached', '0', 'RBNvo1WzZ4oRRq0W9-hknpT7T8If536DEMBg9hyq_4o', 'Rate', NULL, '{"currency":"NOK","rate":11.5}', NULL, NULL, NULL, NULL, NULL, '2024-03-01 00:00:12.859', NULL, '2024-03-01 00:00:12.879', NULL);
