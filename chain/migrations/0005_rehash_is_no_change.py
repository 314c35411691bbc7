"""A password hashed anew at a log-in is the same password: it freezes nothing."""

from django.db import migrations

NOTE = """
    CREATE OR REPLACE FUNCTION chain_note_credentials() RETURNS trigger LANGUAGE plpgsql AS $$
    DECLARE who bigint;
    BEGIN
        IF TG_TABLE_NAME = 'exchange_user' THEN
            who := NEW.id;
            IF OLD.email IS NOT DISTINCT FROM NEW.email
               AND current_setting('megatron.rehashed', true) = who::text THEN
                RETURN NULL;
            END IF;
        ELSIF TG_OP = 'DELETE' THEN who := OLD.user_id;
        ELSE who := NEW.user_id;
        END IF;
        INSERT INTO chain_credentialchange (user_id, at)
        SELECT who, clock_timestamp() WHERE EXISTS (SELECT 1 FROM exchange_user WHERE id = who)
            ON CONFLICT (user_id) DO UPDATE SET at = EXCLUDED.at;
        RETURN NULL;
    END $$;
"""
BEFORE = """
    CREATE OR REPLACE FUNCTION chain_note_credentials() RETURNS trigger LANGUAGE plpgsql AS $$
    DECLARE who bigint;
    BEGIN
        IF TG_TABLE_NAME = 'exchange_user' THEN who := NEW.id;
        ELSIF TG_OP = 'DELETE' THEN who := OLD.user_id;
        ELSE who := NEW.user_id;
        END IF;
        INSERT INTO chain_credentialchange (user_id, at)
        SELECT who, clock_timestamp() WHERE EXISTS (SELECT 1 FROM exchange_user WHERE id = who)
            ON CONFLICT (user_id) DO UPDATE SET at = EXCLUDED.at;
        RETURN NULL;
    END $$;
"""


class Migration(migrations.Migration):
    """Raw SQL, as where the function was made."""

    dependencies = [("chain", "0004_sweeps")]
    operations = [migrations.RunSQL(NOTE, BEFORE)]
