"""The forms of the wallet's pages. They parse; what may happen is decided by services."""

from django import forms

from chain.core.addresses import fault_of
from chain.hashing import keccak256
from chain.services.book import FAULTS, LABEL_MAX
from exchange.fields import MoneyField

ADDRESS_MAX = 64
TOO_LONG = "At most %(limit_value)d characters; these are %(show_value)d."


class WithdrawalForm(forms.Form):
    """How much, and to which address of the book."""

    entry = forms.CharField(
        max_length=40, error_messages={"required": "Choose an address of your book."}
    )
    amount = MoneyField()


class BookForm(forms.Form):
    """An address to be."""

    address = forms.CharField(strip=True, error_messages={"required": "Enter an address."})
    label = forms.CharField(
        max_length=LABEL_MAX,
        required=False,
        error_messages={"max_length": TOO_LONG},
    )
    is_contract = forms.BooleanField(required=False)

    def clean_address(self) -> str:
        """Say at once what can be seen in the spelling; the book asks the chain for the rest."""
        address: str = self.cleaned_data["address"]
        fault = fault_of(address, keccak256)
        if fault:
            words = FAULTS[fault]
            raise forms.ValidationError(f"{words[:1].upper()}{words[1:]}.", code=fault)
        return address


class FaucetForm(forms.Form):
    """Where the faucet pays; empty is the own deposit address."""

    address = forms.CharField(max_length=ADDRESS_MAX, required=False, strip=True)
