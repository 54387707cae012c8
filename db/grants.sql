-- Each role writes its own schema and reads the contract views granted here.
DO $$
DECLARE own text;
BEGIN
    FOREACH own IN ARRAY ARRAY['auth', 'tickets', 'analytics', 'ai'] LOOP
        EXECUTE format('REVOKE ALL ON SCHEMA %I FROM PUBLIC', own);
        EXECUTE format('GRANT USAGE ON SCHEMA %I TO %I', own, 'aiff_' || own);
        EXECUTE format(
            'GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA %I TO %I', own, 'aiff_' || own);
        EXECUTE format('GRANT USAGE ON ALL SEQUENCES IN SCHEMA %I TO %I', own, 'aiff_' || own);
    END LOOP;
END $$;
REVOKE UPDATE, DELETE, TRUNCATE ON tickets.ticket_events FROM aiff_tickets;
REVOKE UPDATE, DELETE, TRUNCATE ON auth.audit_events FROM aiff_auth;

GRANT USAGE ON SCHEMA auth TO aiff_tickets, aiff_analytics, aiff_ai;
GRANT SELECT ON auth.live_sessions, auth.live_api_keys, auth.public_keys, auth.team_directory,
    auth.user_directory TO aiff_tickets, aiff_analytics, aiff_ai;

GRANT USAGE ON SCHEMA tickets TO aiff_auth, aiff_analytics, aiff_ai;
GRANT SELECT ON tickets.zone_directory, tickets.open_work TO aiff_auth;
GRANT SELECT ON tickets.zone_directory, tickets.ticket_facts, tickets.visit_facts,
    tickets.event_facts, tickets.calendar_versions, tickets.policy_versions,
    tickets.daily_figures, tickets.open_work TO aiff_analytics, aiff_ai;
GRANT SELECT ON tickets.search_facts TO aiff_ai;

GRANT USAGE ON SCHEMA public TO aiff_auth, aiff_tickets, aiff_analytics, aiff_ai;
GRANT SELECT ON public.alembic_version TO aiff_auth, aiff_tickets, aiff_analytics, aiff_ai;
