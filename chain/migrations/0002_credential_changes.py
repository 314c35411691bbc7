"""Triggers that note when somebody's password, address or second factor changed."""

from django.db import migrations

NOTE = """
    CREATE FUNCTION chain_note_credentials() RETURNS trigger LANGUAGE plpgsql AS $$
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
    CREATE TRIGGER chain_note_password AFTER UPDATE OF password, email ON exchange_user
        FOR EACH ROW
        WHEN (OLD.email IS DISTINCT FROM NEW.email
              OR OLD.password IS DISTINCT FROM NEW.password)
        EXECUTE FUNCTION chain_note_credentials();
    CREATE TRIGGER chain_note_factor AFTER INSERT OR DELETE ON mfa_authenticator
        FOR EACH ROW EXECUTE FUNCTION chain_note_credentials();
    CREATE TRIGGER chain_note_address AFTER INSERT OR UPDATE OF email ON account_emailaddress
        FOR EACH ROW EXECUTE FUNCTION chain_note_credentials();
"""
FORGET = """
    DROP TRIGGER chain_note_address ON account_emailaddress;
    DROP TRIGGER chain_note_factor ON mfa_authenticator;
    DROP TRIGGER chain_note_password ON exchange_user;
    DROP FUNCTION chain_note_credentials();
"""


class Migration(migrations.Migration):
    """Raw SQL, because the tables belong to other applications."""

    dependencies = [
        ("chain", "0001_initial"),
        ("account", "0009_emailaddress_unique_primary_email"),
        ("mfa", "0003_authenticator_type_uniq"),
    ]
    operations = [migrations.RunSQL(NOTE, FORGET)]
