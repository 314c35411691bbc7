"""The ledger: accounts, their entries, the transfers these belong to, and holds."""

from django.contrib import admin

from exchange.admin.base import ReadOnly, columns, link_list, link_to
from exchange.models import Account, Entry, Hold, Transfer


@admin.register(Account)
class AccountAdmin(ReadOnly):
    """Balances, each with the entries that make it up."""

    list_display = (
        "id",
        "kind",
        "user",
        "market",
        *columns(Account, "balance_micro"),
        "version",
        "entries_of",
    )
    list_filter = ("kind", "market")
    list_select_related = ("user", "market")
    search_fields = ("=user__email", "=id")
    search_help_text = "an e-mail address, or the number of an account"
    ordering = ("-id",)
    sortable_by = ()
    extra = ("entries_of",)

    @admin.display(description="entries")
    def entries_of(self, account: Account) -> str:
        """Return a link to what the balance is the sum of."""
        return link_list(Entry, f"{account.version} entries", account__id__exact=account.pk)


@admin.register(Transfer)
class TransferAdmin(ReadOnly):
    """Economic facts, each booked once."""

    list_display = ("id", "at", "kind", "ref", "market", "entries_of")
    list_filter = ("kind", "market")
    list_select_related = ("market",)
    search_fields = ("=kind", "=ref")
    search_help_text = "kind and reference, as in: deposit 0f3c…"
    ordering = ("-id",)
    sortable_by = ()
    extra = ("entries_of",)

    @admin.display(description="entries")
    def entries_of(self, transfer: Transfer) -> str:
        """Return a link to the legs, which sum to zero."""
        return link_list(Entry, "entries", transfer__id__exact=transfer.pk)


@admin.register(Entry)
class EntryAdmin(ReadOnly):
    """Legs of transfers, chained by hash along each account."""

    list_display = (
        "id",
        "account_of",
        "version",
        *columns(Entry, "amount_micro", "balance_micro"),
        "transfer_of",
        "command_seq",
    )
    list_select_related = ("account__user", "account__market", "transfer")
    search_fields = ("=account__id", "=transfer__id")
    search_help_text = "the number of an account or of a transfer"
    ordering = ("-id",)
    sortable_by = ()

    @admin.display(description="account")
    def account_of(self, entry: Entry) -> str:
        """Return a link to the account."""
        return link_to(entry.account)

    @admin.display(description="transfer")
    def transfer_of(self, entry: Entry) -> str:
        """Return a link to the transfer."""
        return link_to(entry.transfer)


@admin.register(Hold)
class HoldAdmin(ReadOnly):
    """Cash set aside for one purpose."""

    list_display = (
        "id",
        "user",
        *columns(Hold, "amount_micro"),
        "state",
        "ref",
        "created_at",
        "closed_at",
    )
    list_filter = ("state",)
    list_select_related = ("user",)
    search_fields = ("=ref", "=user__email")
    ordering = ("-id",)
    sortable_by = ()
