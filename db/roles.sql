-- One writer role per schema. Re-run at every migration; needs CREATEROLE.
DO $$
DECLARE name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['aiff_auth', 'aiff_tickets', 'aiff_analytics', 'aiff_ai'] LOOP
        IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = name) THEN
            EXECUTE format('CREATE ROLE %I NOLOGIN', name);
        END IF;
        -- The owner may start a connection as the role (PostgreSQL 16+ asks for it).
        EXECUTE format('GRANT %I TO %I', name, current_user);
    END LOOP;
END $$;
