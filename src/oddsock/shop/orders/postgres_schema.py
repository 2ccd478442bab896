"""The orders' tables and functions in PostgreSQL: one call of a function is one transaction, on the server's side only.

No transaction waits for a word of a client, so a process that is frozen in the middle holds no lock. Whoever writes
takes a shared barrier before it draws a number of a sequence; whoever reads on from a number takes it alone for a
moment, so that no lower number can appear later.
"""

BARRIER = 0x6F6464
"""The advisory lock between writers, who share it, and readers who page by number."""

SCHEMA_LOCK = 0x6F6465
"""The advisory lock of whoever makes the schema: several replicas may start at once."""

TABLES = """
CREATE TABLE IF NOT EXISTS orders(
  n BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY, id TEXT NOT NULL UNIQUE, customer_id TEXT NOT NULL,
  document BYTEA NOT NULL, revision INTEGER NOT NULL, is_open BOOLEAN NOT NULL, touched_at TEXT COLLATE "C" NOT NULL);
CREATE INDEX IF NOT EXISTS orders_of_customer ON orders(customer_id);
CREATE INDEX IF NOT EXISTS orders_open ON orders(n) WHERE is_open;
CREATE TABLE IF NOT EXISTS keys(key TEXT PRIMARY KEY, kind TEXT NOT NULL, order_id TEXT NOT NULL, answer BYTEA);
CREATE TABLE IF NOT EXISTS requests(key TEXT PRIMARY KEY, fingerprint TEXT NOT NULL, order_id TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS marks(
  seq BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY, order_id TEXT NOT NULL, leg TEXT NOT NULL, state TEXT NOT NULL,
  at TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS marks_of_order ON marks(order_id);
CREATE TABLE IF NOT EXISTS journal(
  seq BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY, order_id TEXT NOT NULL, status TEXT NOT NULL, at TEXT NOT NULL,
  cause TEXT NOT NULL, actor TEXT NOT NULL, request_id TEXT NOT NULL, traceparent TEXT NOT NULL,
  idempotency_key TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS journal_of_order ON journal(order_id);
CREATE TABLE IF NOT EXISTS events(
  seq BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY, order_id TEXT NOT NULL, kind TEXT NOT NULL, at TEXT NOT NULL,
  cause TEXT NOT NULL, actor TEXT NOT NULL, request_id TEXT NOT NULL, traceparent TEXT NOT NULL, data TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS events_of_order ON events(order_id);
CREATE TABLE IF NOT EXISTS errands(
  order_id TEXT COLLATE "C" PRIMARY KEY, stage TEXT NOT NULL, dead BOOLEAN NOT NULL, parked_at TEXT NOT NULL,
  due_at TEXT COLLATE "C" NOT NULL, deadline_at TEXT NOT NULL, attempts INTEGER NOT NULL, uncertain BOOLEAN NOT NULL,
  cause TEXT NOT NULL, traceparent TEXT NOT NULL, request_id TEXT NOT NULL, holder TEXT NOT NULL,
  lease_until TEXT COLLATE "C" NOT NULL);
CREATE INDEX IF NOT EXISTS errands_due ON errands(due_at) WHERE NOT dead;
CREATE TABLE IF NOT EXISTS outbox(
  id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY, kind TEXT NOT NULL, order_id TEXT NOT NULL, event TEXT NOT NULL,
  body BYTEA NOT NULL, attempts INTEGER NOT NULL, due_at TEXT COLLATE "C" NOT NULL, done_at TEXT NOT NULL,
  holder TEXT NOT NULL DEFAULT '', lease_until TEXT COLLATE "C" NOT NULL DEFAULT '', UNIQUE(order_id, kind, event));
CREATE INDEX IF NOT EXISTS outbox_waiting ON outbox(kind, id) WHERE done_at='';
"""

_APPEND_ONLY = """
CREATE OR REPLACE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN RAISE EXCEPTION '% is append-only', TG_TABLE_NAME; END $$;
CREATE OR REPLACE TRIGGER journal_stays BEFORE UPDATE OR DELETE ON journal
  FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE OR REPLACE TRIGGER events_stay BEFORE UPDATE OR DELETE ON events
  FOR EACH ROW EXECUTE FUNCTION refuse_change();
"""

