-- Contract views: the only thing one service may read of another's schema.
-- Re-created at every migration. Columns may be added, never renamed or removed.

-- Sessions as they stand now, for the token check of every service.
CREATE OR REPLACE VIEW auth.live_sessions AS
SELECT s.id AS session_id, u.id AS user_id, u.username, u.role, u.team_id, u.zones, u.locale
FROM auth.sessions s JOIN auth.users u ON u.id = s.user_id
WHERE s.revoked_at IS NULL AND s.expires_at > now() AND u.is_active;

CREATE OR REPLACE VIEW auth.live_api_keys AS
SELECT k.id AS key_id, k.key_hash, k.scopes, u.id AS user_id, u.username, u.role,
       u.team_id, u.zones, u.locale
FROM auth.api_keys k JOIN auth.users u ON u.id = k.user_id
WHERE k.revoked_at IS NULL AND (k.expires_at IS NULL OR k.expires_at > now()) AND u.is_active;

CREATE OR REPLACE VIEW auth.public_keys AS
SELECT kid, algorithm, public_pem FROM auth.signing_keys
WHERE verifies_until IS NULL OR verifies_until > now();

CREATE OR REPLACE VIEW auth.team_directory AS
SELECT t.id, t.name, t.zone, t.skills, t.base_lat, t.base_lon, t.shift_start, t.shift_end,
       t.daily_capacity_minutes, t.is_active, t.external_ref,
       (SELECT count(*) FROM auth.users u WHERE u.team_id = t.id AND u.is_active) AS members_count
FROM auth.teams t;

CREATE OR REPLACE VIEW auth.user_directory AS
SELECT id, username, full_name, role, team_id, zones, locale, is_active FROM auth.users;

-- Tickets without customers' contacts, for analytics and AI.
CREATE OR REPLACE VIEW tickets.ticket_facts AS
SELECT id, number, title, description, status, priority, priority_rank, category, cause, zone,
       location, lat, lon, team_id, technician_id, created_by, created_at, updated_at, opened_at,
       started_at, completed_at, closed_at, estimated_minutes, tags, parent_id, version,
       reopen_count, hold_reason, resolution_code, policy_id, calendar_id,
       response_target_s, response_due_at, response_risk_at, responded_at, response_elapsed_s,
       response_verdict, resolution_target_s, resolution_due_at, resolution_risk_at,
       resolution_elapsed_s, resolution_verdict, paused_at, breached_at, external_ref,
       (SELECT s.said FROM tickets.search_texts s WHERE s.ticket_id = id) AS search,
       cancelled_at, response_breached_at, response_wall_s, resolution_wall_s,
       response_used_us, response_from_at, resolution_used_us, resolution_from_at,
       duplicate_of_id, follows_id
FROM tickets.tickets WHERE deleted_at IS NULL;

-- What tickets are found by; of deleted ones too.
CREATE OR REPLACE VIEW tickets.search_facts AS
SELECT ticket_id, said AS search FROM tickets.search_texts;

CREATE OR REPLACE VIEW tickets.visit_facts AS
SELECT a.id, a.ticket_id, a.team_id, a.technician_id, a.status, a.offered_at, a.accepted_at,
       a.en_route_at, a.on_site_at, a.finished_at, a.outcome_reason
FROM tickets.assignments a JOIN tickets.tickets t ON t.id = a.ticket_id
WHERE t.deleted_at IS NULL;

CREATE OR REPLACE VIEW tickets.event_facts AS
SELECT id, ticket_id, seq, kind, actor_id, via, occurred_at, recorded_at, changes, data
FROM tickets.ticket_events;

CREATE OR REPLACE VIEW tickets.zone_directory AS
SELECT id, name, code, country, subdivision, region, tz, lat, lon, aliases, is_active
FROM tickets.zones;

CREATE OR REPLACE VIEW tickets.calendar_versions AS
SELECT id, name, version, definition FROM tickets.calendars;

CREATE OR REPLACE VIEW tickets.policy_versions AS
SELECT id, name, version, calendar_id, zones, priorities, targets, options, is_active
FROM tickets.sla_policies;

