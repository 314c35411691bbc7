"""Let limit orders wait by intent, and those that a position blocks by their owner."""

from django.db import migrations, models

# Of the four intents, those that buy and those that sell shared an index each.
BY_INTENT = """
    UPDATE exchange_restingorder
       SET place = CASE WHEN status = 'open' THEN item ->> 'intent' ELSE place END,
           item = item || '{"parked": false}'
     WHERE kind = 'limit'"""
BY_SIDE = """
    UPDATE exchange_restingorder
       SET place = CASE WHEN item ->> 'intent' IN ('open_long', 'close_short')
                        THEN 'buys' ELSE 'sells' END,
           level = CASE WHEN item ->> 'intent' IN ('open_long', 'close_short')
                        THEN -(item ->> 'price_pico')::numeric
                        ELSE (item ->> 'price_pico')::numeric END,
           item = item - 'parked'
     WHERE kind = 'limit'"""


class Migration(migrations.Migration):
    dependencies = [("exchange", "0003_audit_marks")]

    operations = [
        migrations.AddField(
            model_name="position",
            name="parked",
            field=models.BooleanField(
                default=False, help_text="limit orders may be waiting for it to change sides"
            ),
        ),
        migrations.AlterField(
            model_name="restingorder",
            name="place",
            field=models.CharField(max_length=12),
        ),
        migrations.RunSQL(BY_INTENT, BY_SIDE),
    ]
