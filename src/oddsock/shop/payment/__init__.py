"""payment: authorises up to a limit and keeps every authorisation, capture, decline and refund."""
