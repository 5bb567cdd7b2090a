-- The tables of better-auth-rs 0.10.0 that these requests need, as its migrations/001_create_core_tables.sql
-- makes them, with the users and sessions that ../setup.sql has.

CREATE TABLE users (
    id text PRIMARY KEY, name text, email text UNIQUE, email_verified boolean NOT NULL DEFAULT false, image text,
    username text UNIQUE, display_username text, two_factor_enabled boolean NOT NULL DEFAULT false, role text,
    banned boolean NOT NULL DEFAULT false, ban_reason text, ban_expires timestamptz,
    metadata jsonb NOT NULL DEFAULT '{}',
    created_at timestamptz NOT NULL DEFAULT now(), updated_at timestamptz NOT NULL DEFAULT now()
);
CREATE TABLE sessions (
    id text PRIMARY KEY, expires_at timestamptz NOT NULL, token text NOT NULL UNIQUE, ip_address text, user_agent text,
    user_id text NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    impersonated_by text, active_organization_id text, active boolean NOT NULL DEFAULT true,
    created_at timestamptz NOT NULL DEFAULT now(), updated_at timestamptz NOT NULL DEFAULT now()
);
CREATE TABLE accounts (
    id text PRIMARY KEY, account_id text NOT NULL, provider_id text NOT NULL,
    user_id text NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    access_token text, refresh_token text, id_token text,
    access_token_expires_at timestamptz, refresh_token_expires_at timestamptz, scope text, password text,
    created_at timestamptz NOT NULL DEFAULT now(), updated_at timestamptz NOT NULL DEFAULT now(),
    UNIQUE (provider_id, account_id)
);

INSERT INTO users (id, name, email, email_verified)
SELECT lpad(i::text, 32, 'U'), 'User ' || i, 'user' || i || '@example.com', true
FROM generate_series(1, 5000) i;
INSERT INTO sessions (id, expires_at, token, ip_address, user_agent, user_id)
SELECT lpad(i::text, 32, 'S'), now() + '7 days', lpad(i::text, 32, 'A'), '127.0.0.1',
       'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0.0.0 Safari/537.36',
       lpad(i::text, 32, 'U')
FROM generate_series(1, 5000) i;
VACUUM (ANALYZE, FREEZE);
