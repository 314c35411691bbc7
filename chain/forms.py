"""The forms of the wallet's pages. They parse; what may happen is decided by services."""

from django import forms

from chain.services.book import LABEL_MAX
from exchange.fields import MoneyField


class WithdrawalForm(forms.Form):
    """How much, and to which address of the book."""

    entry = forms.CharField(max_length=40)
    amount = MoneyField()


class BookForm(forms.Form):
    """An address to be."""

    address = forms.CharField(max_length=64, strip=True)
    label = forms.CharField(max_length=LABEL_MAX, required=False)
    is_contract = forms.BooleanField(required=False)


class FaucetForm(forms.Form):
    """Where the faucet pays; empty is the own deposit address."""

    address = forms.CharField(max_length=64, required=False, strip=True)
