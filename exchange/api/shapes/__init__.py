"""What the API takes and gives, one file per subject; figures are text with every place."""