-- Exact at any moment: what is folded, and the deltas of the writes since.
-- How to read it: tickets_service/rollup.py.
DROP VIEW IF EXISTS tickets.daily_figures;
CREATE VIEW tickets.daily_figures AS
SELECT cut, grain, starts_on, zone, team_id, category, priority, technician_id,
       created, workload_minutes, unfinished_open, unfinished_in_progress, unfinished_on_hold,
       backlog_delta, completed, cancelled, reopened, first_visit_fixed, responded,
       response_wall_s, response_work_s, response_met, response_missed, resolution_wall_s,
       resolution_work_s, resolution_met, resolution_missed, visits_done, visits_not_done,
       on_site_s, travel_s, extra, bins
FROM tickets.rollup
UNION ALL
SELECT c.cut, g.grain,
       CASE g.grain WHEN 'd' THEN d.starts_on
                    WHEN 'w' THEN date_trunc('week', d.starts_on)::date
                    WHEN 'm' THEN date_trunc('month', d.starts_on)::date
                    ELSE DATE '1970-01-01' END,
       CASE WHEN strpos(c.cut, 'z') > 0 THEN d.zone ELSE '' END,
       CASE WHEN strpos(c.cut, 't') > 0 THEN d.team_id ELSE -1 END,
       CASE WHEN strpos(c.cut, 'c') > 0 THEN d.category ELSE '' END,
       CASE WHEN strpos(c.cut, 'p') > 0 THEN d.priority ELSE '' END,
       CASE WHEN strpos(c.cut, 'k') > 0 THEN d.technician_id ELSE -1 END,
       created, workload_minutes, unfinished_open, unfinished_in_progress, unfinished_on_hold,
       backlog_delta, completed, cancelled, reopened, first_visit_fixed, responded,
       response_wall_s, response_work_s, response_met, response_missed, resolution_wall_s,
       resolution_work_s, resolution_met, resolution_missed, visits_done, visits_not_done,
       on_site_s, travel_s, extra, NULL
FROM tickets.rollup_deltas d
CROSS JOIN (VALUES (''), ('z'), ('t'), ('c'), ('p'), ('zt'), ('zc'), ('zp'), ('tc'), ('tp'),
                   ('cp'), ('ztk'), ('zcp'), ('ztc'), ('ztp'), ('ztcp'),
                   ('ztcpk')) AS c(cut)
CROSS JOIN (VALUES ('d'), ('w'), ('m'), ('a')) AS g(grain);

-- Unfinished tickets per team, for the team list.
CREATE OR REPLACE VIEW tickets.open_work AS
SELECT team_id, count(*) AS open_tickets
FROM tickets.tickets
WHERE status IN ('open', 'in_progress', 'on_hold') AND deleted_at IS NULL AND team_id IS NOT NULL
GROUP BY team_id;

-- History is append-only, whoever asks.
CREATE OR REPLACE FUNCTION public.aiff_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% is append-only', TG_TABLE_NAME USING ERRCODE = 'insufficient_privilege';
END $$;

CREATE OR REPLACE TRIGGER append_only BEFORE UPDATE OR DELETE ON tickets.ticket_events
    FOR EACH STATEMENT EXECUTE FUNCTION public.aiff_append_only();
CREATE OR REPLACE TRIGGER append_only BEFORE UPDATE OR DELETE ON auth.audit_events
    FOR EACH STATEMENT EXECUTE FUNCTION public.aiff_append_only();

-- A restored database counts its transactions anew, below those that the change feed
-- is ordered by. Then what is there keeps its order by id, before all that comes.
DO $$
BEGIN
    IF (SELECT max(xid) FROM tickets.ticket_events) > pg_current_xact_id()::text::bigint THEN
        ALTER TABLE tickets.ticket_events DISABLE TRIGGER append_only;
        UPDATE tickets.ticket_events SET xid = 0;
        ALTER TABLE tickets.ticket_events ENABLE TRIGGER append_only;
        UPDATE tickets.webhooks
        SET feed_xid = 0, feed_id = (SELECT max(id) FROM tickets.ticket_events);
    END IF;
END $$;