# An errand is written in nobody's hands. Under a lease only the lease's holder writes it, and only while it holds.
_ERRANDS = """
CREATE OR REPLACE FUNCTION put_errand(e jsonb) RETURNS void LANGUAGE sql AS $$
  INSERT INTO errands VALUES(e->>'order_id', e->>'stage', (e->>'dead')::boolean, e->>'parked_at', e->>'due_at',
    e->>'deadline_at', (e->>'attempts')::int, (e->>'uncertain')::boolean, e->>'cause', e->>'traceparent',
    e->>'request_id', '', '')
  ON CONFLICT(order_id) DO UPDATE SET stage=excluded.stage, dead=excluded.dead, parked_at=excluded.parked_at,
    due_at=excluded.due_at, deadline_at=excluded.deadline_at, attempts=excluded.attempts,
    uncertain=excluded.uncertain, cause=excluded.cause, traceparent=excluded.traceparent,
    request_id=excluded.request_id, holder='', lease_until=''
$$;
CREATE OR REPLACE FUNCTION holds_lease(p_order TEXT, p_holder TEXT, p_lease TEXT) RETURNS boolean
LANGUAGE plpgsql AS $$
BEGIN
  IF p_holder = '' THEN RETURN true; END IF;
  PERFORM 1 FROM errands WHERE order_id=p_order AND holder=p_holder AND lease_until=p_lease FOR UPDATE;
  RETURN FOUND;
END $$;
CREATE OR REPLACE FUNCTION replace_errand(p_order TEXT, p_holder TEXT, p_lease TEXT, e jsonb) RETURNS boolean
LANGUAGE plpgsql AS $$
BEGIN
  IF NOT holds_lease(p_order, p_holder, p_lease) THEN RETURN false; END IF;
  IF e IS NULL THEN DELETE FROM errands WHERE order_id=p_order; ELSE PERFORM put_errand(e); END IF;
  RETURN true;
END $$;
"""

_CHANGES = f"""
CREATE OR REPLACE FUNCTION write_change(
  p_new boolean, p_order TEXT, p_customer TEXT, p_document BYTEA, p_revision INT, p_open boolean, p_at TEXT,
  p_holder TEXT, p_lease TEXT, rest jsonb) RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
  PERFORM pg_advisory_xact_lock_shared({BARRIER});
  IF p_new THEN
    INSERT INTO orders(id, customer_id, document, revision, is_open, touched_at)
      VALUES(p_order, p_customer, p_document, p_revision, p_open, p_at) ON CONFLICT(id) DO NOTHING;
  ELSE
    UPDATE orders SET document=p_document, revision=p_revision, is_open=p_open, touched_at=p_at
      WHERE id=p_order AND revision=p_revision - 1;
  END IF;
  IF NOT FOUND THEN RETURN false; END IF;
  IF NOT holds_lease(p_order, p_holder, p_lease) THEN
    RAISE EXCEPTION 'the lease of order % is over', p_order USING ERRCODE = 'OD001';
  END IF;
  IF p_holder = '' THEN
    PERFORM 1 FROM errands WHERE order_id=p_order AND holder<>'' AND lease_until>p_at;
    IF FOUND THEN RAISE EXCEPTION 'order % is in other hands', p_order USING ERRCODE = 'OD001'; END IF;
  END IF;
  IF rest->'request' <> 'null'::jsonb THEN
    INSERT INTO requests VALUES(rest->'request'->>'key', rest->'request'->>'fingerprint', p_order)
      ON CONFLICT(key) DO NOTHING;
    IF NOT FOUND THEN RAISE EXCEPTION 'the key stands for another order' USING ERRCODE = 'OD002'; END IF;
  END IF;
  INSERT INTO journal(order_id, status, at, cause, actor, request_id, traceparent, idempotency_key)
    SELECT p_order, j->>'status', p_at, j->>'cause', j->>'actor', j->>'request_id', j->>'traceparent',
      j->>'idempotency_key' FROM jsonb_array_elements(rest->'journal') AS j;
  INSERT INTO events(order_id, kind, at, cause, actor, request_id, traceparent, data)
    SELECT v->>'order_id', v->>'kind', v->>'at', v->>'cause', v->>'actor', v->>'request_id', v->>'traceparent',
      v->>'data' FROM jsonb_array_elements(rest->'events') WITH ORDINALITY AS t(v, i) ORDER BY i;
  INSERT INTO marks(order_id, leg, state, at)
    SELECT p_order, v->>'leg', v->>'state', p_at
      FROM jsonb_array_elements(rest->'marks') WITH ORDINALITY AS t(v, i) ORDER BY i;
  INSERT INTO outbox(kind, order_id, event, body, attempts, due_at, done_at)
    SELECT v->>'kind', v->>'order_id', v->>'event', decode(v->>'body', 'base64'), 0, v->>'due_at', ''
      FROM jsonb_array_elements(rest->'letters') WITH ORDINALITY AS t(v, i) ORDER BY i
    ON CONFLICT(order_id, kind, event) DO NOTHING;
  IF rest->'errand' <> 'null'::jsonb THEN PERFORM put_errand(rest->'errand');
  ELSIF (rest->>'ends_errand')::boolean THEN DELETE FROM errands WHERE order_id=p_order; END IF;
  IF rest->>'closes_key' <> '' THEN
    UPDATE keys SET answer=p_document WHERE key=rest->>'closes_key' AND answer IS NULL;
  END IF;
  RETURN true;
END $$;
"""

SCHEMA = TABLES + _APPEND_ONLY + _ERRANDS + _CHANGES
