"""The providers' side as programs use it: proposals and pools."""
