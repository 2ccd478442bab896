"""payment: authorises up to a limit or through a gateway; keeps every authorisation, capture, decline, void, refund.

decision  what an amount deserves, and the original's texts, pure
book      the rows, the keys, what is to be told
terminal  who decides: payment itself
gateway   the calls to a gateway
gateway_terminal   a gateway decides
asks      what was begun at a gateway, for the start after a death
hook      what the gateway tells
api       the routes
"""
